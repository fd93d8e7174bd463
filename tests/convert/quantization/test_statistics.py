"""Statistics in one pass are those of all values at once, in any order and however divided."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from edgeq.convert.quantization.statistics import (
    BINS,
    TensorStatistics,
    add_samples,
    measure_samples,
    merge_statistics,
)

Sample = NDArray[np.float32]
FINITE = st.floats(-(2.0**100), 2.0**100, width=32) | st.floats(-8, 8, width=32) | st.just(0.0)
SAMPLES = st.lists(arrays(np.float32, (2, 3), elements=FINITE), min_size=1, max_size=12)


def gather(samples: list[Sample], momentum: float = 0.95) -> TensorStatistics:
    first, *others = (sample[None] for sample in samples)
    return reduce(add_samples, others, measure_samples(first, momentum))


def assert_same_counts(a: TensorStatistics, b: TensorStatistics) -> None:
    assert (a.histogram.exponent, a.histogram.start) == (b.histogram.exponent, b.histogram.start)
    assert np.array_equal(a.histogram.counts, b.histogram.counts)
    fields = ("samples", "count", "zeros", "low", "high", "at_low", "at_high")
    assert [getattr(a, f) for f in fields] == [getattr(b, f) for f in fields]


@given(SAMPLES)
def test_every_value_lies_in_the_bin_that_counts_it(samples: list[Sample]) -> None:
    histogram, values = gather(samples).histogram, np.stack(samples).astype(np.float64)
    places = np.floor(values / histogram.width).astype(np.int64) - histogram.start
    assert len(histogram.counts) == BINS
    assert np.array_equal(np.bincount(places.ravel(), minlength=BINS), histogram.counts)


@given(SAMPLES)
def test_counts_and_extremes_are_those_of_all_values(samples: list[Sample]) -> None:
    found, values = gather(samples), np.stack(samples).astype(np.float64)
    assert (found.low, found.high) == (values.min(), values.max())
    assert (found.count, found.zeros) == (values.size, int(np.sum(values == 0)))
    assert found.at_low == np.sum(values == values.min())
    assert found.at_high == np.sum(values == values.max())


@given(SAMPLES, st.randoms(use_true_random=False), st.integers(0, 12))
def test_neither_order_nor_division_changes_a_count(
    samples: list[Sample], random: object, cut: int
) -> None:
    shuffled = list(samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = gather(samples)
    assert_same_counts(whole, gather(shuffled))
    left, right = shuffled[:cut], shuffled[cut:]
    if left and right:
        assert_same_counts(whole, merge_statistics(gather(left), gather(right)))


@given(SAMPLES)
def test_samples_together_give_what_they_give_one_by_one(samples: list[Sample]) -> None:
    whole, stack = gather(samples), np.stack(samples)
    kept = stack.copy()
    found = measure_samples(stack)
    assert_same_counts(whole, found)
    assert (whole.first_low, whole.first_high) == (found.first_low, found.first_high)
    peak = float(np.max(np.abs(stack)))
    assert found.moving_low == pytest.approx(whole.moving_low, abs=1e-9 * peak)
    assert found.moving_high == pytest.approx(whole.moving_high, abs=1e-9 * peak)
    assert np.array_equal(stack, kept)


def test_the_least_values_below_zero_keep_their_bin_however_wide_it_is() -> None:
    tiny = np.float32(-1e-45)
    found = measure_samples(np.array([[tiny, 1e9]], np.float32)).histogram
    assert found.counts[found.place(float(tiny))] == 1
    assert found.place(float(tiny)) == found.place(0.0) - 1


@given(SAMPLES, st.integers(1, 11), st.floats(0.01, 0.99))
def test_merged_moving_averages_are_those_of_the_whole_series(
    samples: list[Sample], cut: int, momentum: float
) -> None:
    low, high = float(samples[0].min()), float(samples[0].max())
    for sample in samples[1:]:
        low += (1 - momentum) * (float(sample.min()) - low)
        high += (1 - momentum) * (float(sample.max()) - high)
    found = gather(samples, momentum)
    if samples[cut:]:
        found = merge_statistics(gather(samples[:cut], momentum), gather(samples[cut:], momentum))
    peak = float(np.max(np.abs(np.stack(samples))))
    assert found.moving_low == pytest.approx(low, abs=1e-9 * peak)
    assert found.moving_high == pytest.approx(high, abs=1e-9 * peak)


def test_a_value_far_outside_doubles_the_range_and_keeps_the_counts() -> None:
    near = measure_samples(np.linspace(0, 1, 1000, dtype=np.float32)[None])
    far = add_samples(near, np.array([[1000.0]], np.float32))
    ratio = far.histogram.width / near.histogram.width
    assert ratio == 2 ** round(np.log2(ratio)) >= 512
    assert far.histogram.total == 1001
    assert far.histogram.counts[:3].tolist() == [500, 499, 1]  # 1.0 begins the third


@settings(max_examples=25)
@given(st.floats(-1024, 1024, width=32), st.floats(2.0**-10, 1024, width=32))
def test_the_bins_are_as_fine_as_half_the_best_there_is(low: float, spread: float) -> None:
    found = measure_samples(np.array([[low, low + spread]], np.float32))
    extent = found.high - found.low
    if extent > 1e-3 * max(abs(found.low), abs(found.high)):  # finer than float32 is no use
        assert found.histogram.width <= 2.01 * extent / BINS


@pytest.mark.parametrize("values", [[], [np.nan, 1.0], [np.inf], [0.0, -np.inf]])
def test_what_is_not_finite_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="not finite"):
        measure_samples(np.array([values], np.float32))


def test_statistics_of_another_momentum_do_not_merge() -> None:
    one = measure_samples(np.ones((1, 6), np.float32))
    with pytest.raises(ValueError, match="another momentum"):
        merge_statistics(one, measure_samples(np.ones((1, 6), np.float32), momentum=0.5))
