"""The table of a sweep: a row a cell, the best of each model marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from edgeq import __version__
from edgeq.core.units import format_bytes, format_count, format_quantity, format_seconds
from edgeq.report.table import Tables, make_table
from edgeq.sweep.records import Failure, Figure, Outcome, Row, SweepRecord

if TYPE_CHECKING:
    from edgeq.sweep.plan import SweepPlan
    from edgeq.sweep.store import Store
    from edgeq.sweep.sweeping import SweepPreview

COLUMNS = (
    "model|scheme|board|options|>latency|kind|>instructions|kind|>flash|kind|>RAM|kind"
    "|>energy|kind|bit-exact|best|status"
)
CSV_COLUMNS = (
    "model|scheme|board|options|latency_s|latency_kind|low_s|high_s|instructions"
    "|instructions_kind|flash_bytes|flash_kind|ram_bytes|ram_kind|energy_j|energy_kind"
    "|bit_exact|pareto|status|cause"
)
EXACT = {True: "yes", False: "NO", None: "-"}
NONE = "-"


def collect_record(plan: SweepPlan, store: Store) -> SweepRecord:
    """Return the record of a plan whose cells are all finished."""
    outcomes: dict[str, Outcome] = {}
    for cell in plan.cells:
        record = store.find_cell(cell.key)
        assert record is not None, "every cell of a plan that ran is finished"
        outcomes[cell.key] = record.outcome
    best = find_best([(cell.model, outcomes[cell.key]) for cell in plan.cells])
    rows = tuple(
        Row(
            model=cell.model,
            scheme=cell.scheme,
            board=cell.board,
            options=cell.options,
            key=cell.key,
            pareto=i in best,
            outcome=_named(outcomes[cell.key], cell.model),
        )
        for i, cell in enumerate(plan.cells)
    )
    return SweepRecord(
        name=plan.manifest.name,
        action=plan.manifest.action,
        edgeq_version=__version__,
        rows=rows,
        notes=plan.notes,
    )


def _named(outcome: Outcome, model: str) -> Outcome:
    """Return the outcome with its model's name, which work of equal content may share."""
    result = outcome.result
    if result is None:
        return outcome
    named = msgspec.structs.replace(result.model, name=model)
    return msgspec.structs.replace(outcome, result=msgspec.structs.replace(result, model=named))


def find_best(cells: Sequence[tuple[str, Outcome]]) -> set[int]:
    """Return the places of the cells that are best of their model (the Pareto front).

    A cell is best where no other of the model has both less latency and less flash, or less of
    one and as much of the other. Cells that did not end well, or lack a figure, are not compared.
    """
    points: dict[str, list[tuple[float, float, int]]] = {}
    for i, (model, outcome) in enumerate(cells):
        if outcome.status == "ok" and outcome.latency and outcome.flash:
            point = (outcome.latency.value, outcome.flash.value, i)
            points.setdefault(model, []).append(point)
    return {i for group in points.values() for i in _front(sorted(group))}


def _front(points: Sequence[tuple[float, float, int]]) -> Iterator[int]:
    """Yield the front of points that are sorted by latency, then by flash."""
    last: tuple[float, float] | None = None
    for latency, flash, i in points:
        if last is None or flash < last[1] or (latency, flash) == last:
            last = (latency, flash)
            yield i


def sweep_tables(record: SweepRecord) -> Tables:
    """Every cell, then what did not end well, with its reason."""
    title = f"{record.name}: {record.action}, {format_count(len(record.rows))} cells"
    notes = (*record.notes, *figure_notes(record))
    whole = make_table(title, COLUMNS, map(cells_of, record.rows), notes)
    causes = [(*_names(row), f.error, f.cause, f.hint) for row, f in failures_of(record)]
    if not causes:
        return (whole,)
    columns = "model|scheme|board|options|error|cause|hint"
    return (whole, make_table("What did not end well", columns, causes))


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


def csv_tables(record: SweepRecord) -> Tables:
    """Every cell in one table of plain numbers: seconds, bytes, joules."""
    return (make_table(record.name, CSV_COLUMNS, map(_plain_cells, record.rows)),)


def failures_of(record: SweepRecord) -> Iterator[tuple[Row, Failure]]:
    """Yield the rows that have no result, and why."""
    for row in record.rows:
        if row.outcome.failure is not None:
            yield row, row.outcome.failure


def cells_of(row: Row) -> tuple[str, ...]:
    """Return a row as people read it."""
    o = row.outcome
    return (
        *_names(row),
        *_pair(format_seconds(o.latency.value) if o.latency else NONE, o.latency),
        *_pair(format_count(round(o.instructions.value)) if o.instructions else NONE,
               o.instructions),
        *_pair(format_bytes(round(o.flash.value)) if o.flash else NONE, o.flash),
        *_pair(format_bytes(round(o.ram.value)) if o.ram else NONE, o.ram),
        *_pair(format_quantity(o.energy.value, "J") if o.energy else NONE, o.energy),
        EXACT[o.bit_exact],
        "*" if row.pareto else "",
        o.status,
    )  # fmt: skip


def _names(row: Row) -> tuple[str, str, str, str]:
    return (row.model, row.scheme or NONE, row.board, row.options)


def _pair(text: str, figure: Figure | None) -> tuple[str, str]:
    return (text, figure.kind if figure else "")


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


def _plain_pair(figure: Figure | None) -> tuple[str, str]:
    return (_number(figure.value), figure.kind) if figure else ("", "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}" if value % 1 else f"{value:.0f}"


def figure_notes(record: SweepRecord) -> tuple[str, ...]:
    """Say once what each kind of figure means, for the kinds that the table has."""
    figures = (
        figure
        for row in record.rows
        for o in (row.outcome,)
        for figure in (o.latency, o.instructions, o.flash, o.ram, o.energy)
        if figure is not None
    )
    kinds = {figure.kind for figure in figures}
    best = ("best (*): of the model's cells none has less latency and less flash",)
    said = tuple(f"{kind}: {words}" for kind, words in MEANINGS.items() if kind in kinds)
    return said + (best if any(row.pareto for row in record.rows) else ())


MEANINGS = {
    "measured": "read from real hardware",
    "simulated": "counted on a virtual board, instruction for instruction",
    "estimated": "from a model or a table",
    "linked": "counted in the firmware that the linker made",
}
