"""Running a plan: shared work once, failures alone, and what is finished kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path

import msgspec
import pytest

from edgeq.core.errors import DeviceError, ToolchainError
from edgeq.sweep import work
from edgeq.sweep.engine import run_plan, unfinished
from edgeq.sweep.plan import SweepPlan, plan_sweep
from edgeq.sweep.records import Answer, Job, Outcome, encode
from edgeq.sweep.store import Store, read_journal
from tests.support.sweeps import write_sweep
from tests.support.texts import edited

Reply = Callable[[Job], bytes | BaseException]


class Here:
    """A scheduler that does the work at once, in this process, and keeps count."""

    def __init__(self, folder: Path, answer: Reply | None = None, slots: int = 2) -> None:
        self.folder, self.given, self.width = folder, answer, slots
        self.jobs: list[Job] = []
        self.open = 0

    def slots(self) -> int:
        return self.width

    def submit(self, message: bytes) -> Future[bytes]:
        job = msgspec.msgpack.decode(message, type=Job)
        self.jobs.append(job)
        promise: Future[bytes] = Future()
        found = self.given(job) if self.given else self._work(message)
        if isinstance(found, BaseException):
            promise.set_exception(found)
        else:
            promise.set_result(found)
        return promise

    def _work(self, message: bytes) -> bytes:
        folder = self.folder / f"job{len(self.jobs)}"
        folder.mkdir(parents=True)
        return work.answer(message, folder)

    def close(self) -> None:
        self.open = 0


def quiet(stage: str, share: float | None) -> None:
    assert share is None or 0 <= share <= 1


def statuses(plan: SweepPlan, store: Store) -> list[str]:
    found = (store.find_cell(cell.key) for cell in plan.cells)
    return [record.outcome.status if record else "none" for record in found]


def test_a_model_that_is_damaged_fails_its_own_cells_alone(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, models=3, action="fit", boards="virt-m4 virt-m7")
    (tmp_path / "net1.tflite").write_bytes(b"no model")
    plan = plan_sweep(path)
    with Store(tmp_path / "out") as store:
        run_plan(plan, store, Here(tmp_path / "w"), on_progress=quiet)
        assert statuses(plan, store) == ["ok", "ok", "failed", "failed", "ok", "ok"]
        record = store.find_cell(plan.cells[2].key)
    assert record is not None
    failure = record.outcome.failure
    assert failure is not None
    assert (failure.error, str(tmp_path) in failure.cause) == ("InputError", False)
    assert failure.hint


def test_what_needs_a_product_fails_with_the_cause_of_the_product(tmp_path: Path) -> None:
    body = '[[options]]\nname = "a"\n[[options]]\nname = "b"\nruns = 2'
    plan = plan_sweep(write_sweep(tmp_path, body))
    here = Here(tmp_path, lambda job: ToolchainError("zig fell over", hint="stand it up"))
    with Store(tmp_path / "out") as store:
        tally = run_plan(plan, store, here, on_progress=quiet)
        assert statuses(plan, store) == ["failed", "failed"]
        causes = [store.find_cell(c.key).outcome.failure.cause for c in plan.cells]  # type: ignore[union-attr]
    assert causes == ["zig fell over"] * 2
    assert tally.started == {"build": 1}
    assert [e.event for e in read_journal(tmp_path / "out")] == [
        "start", "failed", "failed", "failed",
    ]  # fmt: skip


def test_failed_cells_are_done_again_only_when_asked(tmp_path: Path) -> None:
    plan = plan_sweep(write_sweep(tmp_path, models=2, action="fit"))

    def crash(job: Job) -> BaseException:
        return RuntimeError("KilledWorker")

    with Store(tmp_path / "out") as store:
        run_plan(plan, store, Here(tmp_path, crash), on_progress=quiet)
        assert statuses(plan, store) == ["failed", "failed"]
        again = Here(tmp_path / "w")
        assert run_plan(plan, store, again, on_progress=quiet).kept == 2
        assert again.jobs == []
        run_plan(plan, store, again, retry_failed=True, on_progress=quiet)
        assert statuses(plan, store) == ["ok", "ok"]
        run_plan(plan, store, again, retry_failed=True, on_progress=quiet)
    assert len(again.jobs) == 2


def test_a_model_too_large_for_its_board_is_a_finding_and_not_a_failure(tmp_path: Path) -> None:
    from edgeq.core.files import shipped_folder

    text = (shipped_folder("boards") / "virt-m4.toml").read_text()
    small = edited(text, 'id = "virt-m4"', 'id = "small"')
    for action in ("fit", "estimate", "bench"):
        folder = tmp_path / action
        path = write_sweep(folder, action=action, boards="small.toml")
        (folder / "small.toml").write_text(_with_little_ram(small))
        plan = plan_sweep(path)
        with Store(folder / "out") as store:
            run_plan(plan, store, Here(folder / "w"), on_progress=quiet)
            assert statuses(plan, store) == ["misfit"]
            assert unfinished(plan, store, retry_failed=True) == {}


def _with_little_ram(profile: str) -> str:
    import re

    ram = re.search(r'name = "ram".*?size = (\w+)', profile, re.DOTALL)
    assert ram is not None
    start, stop = ram.span(1)
    return f"{profile[:start]}0x400{profile[stop:]}"


def test_a_cluster_that_is_gone_stops_the_sweep_and_fails_no_cell(tmp_path: Path) -> None:
    plan = plan_sweep(write_sweep(tmp_path, models=3, action="fit"))
    count = iter(range(9))
    folder = tmp_path / "w"

    def fall(job: Job) -> bytes | BaseException:
        if next(count) == 1:
            return CancelledError()
        (folder / "x").mkdir(parents=True, exist_ok=True)
        return work.answer(msgspec.msgpack.encode(job), folder / "x")

    with Store(tmp_path / "out") as store:
        with pytest.raises(DeviceError, match="scheduler is gone"):
            run_plan(plan, store, Here(tmp_path, fall, slots=1), on_progress=quiet)
        assert statuses(plan, store) == ["ok", "none", "none"]


def test_models_of_one_content_are_one_piece_of_work_and_several_rows(tmp_path: Path) -> None:
    from edgeq.sweep.collection import collect_record

    path = write_sweep(tmp_path, '[[models]]\nname = "twin"\npath = "net0.tflite"', action="fit")
    plan = plan_sweep(path)
    here = Here(tmp_path / "w")
    with Store(tmp_path / "out") as store:
        run_plan(plan, store, here, on_progress=quiet)
        record = collect_record(plan, store)
    assert len(here.jobs) == 1
    assert [row.model for row in record.rows] == ["net0", "twin"]


class Later(Here):
    """Ends each job a little later, and keeps the number of cells that were in work at once."""

    most = 0

    def submit(self, message: bytes) -> Future[bytes]:
        job = msgspec.msgpack.decode(message, type=Job)
        product = encode(Outcome(status="ok")) if job.kind == "bench" else b"firmware"
        promise: Future[bytes] = Future()
        cell = int(job.kind == "bench")
        self.open += cell
        self.most = max(self.most, self.open)

        def end() -> None:
            self.open -= cell
            promise.set_result(encode(Answer(product=product)))

        threading.Timer(0.05, end).start()
        return promise


def test_what_measures_this_computer_runs_alone(tmp_path: Path) -> None:
    options = "\n".join(f'[[options]]\nname = "a{i}"\nruns = {i}' for i in range(1, 4))
    plan = plan_sweep(write_sweep(tmp_path, options, boards="host virt-m4"))
    later = Later(tmp_path, slots=4)
    with Store(tmp_path / "out") as store:
        run_plan(plan, store, later, on_progress=quiet)
        assert statuses(plan, store) == ["ok"] * 6
        order = [(e.event, e.key) for e in read_journal(tmp_path / "out") if e.kind == "bench"]
    here = {cell.key for cell in plan.cells if cell.board == "host"}
    running: set[str] = set()
    most = 0
    for event, key in order:
        running = running | {key} if event == "start" else running - {key}
        most = max(most, len(running))
        assert not running & here or len(running) == 1
    assert most > 1


@pytest.mark.parametrize(
    ("place", "most"), [("", 4), ('port = "socket://127.0.0.1:1"', 1), ('meter = "replay:x"', 1)]
)
def test_a_board_behind_a_port_does_one_thing_at_a_time(
    place: str, most: int, tmp_path: Path
) -> None:
    options = "\n".join(f'[[options]]\nname = "a{i}"\nruns = {i}' for i in range(1, 5))
    plan = plan_sweep(write_sweep(tmp_path, f"[attached.virt-m4]\n{place}\n{options}"))
    later = Later(tmp_path, slots=4)
    with Store(tmp_path / "out") as store:
        run_plan(plan, store, later, on_progress=quiet)
        assert statuses(plan, store) == ["ok"] * 4
    assert later.most == most
