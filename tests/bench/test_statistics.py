"""Summaries of repeated runs, and what their figures are worth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.statistics import (
    count_outliers,
    count_warmup,
    explain_spread,
    find_drift,
    median_interval,
    reached_level,
    summarise,
)

Draw = Callable[[np.random.Generator, int], np.ndarray]

_values = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


def _bimodal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Two speeds (70 % and 30 % of the runs), and 3 % of far outliers."""
    fast = rng.random(n) < 0.7
    values = np.where(fast, rng.normal(10, 0.1, n), rng.normal(10.8, 0.1, n))
    return np.where(rng.random(n) < 0.03, 12 + rng.exponential(20, n), values)


DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(10, 1, n),
    "log-normal": lambda rng, n: rng.lognormal(0, 1, n),
    "exponential": lambda rng, n: 1 + rng.exponential(1, n),
    "bimodal with outliers": _bimodal,
}


@given(_values)
def test_a_summary_lies_between_its_extremes(values: list[float]) -> None:
    s = summarise(values)
    assert s.minimum <= s.median <= s.maximum
    assert s.low <= s.median <= s.high
    assert s.minimum <= s.mean * (1 + 1e-9)
    assert s.mean <= s.maximum * (1 + 1e-9) + 1e-12
    assert s.runs == len(values)


@given(_values)
def test_the_95th_percentile_covers_95_percent_of_the_runs(values: list[float]) -> None:
    p95 = summarise(values).p95
    assert p95 in values
    assert sum(v <= p95 for v in values) >= 0.95 * len(values)


def test_the_median_ignores_one_slow_run() -> None:
    assert summarise([1.0, 1.0, 1.0, 1.0, 100.0]).median == 1.0


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("runs", [5, 6, 7, 8, 10, 15, 20, 30, 50, 100])
def test_the_interval_covers_the_true_median_in_93_to_97_percent_of_simulations(
    name: str, runs: int
) -> None:
    draw = DISTRIBUTIONS[name]
    truth = float(np.median(draw(np.random.default_rng(7), 2_000_001)))
    rng = np.random.default_rng(runs)
    bounds = [median_interval(draw(rng, runs).tolist()) for _ in range(4000)]
    covered = sum(low <= truth <= high for low, high in bounds)
    assert 0.93 <= covered / 4000 <= 0.97


def test_the_percentile_bootstrap_would_not_cover_with_seven_values() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(2000):
        values = rng.normal(0, 1, 7)
        medians = np.median(values[rng.integers(0, 7, (1000, 7))], axis=1)
        low, high = np.quantile(medians, [0.025, 0.975])
        covered += low <= 0 <= high
    assert covered / 2000 == pytest.approx(0.875, abs=0.025)  # the 2nd and the 6th value's


@pytest.mark.parametrize("runs", [10, 20, 50])
def test_taking_warmup_off_does_not_spoil_the_interval(runs: int) -> None:
    rng = np.random.default_rng(runs)
    covered = 0
    for _ in range(1000):
        slow_start = 1 + 0.5 * np.exp(-np.arange(runs) / 1.0)
        values = (slow_start * rng.normal(10, 0.1, runs)).tolist()
        low, high = median_interval(values[count_warmup(values) :])
        covered += low <= 10 <= high
    assert 0.90 <= covered / 1000 <= 0.97


@pytest.mark.parametrize("runs", [2, 3, 4])
def test_an_interval_of_too_few_values_is_their_range_and_its_coverage_is_known(runs: int) -> None:
    rng = np.random.default_rng(1)
    sets = rng.normal(0, 1, (4000, runs))
    bounds = [median_interval(row.tolist()) for row in sets]
    assert bounds == [(row.min(), row.max()) for row in sets]
    covered = sum(low <= 0 <= high for low, high in bounds) / len(bounds)
    assert covered == pytest.approx(reached_level(runs), abs=0.03)


