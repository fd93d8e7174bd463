"""Records and tables as text for programs."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from edgeq.report.table import Table


def to_json(record: Any) -> bytes:
    """Return a record, or a container of records, as indented JSON with a line end."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def to_line(record: Any) -> str:
    """Return a record as JSON in one line, without a line end."""
    return msgspec.json.encode(record).decode()


def to_csv(table: Table) -> str:
    """Return a table as CSV (RFC 4180 with plain line ends): a line of names, then the rows."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows([_defused(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def _defused(cell: str) -> str:
    """Return `cell` so that no spreadsheet takes it for a formula; numbers stay as they are."""
    return f"'{cell}" if cell[:1] in ("=", "@", "\t", "\r") else cell
