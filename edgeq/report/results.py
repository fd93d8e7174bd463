"""Read results of earlier runs: a result.json, or the report of a deploy."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from edgeq.bench.gates import Subject
from edgeq.core.errors import InputError
from edgeq.core.files import read_bytes
from edgeq.core.records import Result
from edgeq.report.records import MAX_BYTES, ReportData

REPORT = "report.json"


_T = TypeVar("_T", bound=msgspec.Struct)


class _Schema(msgspec.Struct):
    """What any JSON of edgeq's has; `cause` where it is an error."""

    schema: str = ""
    cause: str = ""


def read_subject(path: Path) -> Subject:
    """Read a result, the report of a deploy, or the folder that holds one.

    Raises:
        InputError: not there, too large, not JSON, another schema, a field that is missing or
            of the wrong type, or a figure that cannot be one; the cause names the file and field.
    """
    path = path / REPORT if os.path.isdir(path) else path
    data = read_bytes(path, what="result", limit=MAX_BYTES)
    head = _decode(path, data, _Schema)
    if head.schema == "edgeq.report/1":
        report = _decode(path, data, ReportData)
        subject = Subject(str(path), report.result, report.evaluation, report.validation)
    elif head.schema == "edgeq.result/1":
        subject = Subject(str(path), _decode(path, data, Result))
    else:
        why = (
            f"it says {head.cause[:200]!r}" if head.cause else f"its schema is {head.schema[:40]!r}"
        )
        raise InputError(
            f"{path} is no result: {why}",
            hint="give what edgeq bench --format json printed, or a deploy's report.json",
        )
    for name, value in _figures(subject):
        if not math.isfinite(value) or value < 0:
            raise InputError(
                f"{path}: {name} is {value}, which no measurement gives",
                hint="measure again: edgeq bench MODEL --board BOARD --format json",
            )
    return subject


def _decode(path: Path, data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"result {path}: {error}",
            hint="give what edgeq bench --format json printed, or a deploy's report.json",
        ) from error


def _figures(subject: Subject) -> Iterator[tuple[str, float]]:
    """Yield every number that a gate reads, with the field's name."""
    latency, memory, energy = (
        subject.result.latency,
        subject.result.memory,
        subject.result.energy,
    )
    yield "latency.median_s", latency.median_s
    yield from (("latency.samples_s", value) for value in latency.samples_s)
    yield "latency.instructions", latency.instructions or 0
    yield "memory.flash_bytes", memory.flash_bytes
    yield "memory.ram_bytes", memory.ram_bytes
    if energy is not None:
        yield "energy.per_inference_j", energy.per_inference_j
        for window in energy.windows:
            yield "energy.windows.energy_j", window.energy_j
            yield "energy.windows.inferences", window.inferences
    if subject.evaluation is not None:
        yield "evaluation.int8_value", subject.evaluation.int8_value
