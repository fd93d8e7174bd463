"""Records and tables as text for programs."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import msgspec

from edgeq.core.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgeq.report.table import Table

_MARKUP = frozenset("&<>|`*_[]#@\\~!$")


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


def to_markdown(tables: Iterable[Table]) -> str:
    """Return tables in GitHub's Markdown, with a heading each; no cell leaves its place."""
    parts = []
    for table in tables:
        heads = [_plain(column.name) for column in table.columns]
        lines = ["---:" if column.align == "right" else "---" for column in table.columns]
        rows = [[_plain(cell) for cell in row] for row in table.rows]
        body = "\n".join(f"| {' | '.join(row)} |" for row in (heads, lines, *rows))
        notes = "".join(f"\n{_plain(note)}\n" for note in table.notes)
        parts.append(f"### {_plain(table.title)}\n\n{body}\n{notes}")
    return "\n".join(parts)


def _plain(text: str) -> str:
    """Return `text` on one line, so that no character of it is Markdown or HTML."""
    return "".join(f"&#{ord(c)};" if c in _MARKUP else c for c in one_line(text))


def _defused(cell: str) -> str:
    """Return `cell` so that no spreadsheet takes it for a formula; numbers stay as they are."""
    return f"'{cell}" if cell[:1] in ("=", "@", "\t", "\r") else cell
