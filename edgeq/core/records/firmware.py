"""The firmware image: sizes read from the linked ELF."""

from __future__ import annotations

from typing import Literal

from edgeq.core.records.base import Record

Protocol = Literal["edgeq", "mlperf"]
Mode = Literal["performance", "energy"]


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


class ProtocolRecord(Record, frozen=True, kw_only=True):
    """What a firmware is to speak: edgeq's link protocol, or MLPerf Tiny's text.

    The rest is MLPerf Tiny's: `mode` gives time stamps as text (performance) or as edges of a pin
    (energy), `model` is a name of its benchmark, None for the one of the model's shapes, and
    `vendor` is what `name` answers.
    """

    name: Protocol = "edgeq"
    mode: Mode = "performance"
    model: str | None = None
    vendor: str = "edgeq"


EDGEQ = ProtocolRecord()


class FirmwareImage(Record, frozen=True, kw_only=True):
    """A built firmware: where its ELF lies, for which board, and its sizes.

    `protocol` is what it speaks, in `mode` where the protocol has several; `baud` is the speed of
    its link, 0 for the board's own.
    """

    elf: str
    board_id: str
    model_name: str
    model_sha256: str
    toolchain: str
    traced: bool
    sizes: SizeRecord
    regions: tuple[RegionUse, ...]
    protocol: str = "edgeq"
    mode: str = ""
    baud: int = 0
