"""What a tensor's values were over the calibration samples: one pass, bounded memory, mergeable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

BINS = 2048
# A bin is never finer than float32 tells values of the tensor's magnitude apart.
_MANTISSA_BITS = 24
_LEAST_EXPONENT = -126


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of BINS bins of 2**exponent each; bin i begins at (start + i) * 2**exponent.

    The bins lie on one dyadic grid through zero and are as fine as the range of values allows. So
    the range grows by doubling, pairs of bins become one, and neither the order of the samples
    nor how they were divided and merged changes a single count.
    """

    exponent: int
    start: int
    counts: Counts

    @property
    def width(self) -> float:
        """Width of a bin."""
        return math.ldexp(1.0, self.exponent)

    @property
    def edges(self) -> Floats:
        """The BINS + 1 edges, ascending; zero is an edge wherever it lies in the range."""
        return np.ldexp(self.start + np.arange(BINS + 1, dtype=np.float64), self.exponent)

    @property
    def total(self) -> int:
        """Number of values counted."""
        return int(self.counts.sum())

    def place(self, value: float) -> int:
        """Return the bin that a value of the range falls into."""
        return math.floor(math.ldexp(value, -self.exponent)) - self.start


def count_values(values: Array, low: float, high: float) -> Histogram:
    """Return the histogram of finite `values`, floats of any shape, all within low..high."""
    exponent, start = _choose_grid(low, high)
    # A product with a power of two is exact, unless it makes the least of float32 still smaller.
    kind = np.float64 if exponent > 0 else values.dtype
    steps = np.multiply(values, math.ldexp(1.0, -exponent), dtype=kind)
    np.floor(steps, out=steps)
    np.subtract(steps, start, out=steps)
    places = steps.reshape(-1).astype(np.intp)
    return Histogram(exponent, start, np.bincount(places, minlength=BINS))


def merge_histograms(a: Histogram, b: Histogram, low: float, high: float) -> Histogram:
    """Return the histogram of the values of both, all within low..high."""
    exponent, start = _choose_grid(low, high)
    counts = move_counts(a, exponent, start) + move_counts(b, exponent, start)
    return Histogram(exponent, start, counts)


def _choose_grid(low: float, high: float) -> tuple[int, int]:
    """Return (exponent, start) of the finest grid whose BINS bins hold low..high."""
    peak = max(abs(low), abs(high))
    finest = max(math.frexp(peak)[1] - _MANTISSA_BITS, _LEAST_EXPONENT)
    spread = math.frexp((high - low) / BINS)[1] - 1 if high > low else finest
    exponent = max(spread, finest)
    while math.floor(math.ldexp(high, -exponent)) - math.floor(math.ldexp(low, -exponent)) >= BINS:
        exponent += 1
    return exponent, math.floor(math.ldexp(low, -exponent))


def move_counts(histogram: Histogram, exponent: int, start: int) -> Counts:
    """Return the counts on a grid that is as coarse or coarser and holds them all."""
    if (histogram.exponent, histogram.start) == (exponent, start):
        return histogram.counts
    filled = np.flatnonzero(histogram.counts)
    places = ((histogram.start + filled) >> (exponent - histogram.exponent)) - start
    counts = np.zeros(BINS, np.int64)
    np.add.at(counts, places, histogram.counts[filled])
    return counts


@dataclass(frozen=True, slots=True, eq=False)
class TensorStatistics:
    """Statistics of one activation tensor over `samples` samples, in their order.

    Attributes:
        samples: samples seen; `count` is the number of values in them, `zeros` of exact zeros.
        low, high: the least and the greatest value.
        moving_low, moving_high: moving averages of each sample's least and greatest value with
            `momentum`, begun at the first sample (whose own are `first_low` and `first_high`).
        at_low, at_high: values equal to `low` and to `high`.
    """

    samples: int
    count: int
    zeros: int
    low: float
    high: float
    momentum: float
    moving_low: float
    moving_high: float
    first_low: float
    first_high: float
    at_low: int
    at_high: int
    histogram: Histogram


def add_samples(statistics: TensorStatistics, values: Array) -> TensorStatistics:
    """Return the statistics with more samples (N, ...); as `merge_statistics`, but faster."""
    around = statistics.low, statistics.high
    return merge_statistics(statistics, measure_samples(values, statistics.momentum, around))


def measure_samples(
    values: Array, momentum: float = 0.95, around: tuple[float, float] | None = None
) -> TensorStatistics:
    """Return the statistics of samples (N, ...) in their order.

    Args:
        values: float32 or float64, N >= 1.
        around: the histogram's bins are to suit this range, too.

    Raises:
        ValueError: no values, or NaN or infinity among them.
    """
    rows = values.reshape(len(values), -1) if values.size else np.array([[math.nan]])
    lows, highs = rows.min(axis=1).tolist(), rows.max(axis=1).tolist()
    # NaN hides from min and max, but not from a sum.
    if not math.isfinite(sum(lows) + sum(highs)):
        raise ValueError("no values, or values that are not finite")
    low, high = min(lows), max(highs)
    bounds = (low, high) if around is None else (min(low, around[0]), max(high, around[1]))
    return TensorStatistics(
        samples=len(values),
        count=values.size,
        zeros=int(np.count_nonzero(values == 0)),
        low=low,
        high=high,
        momentum=momentum,
        moving_low=_move_average(lows, momentum),
        moving_high=_move_average(highs, momentum),
        first_low=lows[0],
        first_high=highs[0],
        at_low=int(np.count_nonzero(values == low)),
        at_high=int(np.count_nonzero(values == high)),
        histogram=count_values(values, *bounds),
    )


def _move_average(series: Sequence[float], momentum: float) -> float:
    return reduce(lambda average, value: value + momentum * (average - value), series)


def merge_statistics(a: TensorStatistics, b: TensorStatistics) -> TensorStatistics:
    """Return the statistics of a's samples followed by b's.

    Moving averages are linear in the samples: b's are shifted by what b's first sample weighs
    more at the beginning of a series than inside one.

    Raises:
        ValueError: the momenta differ.
    """
    if a.momentum != b.momentum:
        raise ValueError("statistics of another momentum")
    low, high = min(a.low, b.low), max(a.high, b.high)
    kept = a.momentum**b.samples
    return replace(
        a,
        samples=a.samples + b.samples,
        count=a.count + b.count,
        zeros=a.zeros + b.zeros,
        low=low,
        high=high,
        moving_low=b.moving_low + kept * (a.moving_low - b.first_low),
        moving_high=b.moving_high + kept * (a.moving_high - b.first_high),
        at_low=a.at_low * (a.low == low) + b.at_low * (b.low == low),
        at_high=a.at_high * (a.high == high) + b.at_high * (b.high == high),
        histogram=merge_histograms(a.histogram, b.histogram, low, high),
    )
