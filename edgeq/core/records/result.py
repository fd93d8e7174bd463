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

    @property
    def counted(self) -> Kind:
        """What is counted on it is: instructions, and the bytes of memory in use."""
        return "simulated" if self.kind == "virtual" else "measured"


class EngineRecord(Record, frozen=True, kw_only=True):
    """The engine that ran it."""

    name: str
    version: str
    options: dict[str, str | int | float | bool]


class LatencyRecord(Record, frozen=True, kw_only=True):
    """Seconds per inference. `instructions` are exact counts; `cycles` say their own kind.

    `cycles_source` is what estimated seconds rest on. `low_s` and `high_s` bound the 95 %
    confidence interval of the median. `runs` are in the figures, and `samples_s` their seconds in
    their order; `warmup_runs` more came before them and were left out.
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


class DifferenceRecord(Record, frozen=True, kw_only=True):
    """The outputs against one oracle's: how many of the elements differ, and by at most what.

    `maximum` is in steps of an integer output, else in the output's own unit.
    """

    oracle: str
    elements: int
    differing: int
    maximum: float


class OutputRecord(Record, frozen=True, kw_only=True):
    """What the board computed. `crc32` is the zlib CRC-32 of the output bytes, 8 hex digits.

    `differences` are given where an interpreter, whose kernels round their own way, ran the model.
    """

    crc32: str
    bit_exact: bool | None
    oracle: str | None
    differences: tuple[DifferenceRecord, ...] = ()


class LayerRecord(Record, frozen=True, kw_only=True):
    """Cost of one layer; `time_s` is of the same kind as the latency.

    `delegated`: XNNPACK runs it, on a Linux board; `traffic_bytes` are its inputs, constants and
    outputs.
    """

    index: int
    op: str
    name: str
    macs: int
    instructions: int | None = None
    cycles: int | None = None
    time_s: float | None = None
    delegated: bool | None = None
    traffic_bytes: int | None = None


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

    @property
    def ram_bytes(self) -> int | None:
        """RAM of an inference; None where a Linux machine does not tell what its process grew."""
        told = self.host is None or self.memory.ram_bytes > 0
        return self.memory.ram_bytes if told else None

    @property
    def passed(self) -> bool:
        """Whether the figures may be used: bit-exact; on a Linux board, not throttled.

        An interpreter's kernels round their own way: there a difference is told, not judged.
        """
        return self.host.valid if self.host else self.output.bit_exact is not False
