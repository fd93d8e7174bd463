"""The tables of a sweep: for people with the columns that have something, for programs with all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeq.core.units import format_bytes, format_count, format_quantity, format_seconds
from edgeq.report.table import Tables, make_table
from edgeq.sweep.records import Failure, Figure, FigureKind, Outcome, Row, SweepRecord

if TYPE_CHECKING:
    from edgeq.sweep.sweeping import SweepPreview

CSV_COLUMNS = (
    "model|scheme|board|options|latency_s|latency_kind|low_s|high_s|instructions"
    "|instructions_kind|flash_bytes|flash_kind|ram_bytes|ram_kind|energy_j|energy_kind"
    "|bit_exact|pareto|status|cause"
)
EXACT = {True: "yes", False: "NO", None: "-"}
NONE = "-"
MEANINGS: dict[FigureKind, str] = {
    "measured": "read from real hardware",
    "simulated": "counted on a virtual board, instruction for instruction",
    "estimated": "from a model or a table",
    "linked": "counted in the firmware that the linker made",
}


@dataclass(frozen=True, slots=True)
class FigureColumn:
    """A column of figures: its name, which figure of an outcome it shows, and how."""

    name: str
    figure: Callable[[Outcome], Figure | None]
    text: Callable[[float], str]

    def kinds(self, record: SweepRecord) -> set[FigureKind]:
        """Return the kinds of the figures that the record has here."""
        figures = (self.figure(row.outcome) for row in record.rows)
        return {figure.kind for figure in figures if figure is not None}


@dataclass(frozen=True, slots=True)
class WordColumn:
    """A column of words: its name, and the word of a row, '' or '-' for none."""

    name: str
    text: Callable[[Row], str]

    def is_used(self, record: SweepRecord) -> bool:
        """Tell whether any row has a word here."""
        return any(self.text(row) not in ("", NONE) for row in record.rows)


def bytes_text(count: float) -> str:
    """Return a number of bytes as people read it."""
    return format_bytes(round(count))


NAMES = (
    WordColumn("model", lambda row: row.model),
    WordColumn("scheme", lambda row: row.scheme or NONE),
    WordColumn("board", lambda row: row.board),
    WordColumn("options", lambda row: row.options),
)
FIGURES = (
    FigureColumn("latency", lambda o: o.latency, format_seconds),
    FigureColumn("instructions", lambda o: o.instructions, lambda n: format_count(round(n))),
    FigureColumn("flash", lambda o: o.flash, bytes_text),
    FigureColumn("RAM", lambda o: o.ram, bytes_text),
    FigureColumn("energy", lambda o: o.energy, lambda joules: format_quantity(joules, "J")),
)
VERDICTS = (
    WordColumn("bit-exact", lambda row: EXACT[row.outcome.bit_exact]),
    WordColumn("best", lambda row: "*" if row.pareto else ""),
    WordColumn("status", lambda row: row.outcome.status),
)


def sweep_tables(record: SweepRecord) -> Tables:
    """Every cell, then what did not end well, with its reason."""
    whole, causes = cell_table(record), cause_table(record)
    return (*whole, *causes)


def cell_table(record: SweepRecord) -> Tables:
    """Every cell; a kind that all figures of a column share stands in its head."""
    names = [c for c in NAMES if c.is_used(record)]
    figures = [(c, kinds) for c in FIGURES if (kinds := c.kinds(record))]
    verdicts = [c for c in VERDICTS if c.is_used(record)]
    heads = [c.name for c in names]
    heads += [f">{c.name}, {min(k)}" if len(k) == 1 else f">{c.name}" for c, k in figures]
    heads += [c.name for c in verdicts]
    rows = (
        (
            *(c.text(row) for c in names),
            *(_figure_text(c, row.outcome, alone=len(kinds) == 1) for c, kinds in figures),
            *(c.text(row) for c in verdicts),
        )
        for row in record.rows
    )
    title = f"{record.name}: {record.action}, {format_count(len(record.rows))} cells"
    return (make_table(title, "|".join(heads), rows, notes_of(record)),)


def _figure_text(column: FigureColumn, outcome: Outcome, *, alone: bool) -> str:
    figure = column.figure(outcome)
    if figure is None:
        return NONE
    text = column.text(figure.value)
    return text if alone else f"{text} ({figure.kind})"


def cause_table(record: SweepRecord) -> Tables:
    """Every cell without a result, and why; no table where there is none."""
    rows = [(*_names(row), f.error, f.cause, f.hint) for row, f in failures_of(record)]
    columns = "model|scheme|board|options|error|cause|hint"
    return (make_table("Without a result", columns, rows),) if rows else ()


def failures_of(record: SweepRecord) -> Iterator[tuple[Row, Failure]]:
    """Yield the rows that have no result, and why."""
    for row in record.rows:
        if row.outcome.failure is not None:
            yield row, row.outcome.failure


def notes_of(record: SweepRecord) -> tuple[str, ...]:
    """Return the record's notes, and once what each kind of figure means that it has."""
    kinds = {kind for column in FIGURES for kind in column.kinds(record)}
    said = tuple(f"{kind}: {words}" for kind, words in MEANINGS.items() if kind in kinds)
    best = ("best (*): of the model's cells none has less latency and less flash",)
    return (*record.notes, *said, *(best if any(row.pareto for row in record.rows) else ()))


def preview_tables(preview: SweepPreview) -> Tables:
    """The cells of a sweep that has not run."""
    rows = [
        (c.model, c.scheme or NONE, c.board, c.options, "finished" if c.finished else "to do")
        for c in preview.cells
    ]
    work = ", ".join(f"{n} {kind}" for kind, n in preview.work.items())
    title = f"{preview.name}: {preview.action}, {format_count(len(rows))} cells (dry run)"
    notes = (*preview.notes, f"folder: {preview.folder}", f"to do: {work or 'nothing'}")
    return (make_table(title, "model|scheme|board|options|state", rows, notes),)


# --- for programs --------------------------------------------------------------------------------


def csv_tables(record: SweepRecord) -> Tables:
    """Every cell in one table of plain numbers: seconds, bytes, joules."""
    return (make_table(record.name, CSV_COLUMNS, map(_plain_cells, record.rows)),)


def _plain_cells(row: Row) -> tuple[str, ...]:
    o = row.outcome
    exact = "" if o.bit_exact is None else str(o.bit_exact).lower()
    return (
        row.model, row.scheme or "", row.board, row.options,
        *_plain_pair(o.latency), _number(o.low_s), _number(o.high_s),
        *_plain_pair(o.instructions), *_plain_pair(o.flash), *_plain_pair(o.ram),
        *_plain_pair(o.energy),
        exact, str(row.pareto).lower(), o.status, o.failure.cause if o.failure else "",
    )  # fmt: skip


def _names(row: Row) -> tuple[str, ...]:
    return tuple(column.text(row) for column in NAMES)


def _plain_pair(figure: Figure | None) -> tuple[str, str]:
    return (_number(figure.value), figure.kind) if figure else ("", "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}" if value % 1 else f"{value:.0f}"
