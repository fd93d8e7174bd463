"""The sampler: no candidate twice, and what an interrupted search knew is known again."""

from __future__ import annotations

import math
from typing import get_args

import pytest

from edgeq.convert.recipes.steps import CalibrationMethod
from edgeq.tuning.candidates import LADDER, Activations, Candidate, Recovery
from edgeq.tuning.records import Costs, Score, TrialRecord
from edgeq.tuning.study import Study

pytest.importorskip("optuna")


def record(candidate: Candidate, number: int, *, ok: bool = True) -> TrialRecord:
    flash = 1000 - 100 * (candidate.codebook != "none") - candidate.narrow
    score = Score(metric="top1", value=0.9 - flash / 1e5, low=0, high=1, samples=100)
    costs = Costs(flash_bytes=flash, ram_bytes=100, latency_s=0.1, kind="simulated")
    return TrialRecord(
        key=f"{number}",
        number=number,
        candidate=candidate,
        verdict="ok" if ok else "failed",
        score=score if ok else None,
        costs=costs if ok else None,
    )


def ask_and_tell(study: Study, count: int) -> list[Candidate]:
    asked = []
    for number in range(count):
        candidate = study.ask()
        assert candidate is not None
        asked.append(candidate)
        study.tell(record(candidate, number, ok=number % 5 != 4), 0.0)
    return asked


def test_the_ladder_comes_first_and_no_candidate_twice() -> None:
    asked = ask_and_tell(Study(layers=4, trainable=True, seed=1), 30)
    assert len(set(asked)) == 30
    first = asked[: len(LADDER)]
    assert [c.codebook for c in first] == [c.codebook for c in LADDER]
    assert max(c.narrow for c in asked) == 4


def test_the_same_seed_asks_the_same() -> None:
    one = ask_and_tell(Study(layers=4, trainable=True, seed=3), 20)
    assert ask_and_tell(Study(layers=4, trainable=True, seed=3), 20) == one
    assert ask_and_tell(Study(layers=4, trainable=True, seed=4), 20) != one


def test_a_source_that_cannot_be_trained_gets_no_training() -> None:
    asked = ask_and_tell(Study(layers=2, trainable=False, seed=0), 12)
    assert not any(candidate.trains for candidate in asked)


def test_what_was_tried_before_is_not_asked_again() -> None:
    asked = ask_and_tell(Study(layers=4, trainable=True, seed=1), 15)
    resumed = Study(layers=4, trainable=True, seed=1)
    for number, candidate in enumerate(asked):
        resumed.tell(record(candidate, number), 0.0)
    assert not set(asked) & set(ask_and_tell(resumed, 10))


def test_an_exhausted_space_ends() -> None:
    study = Study(layers=0, trainable=False, seed=0)
    asked = 0
    while (candidate := study.ask()) is not None:
        study.tell(record(candidate, asked), 0.0)
        asked += 1
    kinds = Activations, CalibrationMethod, Recovery
    assert asked == math.prod(len(get_args(kind)) for kind in kinds)
