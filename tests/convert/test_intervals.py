"""Confidence intervals and paired tests against published values, definitions and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.convert import intervals, metrics
from edgeq.convert.metrics import Array

TRIALS = 400


def rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize(
    ("hits", "samples", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_bounds(
    hits: int, samples: int, low: float, high: float
) -> None:
    found = intervals.wilson(hits, samples)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_wilson_ends_at_the_bounds_of_a_share() -> None:
    assert intervals.wilson(0, 10).low == 0
    assert intervals.wilson(10, 10).high == 1
    with pytest.raises(ValueError, match="samples"):
        intervals.wilson(0, 0)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_sum(lost: int, won: int) -> None:
    n, k = lost + won, min(lost, won)
    exact = min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)
    assert intervals.mcnemar(lost, won) == pytest.approx(exact)


def test_mcnemar_of_many_samples_is_finite() -> None:
    assert intervals.mcnemar(0, 100_000) == 0.0
    assert intervals.mcnemar(50_000, 50_000) == 1.0


def outcomes(both: int, lost: int, won: int, neither: int) -> tuple[Array, Array]:
    pairs = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, lost, won, neither], axis=0) > 0
    return pairs[:, 0], pairs[:, 1]


def test_paired_shares_give_the_published_interval() -> None:
    # Newcombe 1998, Statistics in Medicine 17, 2635-2650, table III, method 10.
    found = intervals.compare_shares(*outcomes(36, 2, 12, 0))
    assert found.change == pytest.approx(0.2)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.0569, 0.3404), abs=1e-4)


def test_three_images_more_of_400_are_no_gain() -> None:
    found = intervals.compare_shares(*outcomes(390, 2, 5, 3))
    assert found.p_value > 0.05
    assert found.interval.low < 0 < found.interval.high


def test_thirty_images_more_are_one() -> None:
    assert intervals.compare_shares(*outcomes(350, 5, 35, 10)).p_value < 0.001


def test_paired_shares_cover_the_true_difference() -> None:
    covered = 0
    for trial in range(TRIALS):
        draw = rng(trial).choice(4, 150, p=[0.85, 0.06, 0.04, 0.05])
        first, second = draw <= 1, (draw == 0) | (draw == 2)
        low, high, _ = intervals.compare_shares(first, second).interval
        covered += low <= -0.02 <= high
    assert covered / TRIALS > 0.93


def scored(trial: int, count: int, gap: float) -> tuple[Array, Array]:
    positive = np.arange(count) % 2 == 0
    return rng(trial).normal(size=count) + gap * positive, positive


def test_delong_covers_the_true_area() -> None:
    gap = 1.5
    area = 0.5 * (1 + math.erf(gap / 2))
    found = [intervals.delong(*scored(t, 120, gap)) for t in range(TRIALS)]
    covered = np.mean([f.low <= area <= f.high for f in found])
    assert 0.925 < covered < 0.985


def test_delong_variance_is_that_of_its_definition() -> None:
    scores, positive = scored(3, 40, 1.0)
    scores = np.round(scores, 1)  # ties
    ups, downs = scores[positive], scores[~positive]
    order = (ups[:, None] > downs) + (ups[:, None] == downs) / 2
    parts = intervals._placements(scores, positive)
    assert parts.auc == pytest.approx(metrics.auc(scores, positive))
    assert parts.positives == pytest.approx(order.mean(axis=1))
    assert parts.negatives == pytest.approx(order.mean(axis=0))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_perfect_order_still_has_an_interval(sign: int) -> None:
    scores, positive = np.arange(40.0) * sign, np.arange(40) >= 20
    low, high, _ = intervals.delong(scores, positive)
    assert (high == 1 and 0.8 < low < 1) if sign > 0 else (low == 0 and 0 < high < 0.2)


def test_equal_scores_do_not_differ() -> None:
    scores, positive = scored(1, 50, 1.0)
    found = intervals.compare_auc(scores, scores.copy(), positive)
    assert (found.change, found.p_value) == (0.0, 1.0)


def test_a_useless_model_has_a_smaller_area() -> None:
    scores, positive = scored(1, 200, 2.0)
    found = intervals.compare_auc(scores, rng(9).normal(size=200), positive)
    assert found.p_value < 1e-6
    assert found.interval.high < 0


def test_delong_errs_as_often_as_it_says() -> None:
    errors = 0
    for trial in range(TRIALS):
        base, positive = scored(trial, 80, 1.0)
        noise = rng(10_000 + trial).normal(size=(2, 80)) / 2
        errors += intervals.compare_auc(base + noise[0], base + noise[1], positive).p_value < 0.05
    assert errors / TRIALS < 0.09


def test_the_bootstrap_covers_a_mean() -> None:
    covered = 0
    for trial in range(120):
        values = rng(trial).exponential(size=(80, 1))
        low, high, _ = intervals.bootstrap_sums(values, lambda sums: sums[..., 0])
        covered += low <= 1.0 <= high
    assert covered / 120 > 0.88


def test_the_bootstrap_covers_an_sqnr() -> None:
    covered = 0
    for trial in range(60):
        real = rng(trial).normal(size=(100, 10))
        sums = metrics.powers(real, real + 0.1 * rng(1000 + trial).normal(size=real.shape))
        low, high, _ = intervals.bootstrap_sums(sums, metrics.sqnr_of)
        covered += low <= 20.0 <= high
    assert covered / 60 > 0.88


def test_the_bootstrap_repeats_itself() -> None:
    values = rng(0).normal(size=(50, 1))
    first, second = (intervals.bootstrap_sums(values, lambda s: s[..., 0]) for _ in range(2))
    assert first == second


def test_equal_samples_have_an_interval_of_no_width() -> None:
    low, high, _ = intervals.bootstrap_sums(np.ones((9, 1)), lambda sums: sums[..., 0])
    assert (low, high) == (1.0, 1.0)


def test_paired_sums_see_a_small_but_steady_gain() -> None:
    errors = rng(4).exponential(size=(60, 1))
    found = intervals.compare_sums(errors, errors * 0.95, lambda sums: sums[..., 0])
    assert found.interval.high < 0
    assert found.p_value < 0.01


def test_paired_samples_of_one_model_do_not_differ() -> None:
    scores = rng(5).normal(size=30)
    found = intervals.compare_samples(30, *(lambda i: float(scores[i].mean()) for _ in range(2)))
    assert (found.change, found.p_value) == (0.0, 1.0)


def test_the_interval_of_a_precision_covers_where_percentiles_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 150 sets of 60 samples: the precision of the scores is known from very many."""

    def samples(seed: int, count: int) -> tuple[Array, Array]:
        truth = rng(seed).random(count) < 0.25
        return truth + rng(seed + 10_000).normal(size=count), truth

    monkeypatch.setattr(intervals, "FEWER", 100)
    known = metrics.average_precision(*samples(0, 200_000))
    covered = np.zeros(2)
    for seed in range(1, 151):
        scores, truth = samples(seed, 60)

        def precision(chosen: Array, scores: Array = scores, truth: Array = truth) -> float:
            return metrics.average_precision(scores[chosen], truth[chosen])

        for place, method in enumerate(
            (intervals.bootstrap_precision, intervals.bootstrap_samples)
        ):
            found = method(60, precision)
            covered[place] += found.low <= known <= found.high
    corrected, plain = covered / 150
    assert corrected > 0.9
    assert corrected > plain + 0.02


def test_a_precision_that_no_resample_changes_has_no_width() -> None:
    found = intervals.bootstrap_precision(9, lambda chosen: 1.0)
    assert found == (1.0, 1.0, "bootstrap, percentile")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 20), st.integers(2, 12))
def test_the_interval_of_a_precision_holds_the_figure_and_is_a_share(seed: int, count: int) -> None:
    truth, scores = rng(seed).random(count) < 0.5, rng(seed).random(count)
    truth[0] = True
    value = metrics.average_precision(scores, truth)
    found = intervals.bootstrap_precision(
        count, lambda chosen: metrics.average_precision(scores[chosen], truth[chosen])
    )
    assert 0 <= found.low <= value <= found.high <= 1
    assert found == intervals.bootstrap_precision(
        count, lambda chosen: metrics.average_precision(scores[chosen], truth[chosen])
    )
