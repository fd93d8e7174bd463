"""Run a plan: what is finished is kept, what is shared is done once, and a failure stays alone."""

from __future__ import annotations

import queue
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field

import msgspec

from edgeq.core.errors import DeviceError, EdgeqError, ToolchainError
from edgeq.core.units import format_count
from edgeq.sweep.plan import SweepPlan, Task, complete_job
from edgeq.sweep.records import Answer, CellRecord, Failure, Outcome, encode
from edgeq.sweep.schedulers import Promise, Scheduler
from edgeq.sweep.store import Store
from edgeq.sweep.work import explain, failed

Progress = Callable[[str, float | None], None]
PREPARING = ("convert", "build")
WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run did: the cells that it found finished, and the work that it started, by kind."""

    kept: int
    started: Counter[str]


@dataclass(slots=True)
class Run:
    """A run in work. `waiting` holds tasks in the plan's order, each after what it needs."""

    plan: SweepPlan
    store: Store
    scheduler: Scheduler
    on_progress: Progress
    waiting: dict[str, Task]
    running: dict[str, float] = field(default_factory=dict)
    lanes: set[str] = field(default_factory=set)
    done: queue.SimpleQueue[tuple[Task, Promise]] = field(default_factory=queue.SimpleQueue)
    started: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def unfinished(plan: SweepPlan, store: Store, *, retry_failed: bool = False) -> dict[str, Task]:
    """Return the tasks that are still to do, in the plan's order, each after what it needs."""
    todo: dict[str, Task] = {}
    ready: set[str] = set()
    for key in dict.fromkeys(cell.key for cell in plan.cells):
        record = store.find_cell(key)
        if record is None or (retry_failed and record.outcome.status == "failed"):
            needed = [k for k in plan.tasks[key].needs if k not in ready and k not in todo]
            missing = [k for k in needed if store.find_product(k) is None]
            ready.update(set(needed) - set(missing))
            todo |= {k: plan.tasks[k] for k in (*missing, key)}
    return todo


def run_plan(
    plan: SweepPlan,
    store: Store,
    scheduler: Scheduler,
    *,
    retry_failed: bool = False,
    on_progress: Progress,
) -> Tally:
    """Do what the store has not: every cell of the plan is in it afterwards.

    Raises:
        DeviceError: the cluster is gone; what was finished is kept.
    """
    todo = unfinished(plan, store, retry_failed=retry_failed)
    kept = sum(cell.key not in todo for cell in plan.cells)
    run = Run(plan, store, scheduler, on_progress, todo)
    _report(run)
    while run.waiting or run.running:
        for task in list(_ready(run)):
            _start(run, task)
        try:
            task, promise = run.done.get(timeout=WAIT_S)
        except queue.Empty:
            if run.scheduler.slots() == 0:
                on_progress("waiting for a worker of the cluster", None)
            continue
        _end(run, task, _answer_of(promise))
        _report(run)
    return Tally(kept, run.started)


def _ready(run: Run) -> Iterator[Task]:
    """Yield tasks that can start now, as many as there are free slots."""
    if any(run.plan.tasks[key].alone for key in run.running):
        return
    free = run.scheduler.slots() - len(run.running)
    busy = set(run.lanes)
    chosen = 0
    for task in run.waiting.values():
        if chosen >= free:
            return
        blocked = any(key in run.waiting or key in run.running for key in task.needs)
        if blocked or task.lane in busy or (task.alone and (run.running or chosen)):
            continue
        chosen += 1
        if task.lane is not None:
            busy.add(task.lane)
        yield task
        if task.alone:
            return


def _start(run: Run, task: Task) -> None:
    del run.waiting[task.key]
    run.running[task.key] = time.monotonic()
    if task.lane is not None:
        run.lanes.add(task.lane)
    run.started[task.kind] += 1
    run.store.note("start", task.kind, task.key)
    message = encode(complete_job(task, run.store.find_product))
    run.scheduler.submit(message).add_done_callback(lambda promise: run.done.put((task, promise)))


def _answer_of(promise: Promise) -> Answer:
    """Return the answer; a worker that is gone is a failure of its job alone."""
    try:
        return msgspec.msgpack.decode(promise.result(), type=Answer)
    except CancelledError as error:
        raise DeviceError(
            "the Dask scheduler is gone", hint="start it again and resume the sweep"
        ) from error
    except EdgeqError as error:
        return Answer(failure=explain(error))
    except Exception as error:
        cause = f"the work was lost with its worker: {type(error).__name__}: {error}"
        lost = ToolchainError(cause, hint="--retry-failed does it again")
        return Answer(failure=explain(lost))


def _end(run: Run, task: Task, answer: Answer) -> None:
    seconds = time.monotonic() - run.running.pop(task.key)
    run.lanes.discard(task.lane or "")
    run.took[task.kind].append(seconds)
    if task.kind not in PREPARING:
        _save(run, task, seconds, _outcome_of(answer))
    elif answer.failure is None:
        run.store.save_product(task.key, answer.product)
        run.store.note("done", task.kind, task.key)
    else:
        run.store.note("failed", task.kind, task.key)
        _give_up(run, task.key, answer.failure)


def _outcome_of(answer: Answer) -> Outcome:
    if answer.failure is not None:
        return failed(answer.failure)
    return msgspec.msgpack.decode(answer.product, type=Outcome)


def _save(run: Run, task: Task, seconds: float, outcome: Outcome) -> None:
    run.store.save_cell(CellRecord(key=task.key, seconds=seconds, outcome=outcome))
    run.store.note("failed" if outcome.status == "failed" else "done", task.kind, task.key)
    run.ended[outcome.status] += 1


def _give_up(run: Run, key: str, failure: Failure) -> None:
    """End all tasks that need the product `key`: they fail for the same cause."""
    for task in [t for t in run.waiting.values() if key in t.needs]:
        if run.waiting.pop(task.key, None) is None:
            continue
        if task.kind in PREPARING:
            _give_up(run, task.key, failure)
        else:
            _save(run, task, 0.0, failed(failure))


def _report(run: Run) -> None:
    """Say how many cells are done, how many of them failed, and about how long it will take."""
    total = len(run.plan.cells)
    left = sum(c.key in run.waiting or c.key in run.running for c in run.plan.cells)
    words = [f"{format_count(total - left)} of {format_count(total)} cells"]
    words += [f"{n} {status}" for status, n in sorted(run.ended.items()) if status != "ok"]
    if (seconds := _seconds_left(run)) is not None:
        words.append(f"about {seconds:.0f} s left")
    run.on_progress(", ".join(words), 1 - left / total)


def _seconds_left(run: Run) -> float | None:
    """Return the mean time of each kind of work times what is left of it, over all slots."""
    if not run.took or not (run.waiting or run.running):
        return None
    means = {kind: sum(times) / len(times) for kind, times in run.took.items()}
    usual = sum(means.values()) / len(means)
    tasks = (*run.waiting.values(), *(run.plan.tasks[key] for key in run.running))
    return sum(means.get(t.kind, usual) for t in tasks) / max(1, run.scheduler.slots())
