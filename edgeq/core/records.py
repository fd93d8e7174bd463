"""Frozen records handed between rooms. Data flows one way: nothing here is ever changed in place.

Every number carries what it is: `measured` on real hardware, `simulated` instruction for
instruction on a virtual board, or `estimated` from a model or a table.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["measured", "simulated", "estimated"]
BoardKind = Literal["mcu", "virtual", "linux"]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all records: immutable, keyword-only, strict when decoded."""


# --- the plan: what the compiler decided -----------------------------------------------------


class PlannedTensor(Record, frozen=True, kw_only=True):
    """An activation tensor in the arena.

    `first` and `last` are inclusive layer indices of its lifetime (an input lives from 0, an
    output lives to the last layer); `offset` and `bytes` are in bytes from the arena's start.
    Real value = scale * (q - zero_point).
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    offset: int
    first: int
    last: int
    scale: float | None = None
    zero_point: int | None = None


class PlannedLayer(Record, frozen=True, kw_only=True):
    """One call in the generated `NAME_invoke`.

    `nodes` are the indices of the graph nodes it computes; `output` is the graph index of the
    tensor that it leaves in the arena at `output_offset`, `output_bytes` long.
    """

    index: int
    op: str
    name: str
    nodes: tuple[int, ...]
    kernel: str
    inputs: tuple[int, ...]
    output: int
    output_offset: int
    output_bytes: int
    output_shape: tuple[int, ...]
    macs: int
    constant_bytes: int


class PortRecord(Record, frozen=True, kw_only=True):
    """An input or output of the model. Real value = scale * (q - zero_point)."""

    name: str
    tensor: int
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    offset: int
    scale: float | None = None
    zero_point: int | None = None


class Plan(Record, frozen=True, kw_only=True):
    """Everything the `aot` compiler decided; written beside the C as NAME.json."""

    schema: Literal["edgeq.plan/1"] = "edgeq.plan/1"
    name: str
    model_sha256: str
    model_bytes: int
    edgeq_version: str
    core: str
    macs: int
    arena_bytes: int
    arena_lower_bound: int
    constant_bytes: int
    inputs: tuple[PortRecord, ...]
    outputs: tuple[PortRecord, ...]
    tensors: tuple[PlannedTensor, ...]
    layers: tuple[PlannedLayer, ...]
    notes: tuple[str, ...] = ()


class CompiledModel(Record, frozen=True, kw_only=True):
    """A compiled model: its C identifier, its plan, and every file to write, by relative path.

    `sources` names the .c files among `files`, in build order; `hot_sources` are those that a
    build compiles for speed, the rest is compiled for size. For each layer the generated C
    calls `NAME_LAYER_DONE(layer, data, bytes)`, a macro that is empty unless defined from
    outside; a traced firmware defines it.
    """

    name: str
    plan: Plan
    files: dict[str, str]
    sources: tuple[str, ...]
    hot_sources: tuple[str, ...] = ()


# --- the firmware image ------------------------------------------------------------------------


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


# --- the result of a benchmark -------------------------------------------------------------------


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

    `cycles_source` is what estimated seconds rest on.
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


class EnergyRecord(Record, frozen=True, kw_only=True):
    """Energy per inference."""

    kind: Kind
    per_inference_j: float
    average_w: float
    source: str


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
    warnings: tuple[str, ...] = ()


# --- conversion and accuracy ---------------------------------------------------------------


class CalibrationRecord(Record, frozen=True, kw_only=True):
    """Which data calibrated the model. `sha256` covers the samples in order, dtype and shape."""

    dataset: str
    samples: int
    sha256: str
    method: str


class ConversionRecord(Record, frozen=True, kw_only=True):
    """What a conversion did, and how far the int8 model is from its source on samples."""

    source: str
    backend: str
    backend_version: str
    input_dtype: str
    output_dtype: str
    source_bytes: int
    float_bytes: int
    int8_bytes: int
    float_max_error: float | None
    sqnr_db: float
    calibration: CalibrationRecord
    seconds: float
    warnings: tuple[str, ...] = ()


class TensorErrorRecord(Record, frozen=True, kw_only=True):
    """Quantisation error of one layer's output against the float model."""

    index: int
    name: str
    op: str
    sqnr_db: float


class EvaluationRecord(Record, frozen=True, kw_only=True):
    """Accuracy of the float and the int8 model on the evaluation split.

    `metric` is top1, auc, mae or, without labels, agreement; `agreement` is the share of samples
    where both models decide alike.
    """

    dataset: str
    split: str
    samples: int
    metric: str
    float_value: float | None
    int8_value: float
    sqnr_db: float | None
    agreement: float | None
    engine: str


class MismatchRecord(Record, frozen=True, kw_only=True):
    """The first diverging layer and the elements that differ: (flat index, board, oracle)."""

    input: str
    layer: int
    layer_name: str
    op: str
    differing: int
    elements: int
    examples: tuple[tuple[int, int, int], ...]


class ValidationRecord(Record, frozen=True, kw_only=True):
    """Board against oracle, byte for byte."""

    inputs: int
    matched: int
    oracle: str
    first_mismatch: MismatchRecord | None = None
