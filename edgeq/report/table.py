"""A table of text: what the command line prints, CSV holds and the page shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgeq.core.errors import visible


@dataclass(frozen=True, slots=True)
class Column:
    """The name of a column and the side that its cells stand at."""

    name: str
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a title; notes stand below."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


Tables = tuple[Table, ...]


def make_table(
    title: str, columns: str, rows: Iterable[Sequence[str]], notes: Sequence[str] = ()
) -> Table:
    """Return a table; `columns` are names separated by '|', a leading '>' aligns right.

    Names in models and from boards are not ours: what would steer a terminal is made visible.
    """
    heads = (name.strip() for name in columns.split("|"))
    parsed = tuple(Column(h.lstrip(">"), "right" if h.startswith(">") else "left") for h in heads)
    cells = tuple(tuple(visible(cell) for cell in row) for row in rows)
    return Table(visible(title), parsed, cells, tuple(visible(note) for note in notes))


def facts(title: str, values: Mapping[str, str | None], notes: Sequence[str] = ()) -> Table:
    """Return a table of two columns, without what is None."""
    rows = [(k, v) for k, v in values.items() if v is not None]
    return make_table(title, "what|value", rows, notes)


def shape_text(shape: Sequence[int]) -> str:
    """Return e.g. '1x49x10x1'."""
    return "x".join(map(str, shape)) or "scalar"
