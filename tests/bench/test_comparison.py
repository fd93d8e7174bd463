"""A change beyond noise is told from noise, and what cannot be told is not told."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.bench.comparison import Sample, compare


def _noisy(rng: np.random.Generator, median: float, noise: float, runs: int) -> Sample:
    values = rng.normal(median, noise * median, runs)
    return Sample(float(np.median(values)), tuple(values))


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (100.0, "same"),
        (103.0, "same"),
        (103.1, "regression"),
        (105.0, "regression"),
        (97.0, "same"),
        (96.9, "improvement"),
    ],
)
def test_exact_figures_are_compared_as_they_are(value: float, outcome: str) -> None:
    found = compare(Sample(value, exact=True), Sample(100.0, exact=True), 0.03)
    assert found.outcome == outcome
    assert found.p_value is None


def test_less_accuracy_is_a_regression_and_more_an_improvement() -> None:
    before = Sample(0.9, exact=True, higher_is_better=True)
    assert compare(Sample(0.8, (), True, True), before, 0.03).outcome == "regression"
    assert compare(Sample(0.99, (), True, True), before, 0.03).outcome == "improvement"


def test_something_from_nothing_is_a_regression() -> None:
    nothing = Sample(0, exact=True)
    assert compare(Sample(1, exact=True), nothing, 0.03).outcome == "regression"
    assert compare(nothing, nothing, 0.03).outcome == "same"


@pytest.mark.parametrize(
    ("change", "outcome"), [(1.05, "regression"), (1.0, "same"), (0.95, "improvement")]
)
def test_changes_of_five_percent_are_told_from_noise_of_half_a_percent(
    change: float, outcome: str
) -> None:
    rng = np.random.default_rng(8)
    for _ in range(100):
        before, now = _noisy(rng, 10, 0.005, 10), _noisy(rng, 10 * change, 0.005, 10)
        assert compare(now, before, 0.03).outcome == outcome


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.2])
def test_noise_alone_is_almost_never_a_regression(noise: float) -> None:
    rng = np.random.default_rng(9)
    outcomes = [
        compare(_noisy(rng, 10, noise, 10), _noisy(rng, 10, noise, 10), 0.03).outcome
        for _ in range(300)
    ]
    assert outcomes.count("regression") <= 3
    assert outcomes.count("improvement") <= 3


def test_great_noise_hides_a_difference_and_that_is_said() -> None:
    rng = np.random.default_rng(10)
    found = compare(_noisy(rng, 10, 0.3, 10), _noisy(rng, 10, 0.3, 10), 0.03)
    assert found.outcome == "cannot tell"
    assert found.reason


@pytest.mark.parametrize("runs", [(), (10.0,)])
def test_one_measured_run_tells_nothing(runs: tuple[float, ...]) -> None:
    assert compare(Sample(20.0, runs), Sample(10.0, (10.0,) * 9), 0.03).outcome == "cannot tell"


def test_measured_runs_without_spread_are_told_apart() -> None:
    steady = Sample(10.0, (10.0,) * 10)
    assert compare(steady, steady, 0.03).outcome == "same"
    assert compare(Sample(10.5, (10.5,) * 10), steady, 0.03).outcome == "regression"
