"""The record of a sweep from its finished cells, the best of each model marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from edgeq import __version__
from edgeq.sweep.plan import SweepPlan
from edgeq.sweep.records import Outcome, Row, SweepRecord
from edgeq.sweep.store import Store


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
