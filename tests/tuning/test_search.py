"""The loop of a search, with workers that answer at once."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edgeq.core.errors import InputError, ToolchainError, UsageError
from edgeq.core.records import DEFAULT
from edgeq.sweep.work import explain
from edgeq.tuning.candidates import PLAIN, Candidate
from edgeq.tuning.choice import conclude, write_choice
from edgeq.tuning.folder import claim_folder, forget_search, read_trials, trial_folder
from edgeq.tuning.layers import Layers
from edgeq.tuning.page import render_tune, trial_table, tune_tables, verdict
from edgeq.tuning.records import Costs, Finalist, Score, TrialRecord
from edgeq.tuning.request import TuneLimits
from edgeq.tuning.search import Search, Setting
from edgeq.tuning.trial import Job, failed_trial
from edgeq.tuning.tuning import begin

pytest.importorskip("optuna")

LAYERS = Layers(("dense", "conv2d"), ("conv2d",))


class Workers:
    """Two workers: int4 costs less flash, training too; the third trial of all crashes."""

    def __init__(
        self, crash_at: int = 3, stop_at: int = 1_000, latency_s: float | None = 0.01
    ) -> None:
        self.jobs: list[Job] = []
        self.crash_at, self.stop_at, self.latency_s = crash_at, stop_at, latency_s

    def slots(self) -> int:
        return 2

    def submit(self, message: bytes) -> Future[bytes]:
        job = msgspec.msgpack.decode(message, type=Job)
        self.jobs.append(job)
        promise: Future[bytes] = Future()
        if len(self.jobs) == self.stop_at:
            raise KeyboardInterrupt
        if len(self.jobs) == self.crash_at:
            promise.set_exception(ToolchainError("the worker broke off", hint="again"))
        else:
            (Path(job.folder) / "model.tflite").write_bytes(b"model")
            promise.set_result(msgspec.msgpack.encode(outcome(job, self.latency_s)))
        return promise

    def close(self) -> None:
        pass


def outcome(job: Job, latency_s: float | None) -> TrialRecord:
    candidate = job.candidate
    flash = 1000 - 200 * (candidate.codebook != "none") - 100 * candidate.narrow
    return TrialRecord(
        key=job.key,
        candidate=candidate,
        verdict="ok",
        score=score(0.95 - 0.01 * candidate.narrow),
        floating=score(0.95) if job.plain else None,
        costs=Costs(flash_bytes=flash, ram_bytes=500, latency_s=latency_s, kind="simulated"),
    )


def score(value: float) -> Score:
    return Score(metric="top1", value=value, low=value, high=value, samples=200)


def new_search(folder: Path, workers: Workers, **limits: Any) -> Search:
    setting = Setting(
        version="1",
        source="/models/net.keras",
        source_sha256="0" * 64,
        data="digits",
        data_root=None,
        board="virt-m4",
        board_id="virt-m4",
        options=DEFAULT,
        toolchain=None,
        folder=str(folder),
        seed=5,
    )
    said: list[str] = []
    return Search(setting, workers, TuneLimits(**limits), lambda stage, share: said.append(stage))  # type: ignore[arg-type]


def search_in(folder: Path, workers: Workers, **limits: Any) -> Search:
    search = new_search(folder, workers, **limits)
    begin(search)
    return search


@pytest.fixture(autouse=True)
def known_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank the layers without a model to measure."""
    monkeypatch.setattr("edgeq.tuning.tuning.find_sensitivity", lambda search: None)
    monkeypatch.setattr("edgeq.tuning.tuning.rank_layers", lambda record: LAYERS)


