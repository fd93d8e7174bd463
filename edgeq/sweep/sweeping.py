"""A whole sweep: plan, run, and write what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edgeq.core.files import write_atomic
from edgeq.core.records import Record
from edgeq.report.formats import to_csv, to_json
from edgeq.sweep.collection import collect_record
from edgeq.sweep.engine import Progress, Tally, run_plan, unfinished
from edgeq.sweep.manifest import Action
from edgeq.sweep.page import render_sweep
from edgeq.sweep.plan import Cell, SweepPlan, plan_sweep
from edgeq.sweep.records import Converted, SweepRecord
from edgeq.sweep.schedulers import open_scheduler
from edgeq.sweep.store import Store
from edgeq.sweep.table import csv_tables

RECORD, TABLE, PAGE = "sweep.json", "sweep.csv", "sweep.html"
MODELS, RESULTS = "models", "results"
OURS = "*,*,*.json"  # a result of a sweep: at least a model, a board and options


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """What to sweep, and how. `out` is by default runs/sweep-NAME.

    `fresh` forgets what the folder has; `retry_failed` does again what failed in it.
    """

    manifest: Path
    out: Path | None = None
    jobs: int | None = None
    fresh: bool = False
    retry_failed: bool = False
    scheduler: str | None = None


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep left: its record and page, and what was done for it now.

    `passed`: every cell has a result, and no board's bytes differ from the oracle's.
    """

    record: SweepRecord
    page: Path
    tally: Tally
    passed: bool


class PlannedCell(Record, frozen=True, kw_only=True):
    """A cell of a sweep that has not run, and whether its folder has it already."""

    model: str
    scheme: str | None
    board: str
    options: str
    key: str
    finished: bool


class SweepPreview(Record, frozen=True, kw_only=True):
    """What a sweep would do: its cells, and how much work of each kind is to be done."""

    name: str
    action: Action
    folder: str
    cells: tuple[PlannedCell, ...]
    work: dict[str, int]
    notes: tuple[str, ...]


def run_sweep(request: SweepRequest, on_progress: Progress) -> SweepReport:
    """Do every cell that the folder has not, then write its table and page.

    Raises:
        InputError: the manifest, or what it names, is wrong.
        UsageError: the folder is in use, or cannot be written; no such scheduler.
        DeviceError: the cluster does not answer, or is gone.
    """
    plan = plan_sweep(request.manifest)
    folder = _folder(request, plan)
    with Store(folder) as store:
        if request.fresh:
            store.clear()
        scheduler = open_scheduler(
            request.scheduler,
            jobs=request.jobs,
            limits=plan.manifest.limits,
            attached=bool(plan.manifest.attached),
        )
        try:
            tally = run_plan(
                plan, store, scheduler, retry_failed=request.retry_failed, on_progress=on_progress
            )
        finally:
            scheduler.close()
        record = collect_record(plan, store)
        page = _write(plan, store, record)
    fine = all(row.outcome.status in ("ok", "misfit") for row in record.rows)
    return SweepReport(record, page, tally, fine)


def preview_sweep(request: SweepRequest) -> SweepPreview:
    """Say what a sweep would do; nothing is written."""
    plan = plan_sweep(request.manifest)
    folder = _folder(request, plan)
    known = unfinished(plan, Store(folder), retry_failed=request.retry_failed)
    todo = plan.tasks if request.fresh else known
    return SweepPreview(
        name=plan.manifest.name,
        action=plan.manifest.action,
        folder=str(folder),
        cells=tuple(_planned(cell, finished=cell.key not in todo) for cell in plan.cells),
        work=dict(Counter(task.kind for task in todo.values())),
        notes=plan.notes,
    )


def _planned(cell: Cell, *, finished: bool) -> PlannedCell:
    return PlannedCell(
        model=cell.model,
        scheme=cell.scheme,
        board=cell.board,
        options=cell.options,
        key=cell.key,
        finished=finished,
    )


def _folder(request: SweepRequest, plan: SweepPlan) -> Path:
    return request.out or Path("runs") / f"sweep-{plan.manifest.name}"


def _write(plan: SweepPlan, store: Store, record: SweepRecord) -> Path:
    """Write the record, the table, the page, results and converted models; return the page."""
    folder = store.folder
    write_atomic(folder / RECORD, to_json(record))
    write_atomic(folder / TABLE, to_csv(csv_tables(record)[0]))
    for old in (folder / RESULTS).glob(OURS):
        old.unlink()
    for row in record.rows:
        if row.outcome.result is not None:
            name = _file_name(row.model, row.scheme, row.board, row.options)
            write_atomic(folder / RESULTS / f"{name}.json", to_json(row.outcome.result))
    for cell, key in _conversions(plan):
        product = store.find_product(key)
        if product is not None:
            model = msgspec.msgpack.decode(product, type=Converted).model
            write_atomic(folder / MODELS / f"{_file_name(cell.model, cell.scheme)}.tflite", model)
    page = folder / PAGE
    write_atomic(page, render_sweep(record))
    return page


def _file_name(*names: str | None) -> str:
    """Return a file's name for a cell; no name of a sweep has a comma."""
    return ",".join(name for name in names if name)


def _conversions(plan: SweepPlan) -> Iterator[tuple[Cell, str]]:
    """Yield one cell for each pair of a model and a scheme, and the key of its conversion."""
    seen = set()
    for cell in plan.cells:
        key = plan.tasks[cell.key].converted
        if key is not None and (cell.model, cell.scheme) not in seen:
            seen.add((cell.model, cell.scheme))
            yield cell, key
