"""What a sweep hands around: jobs for workers, their answers, and the table's record."""

from __future__ import annotations

from typing import Literal

import msgspec

from edgeq.boards.profile import Board
from edgeq.core.records import (
    CompiledModel,
    ConversionRecord,
    FirmwareImage,
    Kind,
    Record,
    Result,
    ValidationRecord,
)
from edgeq.sweep.manifest import Action, Attachment, Limits, Options, Scheme

JobKind = Literal["convert", "build", "estimate", "fit", "bench", "validate"]
# linked: counted in the firmware that the linker made, byte by byte.
FigureKind = Kind | Literal["linked"]
Status = Literal["ok", "misfit", "mismatch", "failed"]


class Figure(Record, frozen=True, kw_only=True):
    """A number, and what it is."""

    value: float
    kind: FigureKind


class PackedArray(Record, frozen=True, kw_only=True):
    """What samples give to one input of a model: little-endian `data` of `shape` (N, ...).

    `name` is the input's ('' where the dataset names none).
    """

    name: str
    dtype: Literal["float32", "int32"]
    shape: tuple[int, ...]
    data: bytes


class Samples(Record, frozen=True, kw_only=True):
    """Samples of a dataset: an array for each of a model's inputs, an id for each sample.

    `sha256` covers names, types, shapes, ids and data.
    """

    dataset: str
    sha256: str
    arrays: tuple[PackedArray, ...]
    ids: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class Job(Record, frozen=True, kw_only=True):
    """One piece of work with everything that it needs: bytes and profiles, never paths.

    `version` is edgeq's: a worker of another one refuses. `source` are the files of a float
    model by relative path, `recipe` a TOML text, `model` an int8 .tflite, `firmware` an encoded
    `Firmware`.
    """

    kind: JobKind
    version: str
    limits: Limits = Limits()
    source_name: str = ""
    source: dict[str, bytes] = msgspec.field(default_factory=dict)
    scheme: Scheme | None = None
    recipe: str = ""
    samples: Samples | None = None
    model: bytes = b""
    board: Board | None = None
    options: Options = Options(name="default")
    firmware: bytes = b""
    attached: Attachment = Attachment()


class Failure(Record, frozen=True, kw_only=True):
    """Why a piece of work gave nothing: the error's class, its cause and hint."""

    error: str
    cause: str
    hint: str


class Answer(Record, frozen=True, kw_only=True):
    """What a worker gives back: the encoded product, or why there is none."""

    product: bytes = b""
    failure: Failure | None = None


class Converted(Record, frozen=True, kw_only=True):
    """The product of `convert`."""

    model: bytes
    record: ConversionRecord


class Firmware(Record, frozen=True, kw_only=True):
    """The product of `build`: the linked ELF with its record; the path in it means nothing."""

    compiled: CompiledModel
    image: FirmwareImage
    elf: bytes


class Outcome(Record, frozen=True, kw_only=True):
    """The product of a cell: latency in seconds, energy in joules, sizes in bytes.

    misfit: the model does not fit the board. mismatch: the board's bytes are not the oracle's.
    `low_s` and `high_s` are the range of an estimate.
    """

    status: Status
    failure: Failure | None = None
    latency: Figure | None = None
    low_s: float | None = None
    high_s: float | None = None
    instructions: Figure | None = None
    flash: Figure | None = None
    ram: Figure | None = None
    energy: Figure | None = None
    bit_exact: bool | None = None
    notes: tuple[str, ...] = ()
    result: Result | None = None
    validation: ValidationRecord | None = None


class CellRecord(Record, frozen=True, kw_only=True):
    """A finished cell as it lies in the sweep's folder; `seconds` is what the work took."""

    schema: Literal["edgeq.sweep-cell/1"] = "edgeq.sweep-cell/1"
    key: str
    seconds: float
    outcome: Outcome


class Row(Record, frozen=True, kw_only=True):
    """A cell with its names. `pareto`: no cell of the model is better in latency and flash."""

    model: str
    scheme: str | None
    board: str
    options: str
    key: str
    pareto: bool
    outcome: Outcome


class SweepRecord(Record, frozen=True, kw_only=True):
    """A whole sweep: a row a cell, in the manifest's order."""

    schema: Literal["edgeq.sweep/1"] = "edgeq.sweep/1"
    name: str
    action: Action
    edgeq_version: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def encode(record: Record) -> bytes:
    """Return a record as MessagePack."""
    return msgspec.msgpack.encode(record)