@given(st.integers(5, 300), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_interval_lies_between_the_exact_intervals_of_order_statistics(
    n: int, level: float
) -> None:
    low, high = median_interval(list(range(1, n + 1)), level)
    assert low + high == pytest.approx(n + 1)
    inside = max(1, math.floor(low))
    miss_wide = 2 * sum(math.comb(n, k) for k in range(inside)) / 2**n
    miss_narrow = 2 * sum(math.comb(n, k) for k in range(inside + 1)) / 2**n
    assert low <= 1 or miss_wide <= 1 - level + 1e-12
    assert 1 - level <= miss_narrow + 1e-12


@given(st.floats(1e-9, 1e6), st.integers(1, 50))
def test_equal_runs_have_an_interval_of_no_width_and_nothing_to_warn_of(
    value: float, runs: int
) -> None:
    values = [value] * runs
    assert median_interval(values) == (value, value)
    assert count_warmup(values) == 0
    assert count_outliers(values) == 0
    assert find_drift(values) is None
    assert explain_spread(values) == ()


@given(st.lists(st.floats(0, 1e6), min_size=5, max_size=5))
def test_an_interval_of_times_never_goes_below_zero(values: list[float]) -> None:
    assert median_interval(values)[0] >= 0


@pytest.mark.parametrize("level", [0.5, 1.0, math.nan])
def test_a_level_that_no_interval_can_hold_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        median_interval([1.0], level)


@pytest.mark.parametrize("leading", [[15.0], [20.0, 14.0, 11.0], [10.2, 10.2]])
def test_slow_leading_runs_are_warmup(leading: list[float]) -> None:
    steady = [10.0, 10.01, 9.99, 10.0, 10.02, 9.98, 10.0, 10.01, 9.99, 10.0]
    assert count_warmup(leading + steady) == len(leading)


@pytest.mark.parametrize(
    "values",
    [
        [10.05] + [10.0] * 20,  # half a percent: nobody could feel it
        [9.0] + [10.0] * 20,  # fast
        [10.0] * 5 + [15.0] + [10.0] * 14,  # in the middle
        [15.0] + [10.0] * 8,  # too few runs to tell
        [12.0, 10.0] * 10,  # two speeds, all the time
    ],
)
def test_what_is_usual_small_or_late_is_no_warmup(values: list[float]) -> None:
    assert count_warmup(values) == 0


def test_noise_is_seldom_taken_for_warmup() -> None:
    rng = np.random.default_rng(5)
    found = sum(count_warmup(rng.normal(10, 1, 20).tolist()) > 0 for _ in range(1000))
    assert found <= 20


def test_outliers_are_counted_by_the_modified_z_score() -> None:
    # median 10, MAD 1: 3.5 * 1.4826 = 5.19 off is the limit
    values = [8.0, 9.0, 9.0, 10.0, 10.0, 11.0, 11.0, 12.0, 15.1]
    assert count_outliers(values) == 0
    assert count_outliers([*values[:-1], 15.3]) == 1
    assert count_outliers([5.0] * 9 + [6.0]) == 1


@pytest.mark.parametrize("rise", [0.05, -0.05])
def test_a_drift_of_five_percent_is_found_and_measured(rise: float) -> None:
    rng = np.random.default_rng(2)
    values = 10 * (1 + np.linspace(0, rise, 60)) + rng.normal(0, 0.05, 60)
    drift = find_drift(values.tolist())
    assert drift == pytest.approx(rise, abs=0.01)
    assert any("from first to last" in note for note in explain_spread(values.tolist()))


def test_steady_noise_does_not_drift() -> None:
    rng = np.random.default_rng(3)
    found = sum(find_drift(rng.lognormal(0, 0.1, 40).tolist()) is not None for _ in range(500))
    assert found <= 12


def test_the_drift_of_many_runs_is_found_in_blocks() -> None:
    values = (10 + np.linspace(0, 1, 20_000) % 1).tolist()
    assert find_drift(values) == pytest.approx(0.095, abs=0.01)


def test_a_slow_first_run_a_wide_spread_and_interruptions_are_said() -> None:
    assert explain_spread([10.0, 10.0, 10.0]) == ()
    assert "first run" in explain_spread([20.0, 10.0, 10.0, 10.0])[0]
    assert "spread" in explain_spread([8.0, 12.0, 10.0, 9.0, 11.0])[0]
    assert any("outliers" in n for n in explain_spread([10.0, 10.1, 9.9, 10.0, 20.0] * 4))
    assert explain_spread([1.0, 2.0]) == ()


def test_nothing_to_summarise_is_an_error() -> None:
    with pytest.raises(ValueError, match="no median"):
        summarise([])