def concluded(search: Search, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("edgeq.tuning.choice._judge", lambda *_: score(0.9))
    return conclude(search)


def test_a_search_tries_as_many_candidates_as_it_is_asked_for(tmp_path: Path) -> None:
    search = search_in(tmp_path, workers := Workers())
    search.run(10, 10.0)
    assert len(search.trials) == len(workers.jobs) == 10
    assert [t.verdict for t in search.trials].count("failed") == 1
    assert len({t.candidate for t in search.trials}) == 10


def test_an_interrupted_search_repeats_nothing_that_it_finished(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        search_in(tmp_path, Workers(stop_at=6)).run(10, 10.0)
    finished = {record.candidate for record in read_trials(tmp_path)}
    search = search_in(tmp_path, workers := Workers(crash_at=0))
    search.run(10, 10.0)
    assert len(finished) >= 4
    assert not finished & {job.candidate for job in workers.jobs}
    assert len(search.trials) == 10


def test_a_damaged_trial_is_done_again(tmp_path: Path) -> None:
    search_in(tmp_path, Workers(crash_at=0)).run(4, 10.0)
    _, broken, *_ = read_trials(tmp_path)
    (trial_folder(tmp_path, broken.key) / "trial.json").write_text("{")
    assert len(read_trials(tmp_path)) == 3
    search = search_in(tmp_path, Workers(crash_at=0))
    search.run(4, 10.0)
    assert len({trial.number for trial in search.trials}) == 4


def test_a_plain_int8_that_failed_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="plain int8 failed: the worker broke off"):
        search_in(tmp_path, Workers(crash_at=1))
    search = search_in(tmp_path, workers := Workers(crash_at=0))
    assert [job.candidate for job in workers.jobs] == [PLAIN]
    search.run(4, 10.0)
    assert [trial.verdict for trial in search.trials] == ["ok"] * 4


def test_a_limit_of_latency_needs_a_board_whose_latency_is_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is known of latencies on virt-m4"):
        search_in(tmp_path, Workers(latency_s=None), latency_s=0.02)
    search = search_in(tmp_path, Workers(latency_s=None))
    search.run(10, 10.0)
    assert len(search.trials) == 10


def test_the_choice_meets_the_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = search_in(tmp_path, Workers(), max_drop=1.5, flash_bytes=900)
    search.run(12, 10.0)
    record = concluded(search, monkeypatch)
    assert record.chosen is not None
    chosen: Finalist = record.front[record.chosen]
    assert chosen.trial.costs is not None
    assert chosen.trial.costs.flash_bytes <= 900
    assert "the cheapest that meets the limits" in verdict(record)


def test_limits_that_nothing_meets_are_said_with_what_is_closest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = search_in(tmp_path, Workers(), flash_bytes=100)
    search.run(10, 10.0)
    record = concluded(search, monkeypatch)
    assert record.chosen is None
    assert record.closest is not None
    assert "comes closest: flash" in verdict(record)


def test_a_choice_that_meets_the_limits_no_more_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeq.tuning.choice._judge", lambda *_: score(0.9))
    search = search_in(tmp_path, Workers(), flash_bytes=900)
    search.run(12, 10.0)
    for trial in search.trials:
        (trial_folder(tmp_path, trial.key) / "model.tflite").write_bytes(trial.key.encode())
    choice = write_choice(search)
    assert choice.model is not None
    assert choice.model.read_text() == choice.record.front[choice.record.chosen or 0].trial.key

    stricter = search_in(tmp_path, workers := Workers(), flash_bytes=100)
    stricter.run(12, 10.0)
    assert write_choice(stricter).model is None
    assert workers.jobs == []
    assert not list(tmp_path.glob("chosen.*"))


def test_the_page_and_the_tables_tell_of_every_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = search_in(tmp_path, Workers())
    search.run(8, 10.0)
    record = concluded(search, monkeypatch)
    page = render_tune(record)
    assert page == render_tune(record)
    assert all(f"Recipe of trial {f.trial.number}" in page for f in record.front)
    assert len(trial_table(record).rows) == 8
    assert "the worker broke off" in str(tune_tables(record)[-1].rows)


def test_a_folder_of_another_search_is_refused_until_it_is_forgotten(tmp_path: Path) -> None:
    claim_folder(tmp_path, Candidate())
    claim_folder(tmp_path, Candidate())
    with pytest.raises(UsageError, match="holds another search"):
        claim_folder(tmp_path, Candidate(narrow=1))
    forget_search(tmp_path)
    claim_folder(tmp_path, Candidate(narrow=1))


class Refusing(Workers):
    """Workers to whom every model has weights of NaN."""

    def submit(self, message: bytes) -> Future[bytes]:
        self.jobs.append(job := msgspec.msgpack.decode(message, type=Job))
        error = InputError("layer conv/kernel holds NaN", hint="train it again")
        promise: Future[bytes] = Future()
        promise.set_result(msgspec.msgpack.encode(failed_trial(job, explain(error))))
        return promise


def test_what_refuses_plain_int8_ends_the_search_and_is_asked_again_the_next_time(
    tmp_path: Path,
) -> None:
    workers = Refusing()
    for tried in (1, 2):
        with pytest.raises(InputError, match="layer conv/kernel holds NaN"):
            begin(new_search(tmp_path, workers))
        assert len(workers.jobs) == tried
