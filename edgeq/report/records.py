"""The record of a deploy: everything its page is made from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from edgeq.boards.profile import Board
from edgeq.core.errors import InputError
from edgeq.core.files import read_bytes
from edgeq.core.records import (
    ConversionRecord,
    EvaluationRecord,
    FirmwareImage,
    Plan,
    Record,
    Result,
    TensorErrorRecord,
    ValidationRecord,
)

MAX_BYTES = 64 << 20


class ReportData(Record, frozen=True, kw_only=True):
    """What a deploy found out; `command` does the same deploy again, with `versions`.

    An int8 model that comes without a float source and without labels is not evaluated.
    """

    schema: Literal["edgeq.report/1"] = "edgeq.report/1"
    result: Result
    plan: Plan
    board: Board
    image: FirmwareImage
    conversion: ConversionRecord | None
    evaluation: EvaluationRecord | None
    layer_errors: tuple[TensorErrorRecord, ...]
    validation: ValidationRecord
    command: str
    versions: dict[str, str]


def read_report(path: Path) -> ReportData:
    """Read the record of a deploy.

    Raises:
        InputError: it is not there, not JSON, or no such record; the cause names the field.
    """
    data = read_bytes(path, what="report record", limit=MAX_BYTES)
    try:
        return msgspec.json.decode(data, type=ReportData)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"report record {path.name}: {error}", hint="make it again: edgeq deploy"
        ) from error
