"""Flash what a board's SDK built in an application's folder, with that SDK's own flasher."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

import msgspec

from edgeq.boards.profile import Board
from edgeq.core.errors import InputError, UsageError
from edgeq.core.files import confined, read_bytes, sha256_hex
from edgeq.core.installation import require
from edgeq.device.elf import MAX_ELF_BYTES, read_segments
from edgeq.device.flashers import FLASH_S, find_target, run_step
from edgeq.device.flashing.records import AppTool, FlashReport, Step
from edgeq.device.flashing.table import find_flasher
from edgeq.device.images import check_regions, flash_regions

MAX_FILES = 64


def flash_app(
    board: Board,
    app: Path,
    *,
    port: str | None = None,
    dry_run: bool = False,
    timeout_s: float = FLASH_S,
) -> FlashReport:
    """Flash what the SDK built in the folder `app`; with `dry_run` only say how.

    Raises:
        UsageError: the board is flashed with edgeq's own firmware, or the port is not allowed.
        InputError: the folder holds nothing built, or something outside the board's flash.
        ToolchainError: the SDK's tool is not installed.
        DeviceError: no board, more than one, or the tool failed.
    """
    started = time.monotonic()
    flasher = find_flasher(board)
    tool = flasher.app
    if tool is None:
        raise UsageError(
            f"board '{board.id}' takes a firmware of edgeq, not an application's folder",
            hint=f"edgeq flash MODEL --board {board.id}",
        )
    built = _find_built(board, tool, app, dry_run)
    size = _check_built(board, built) if built else 0
    argv = tool.argv(board, find_target(flasher, board, port, dry_run))
    if not dry_run:
        require(flasher.requirement)
        run_step(flasher, board, Step(argv, tool.success), app, timeout_s)
    return FlashReport(
        board_id=board.id,
        method=flasher.name,
        dry_run=dry_run,
        commands=(shlex.join(argv),),
        verified=flasher.verified if not dry_run else "not written: dry run",
        elf_sha256=sha256_hex(_read(built)) if built else "",
        image_bytes=size,
        regions=(),
        seconds=time.monotonic() - started,
    )


def _find_built(board: Board, tool: AppTool, app: Path, dry_run: bool) -> Path | None:
    found = sorted(app.glob(tool.built)) if "\0" not in str(app) else []
    if len(found) == 1:
        return found[0]
    if dry_run:
        return None
    raise InputError(
        f"{app} holds {len(found) or 'no'} {tool.built}", hint=f"in {app}: {tool.build(board)}"
    )


def _check_built(board: Board, built: Path) -> int:
    """Return how many bytes will be written; raise InputError where one is outside the flash."""
    if built.suffix == ".json":
        return _check_offsets(board, built)
    segments = read_segments(built)
    check_regions(board, segments)
    return sum(len(s.data) for s in segments)


def _check_offsets(board: Board, built: Path) -> int:
    """Check ESP-IDF's flasher_args.json: {"flash_files": {"0x1000": "bootloader.bin", ...}}."""
    try:
        files: Any = msgspec.json.decode(_read(built), type=dict[str, Any]).get("flash_files")
        places = {int(offset, 16): str(name) for offset, name in files.items()}
    except (msgspec.MsgspecError, AttributeError, ValueError) as error:
        raise InputError(f"{built}: {error}", hint="build the application again") from error
    room = sum(r.size for r in flash_regions(board))
    total = 0
    for offset, name in list(places.items())[:MAX_FILES]:
        size = len(_read(confined(built.parent, name)))
        total += size
        if offset < 0 or offset + size > room:
            raise InputError(
                f"{name} would reach from {offset:#x} to {offset + size:#x} of the {room:#x} bytes"
                f" of flash of board '{board.id}'",
                hint="build it for this board; nothing was erased",
            )
    return total


def _read(path: Path) -> bytes:
    return read_bytes(path, what="built file", limit=MAX_ELF_BYTES)
