"""The result of a benchmark, whatever the board."""

from __future__ import annotations

from typing import Literal

from edgeq.core.records.base import BoardKind, Kind, Record
from edgeq.core.records.energy import EnergyRecord
from edgeq.core.records.linux import HostRecord


class ModelRecord(Record, frozen=True, kw_only=True):
    """The model that was measured."""

    name: str
    sha256: str
    bytes: int
    macs: int


class BoardRecord(Record, frozen=True, kw_only=True):
    """The board that measured it."""

    id: str
    core: str
    clock_hz: int
    kind: BoardKind
    verified: str


class EngineRecord(Record, frozen=True, kw_only=True):
    """The engine that ran it."""

    name: str
    version: str
    options: dict[str, str | int | float | bool]


class LatencyRecord(Record, frozen=True, kw_only=True):
    """Seconds per inference. `instructions` are exact counts; `cycles` say their own kind.

    `cycles_source` is what estimated seconds rest on. `low_s` and `high_s` bound the 95 %
    confidence interval of the median; `warmup_runs` of the runs were found to be warm-up and are
    not in the figures; `samples_s` are the seconds of the runs that are, in their order.
    """

    kind: Kind
    median_s: float
    p95_s: float
    mean_s: float
    runs: int
    instructions: int | None = None
    cycles: int | None = None
    cycles_kind: Kind | None = None
    cycles_source: str | None = None
    minimum_s: float | None = None
    maximum_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    warmup_runs: int | None = None
    outliers: int | None = None
    samples_s: tuple[float, ...] = ()


class MemoryRecord(Record, frozen=True, kw_only=True):
    """Bytes. ram_bytes = arena + static data + stack high-water mark of one inference."""

    flash_bytes: int
    code_bytes: int
    constant_bytes: int
    ram_bytes: int
    arena_bytes: int
    static_bytes: int
    stack_bytes: int
    image_bytes: int
    peak_rss_bytes: int | None = None


class OutputRecord(Record, frozen=True, kw_only=True):
    """What the board computed. `crc32` is the zlib CRC-32 of the output bytes, 8 hex digits."""

    crc32: str
    bit_exact: bool | None
    oracle: str | None


class LayerRecord(Record, frozen=True, kw_only=True):
    """Cost of one layer; `time_s` is of the same kind as the latency."""

    index: int
    op: str
    name: str
    macs: int
    instructions: int | None = None
    cycles: int | None = None
    time_s: float | None = None


class Result(Record, frozen=True, kw_only=True):
    """The record of one benchmark."""

    schema: Literal["edgeq.result/1"] = "edgeq.result/1"
    model: ModelRecord
    board: BoardRecord
    engine: EngineRecord
    latency: LatencyRecord
    memory: MemoryRecord
    energy: EnergyRecord | None
    output: OutputRecord
    layers: tuple[LayerRecord, ...]
    host: HostRecord | None = None
    warnings: tuple[str, ...] = ()
