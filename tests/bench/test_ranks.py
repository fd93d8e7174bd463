"""The rank-sum test against its definition: every way to choose."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.ranks import double_ranks, rank_sum_probability, ratio_interval

_few = st.lists(st.integers(0, 5), min_size=1, max_size=6)


def test_equal_values_share_their_mean_rank() -> None:
    assert double_ranks([10, 20, 20, 30]).tolist() == [2, 5, 5, 8]


@given(_few, _few)
def test_the_probability_is_the_share_of_all_choices_that_rank_as_high(
    values: list[int], others: list[int]
) -> None:
    ranks = double_ranks([*values, *others])
    score = ranks[: len(values)].sum()
    sums = [sum(choice) for choice in combinations(ranks.tolist(), len(values))]
    expected = sum(s >= score for s in sums) / len(sums)
    assert rank_sum_probability(values, others) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=90), st.integers(1, 80))
def test_either_direction_or_both_are_likely(values: list[float], count: int) -> None:
    others = [0.5] * count
    up, down = rank_sum_probability(values, others), rank_sum_probability(others, values)
    assert 0 <= up <= 1
    assert up + down >= 0.999


def test_the_approximation_takes_over_where_the_exact_distribution_ends() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(0.4, 1, 31).round(2), rng.normal(0, 1, 30).round(2)
    exact = rank_sum_probability(x[:30].tolist(), y.tolist())
    normal = rank_sum_probability(x.tolist(), y.tolist())
    assert normal == pytest.approx(exact, abs=0.02)


def test_runs_that_are_all_equal_tell_nothing() -> None:
    assert rank_sum_probability([1.0] * 10, [1.0] * 10) == 1.0
    assert rank_sum_probability([1.0] * 50, [1.0] * 50) == 1.0
    assert rank_sum_probability([1.0], []) == 1.0


def test_noise_alone_is_called_significant_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(6)
    draws = rng.normal(0, 1, (2000, 20))
    found = sum(rank_sum_probability(d[:10].tolist(), d[10:].tolist()) < 0.05 for d in draws)
    assert 60 <= found <= 140


@pytest.mark.parametrize("runs", [5, 8, 10, 20, 40])
def test_the_interval_of_a_ratio_covers_it(runs: int) -> None:
    rng = np.random.default_rng(runs)
    covered = 0
    for _ in range(1000):
        low, high = ratio_interval(
            1.05 * rng.lognormal(0, 0.1, runs), rng.lognormal(0, 0.1, runs + 2)
        )
        covered += low <= 1.05 <= high
    assert 930 <= covered <= 985  # few runs have few levels to choose from


def test_runs_without_spread_have_a_ratio_without_spread() -> None:
    assert ratio_interval([2.0] * 9, [1.0] * 9) == (2.0, 2.0)


def test_too_few_runs_have_all_ratios_in_their_interval() -> None:
    assert ratio_interval([1.0, 2.0], [1.0, 4.0]) == (0.25, 2.0)


def test_very_many_runs_are_thinned() -> None:
    rng = np.random.default_rng(0)
    low, high = ratio_interval(2 * rng.normal(10, 0.1, 50_000), rng.normal(10, 0.1, 50_000))
    assert low < 2 < high
    assert high - low < 0.01
