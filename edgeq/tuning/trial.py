"""One trial, in a child process: convert by the candidate's recipe, judge, compile, run."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edgeq.core.errors import EdgeqError, GateError
from edgeq.core.files import sha256_hex
from edgeq.core.records import CompileOptions
from edgeq.core.records.base import Record
from edgeq.sweep.records import Failure
from edgeq.sweep.work import explain
from edgeq.tuning.candidates import PLAIN, Candidate
from edgeq.tuning.records import Score, TrialRecord, Verdict

if TYPE_CHECKING:
    from edgeq.core.records import EvaluationRecord, IntervalRecord
    from edgeq.data.dataset import Dataset

MODEL, RECORD = "model.tflite", "trial.json"


class Job(Record, frozen=True, kw_only=True):
    """A trial to do. `folder` outlives the process: it keeps the model and the checkpoints."""

    key: str
    candidate: Candidate
    recipe: str
    source: str
    data: str
    data_root: str | None
    board: str
    options: CompileOptions
    toolchain: str | None
    folder: str
    timeout_s: float
    seed: int

    @property
    def plain(self) -> bool:
        """Whether it is the trial of plain int8, which all others are compared with."""
        return self.candidate == PLAIN


@lru_cache(maxsize=1)
def searched_data(data: str, data_root: str | None) -> Dataset:
    """Return the dataset with held out samples as its judges, once a process."""
    from edgeq.data.dataset import load_dataset
    from edgeq.data.holdout import hold_out

    return hold_out(load_dataset(data, data_root=Path(data_root) if data_root else None))


def answer(message: bytes, scratch: Path) -> bytes:
    """Do an encoded job; return the encoded record of the trial, be it a failure."""
    job = msgspec.msgpack.decode(message, type=Job)
    began = time.monotonic()
    try:
        record = run_trial(job, scratch)
    except Exception as error:
        record = failed_trial(job, explain(error))
    return msgspec.msgpack.encode(
        msgspec.structs.replace(record, seconds=round(time.monotonic() - began, 1))
    )


def failed_trial(job: Job, failure: Failure) -> TrialRecord:
    """Return the record of a trial that gave no model, or one that does not fit."""
    verdict: Verdict = "misfit" if failure.error == GateError.__name__ else "failed"
    return TrialRecord(
        key=job.key,
        candidate=job.candidate,
        verdict=verdict,
        cause=failure.cause,
        error=failure.error,
    )


def run_trial(job: Job, scratch: Path) -> TrialRecord:
    """Convert, judge and cost the candidate of a job.

    Raises:
        EdgeqError: the recipe failed, or the model does not fit the board.
    """
    from edgeq.boards.registry import find_board
    from edgeq.convert.evaluation import evaluate
    from edgeq.convert.recipes.conversion import convert_by_recipe
    from edgeq.convert.recipes.recipe import Written, parse_recipe
    from edgeq.tuning.costs import find_costs

    folder, dataset = Path(job.folder), searched_data(job.data, job.data_root)
    model = folder / MODEL
    written = Written(
        recipe=parse_recipe(job.recipe), text=job.recipe, sha256=sha256_hex(job.recipe.encode())
    )
    folder.mkdir(parents=True, exist_ok=True)
    conversion = convert_by_recipe(
        Path(job.source),
        model,
        dataset=dataset,
        recipe=written,
        seed=job.seed,
        timeout_s=job.timeout_s,
    )
    unlabelled = dataset.parts["evaluation"].y is None
    source = Path(job.source) if job.plain or unlabelled else None
    judged = evaluate(model, dataset, reference=source)
    record = TrialRecord(
        key=job.key,
        candidate=job.candidate,
        verdict="ok",
        score=score_of(judged),
        floating=float_score_of(judged) if job.plain else None,
        sqnr_db=conversion.sqnr_db,
        model_bytes=model.stat().st_size,
    )
    try:
        costs = find_costs(
            model,
            find_board(job.board),
            scratch / "firmware",
            options=job.options,
            toolchain=job.toolchain,
        )
    except EdgeqError as error:
        failed = failed_trial(job, explain(error))
        return msgspec.structs.replace(
            record, verdict=failed.verdict, cause=failed.cause, error=failed.error
        )
    return msgspec.structs.replace(record, costs=costs)


def score_of(record: EvaluationRecord) -> Score:
    """Return the quantised model's figure of an evaluation, with its interval."""
    return _score(record, record.int8_value, record.int8_interval)


def float_score_of(record: EvaluationRecord) -> Score:
    """Return the float model's figure of an evaluation, with its interval."""
    assert record.float_value is not None
    return _score(record, record.float_value, record.float_interval)


def _score(record: EvaluationRecord, value: float, interval: IntervalRecord | None) -> Score:
    from edgeq.convert.judgement import METRICS

    return Score(
        metric=record.metric,
        value=value,
        low=interval.low if interval else value,
        high=interval.high if interval else value,
        samples=record.samples,
        higher_is_better=METRICS[record.metric].higher_is_better,
    )
