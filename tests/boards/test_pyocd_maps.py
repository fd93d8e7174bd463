"""The memory of a chip that pyOCD knows is as large in its profile as in pyOCD's memory map."""

from __future__ import annotations

import warnings

import pytest

from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board, list_boards

# Boards that pyOCD does not flash here but whose chip it knows.
CHIPS = {
    "arduino-nano-33-ble-sense": "nrf52840",
    "nrf54l15-dk": "nrf54l",
    "raspberry-pi-pico": "rp2040",
}
# Regions that pyOCD's maps leave out, or have in another place.
APART = {
    ("nucleo-h743zi", "ram"): "its map has no AXI SRAM (RM0433, memory map)",
    ("nucleo-l432kc", "ram"): "its map has SRAM2 at 0x10000000 alone (RM0394, embedded SRAM)",
    ("sparkfun-edge", "bootloader"): "its map begins behind the boot loader",
}
# Boards whose chip has less than the map (a flash of any size), or more (the regions above).
OTHER_SIZES = {"nucleo-h743zi", "raspberry-pi-pico", "sparkfun-edge"}


def _target(board: Board) -> str:
    return CHIPS.get(board.id, board.flash.target if board.flash.method == "pyocd" else "")


BOARDS = tuple(b.id for b in list_boards() if _target(b) and b.kind == "mcu")


def _map(target: str) -> list[tuple[str, int, int]]:
    """Return (kind, first address, bytes) of the regions in pyOCD's map of a built-in target."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        builtin = pytest.importorskip("pyocd.target.builtin")
    if target not in builtin.BUILTIN_TARGETS:
        pytest.skip(f"{target} is in a pack, not built into this pyOCD")
    regions = builtin.BUILTIN_TARGETS[target].MEMORY_MAP
    return [(r.type.name.lower(), r.start, r.length) for r in regions if r.alias is None]


@pytest.mark.parametrize("board_id", BOARDS)
def test_every_region_lies_in_pyocds(board_id: str) -> None:
    board = find_board(board_id)
    known = _map(_target(board))
    for region in (r for r in board.memory if not r.alias_of):
        covered = _covered(region.start, region.size, region.kind, known)
        assert covered is ((board.id, region.name) not in APART), (region, known)


def _covered(start: int, size: int, kind: str, known: list[tuple[str, int, int]]) -> bool:
    """Tell whether the regions of `kind` hold every byte: they may follow one another."""
    end = start + size
    for _, first, length in sorted(r for r in known if r[0] == kind):
        if first <= start < first + length:
            start = first + length
    return start >= end


@pytest.mark.parametrize("board_id", sorted(set(BOARDS) - OTHER_SIZES))
def test_flash_and_ram_are_as_large_as_pyocds(board_id: str) -> None:
    board = find_board(board_id)
    known = _map(_target(board))
    for kind in ("flash", "ram"):
        ours = sum(r.size for r in board.memory if r.kind == kind and not r.alias_of)
        theirs = sum(length for k, start, length in known if k == kind and not _is_fuses(start))
        assert ours == theirs, (kind, known)


def _is_fuses(start: int) -> bool:
    """Tell the configuration pages of Nordic's chips from flash."""
    return start in (0x1000_1000, 0x00FF_D000)
