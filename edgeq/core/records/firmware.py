"""The firmware image: sizes read from the linked ELF."""

from __future__ import annotations

from edgeq.core.records.base import Record


class SizeRecord(Record, frozen=True, kw_only=True):
    """Sizes in bytes, read from the linked ELF.

    `flash_bytes` = code + constants of the model and its kernels; `image_bytes` = all loadable
    bytes of the image; `static_bytes` = data + bss of the model without the arena.
    """

    flash_bytes: int
    code_bytes: int
    constant_bytes: int
    static_bytes: int
    arena_bytes: int
    image_bytes: int


class RegionUse(Record, frozen=True, kw_only=True):
    """How full one memory region of the board is."""

    region: str
    start: int
    size: int
    used: int


class FirmwareImage(Record, frozen=True, kw_only=True):
    """A built firmware: where its ELF lies, for which board, and its sizes."""

    elf: str
    board_id: str
    model_name: str
    model_sha256: str
    toolchain: str
    traced: bool
    sizes: SizeRecord
    regions: tuple[RegionUse, ...]
