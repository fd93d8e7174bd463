"""Firmware as flash tools want it: one flat binary, or a UF2 file."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from edgeq.boards.profile import Board, Memory
from edgeq.core.errors import InputError
from edgeq.device.elf import Segment

ERASED = 0xFF
# UF2 (github.com/microsoft/uf2, README): blocks of 512 bytes with 256 bytes of payload each.
UF2_BLOCK = struct.Struct("<8I476sI")
UF2_MAGIC = (0x0A324655, 0x9E5D5157)
UF2_MAGIC_END = 0x0AB16F30
UF2_HAS_FAMILY = 0x2000
UF2_PAYLOAD = 256


def check_regions(board: Board, segments: Sequence[Segment]) -> None:
    """Raise InputError unless every segment lies inside the board's flash for code."""
    regions = flash_regions(board)
    for segment in segments:
        if not any(_holds(region, segment) for region in regions):
            names = ", ".join(f"{r.name} {r.start:#010x}+{r.size:#x}" for r in regions)
            raise InputError(
                f"the firmware has {len(segment.data):,} bytes for {segment.address:#010x},"
                f" which is no flash of board '{board.id}' ({names or 'it has none'})",
                hint="build it for this board; nothing was erased",
            )


def flash_regions(board: Board) -> tuple[Memory, ...]:
    """Return the region that the profile builds code for, or all flash where it names none."""
    code = tuple(r for r in board.memory if r.name == board.build.code_region)
    return code or tuple(r for r in board.memory if r.kind == "flash")


def flat_image(segments: Sequence[Segment]) -> tuple[int, bytes]:
    """Return the lowest address and all bytes from there, gaps filled with erased flash (0xFF).

    The segments must lie in one region (`check_regions`): this bounds the image.
    """
    start = min(s.address for s in segments)
    end = max(s.address + len(s.data) for s in segments)
    image = bytearray([ERASED]) * (end - start)
    for address, data in segments:
        image[address - start : address - start + len(data)] = data
    return start, bytes(image)


def uf2_image(segments: Sequence[Segment], family: int) -> bytes:
    """Return a UF2 file of the family id: only the 256-byte pages that hold bytes."""
    pages: dict[int, bytearray] = {}
    for address, data in segments:
        for at in range(len(data)):
            page, offset = divmod(address + at, UF2_PAYLOAD)
            pages.setdefault(page, bytearray([ERASED]) * UF2_PAYLOAD)[offset] = data[at]
    return b"".join(
        UF2_BLOCK.pack(
            *UF2_MAGIC, UF2_HAS_FAMILY, page * UF2_PAYLOAD, UF2_PAYLOAD, number, len(pages),
            family, bytes(pages[page]), UF2_MAGIC_END,
        )
        for number, page in enumerate(sorted(pages))
    )  # fmt: skip


def first_difference(found: bytes, wanted: bytes) -> int | None:
    """Return where `found` first differs from `wanted` or ends before it; None where it holds it.

    >>> first_difference(b"abc?", b"abc"), first_difference(b"ab", b"abc")
    (None, 2)
    """
    pairs = enumerate(zip(found, wanted, strict=False))
    short = len(found) if len(found) < len(wanted) else None
    return next((i for i, (a, b) in pairs if a != b), short)


def _holds(region: Memory, segment: Segment) -> bool:
    end = segment.address + len(segment.data)
    return region.start <= segment.address and end <= region.start + region.size
