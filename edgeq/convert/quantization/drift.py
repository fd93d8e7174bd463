"""Calibration drift: how far the activations of two sets of samples are apart, tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.draft import Draft, Range
from edgeq.convert.quantization.errors import clipped_share
from edgeq.convert.quantization.observation import owners
from edgeq.convert.quantization.statistics import (
    BINS,
    Histogram,
    TensorStatistics,
    merge_histograms,
    move_counts,
)
from edgeq.core.records import DriftRecord, TensorDriftRecord

Floats = NDArray[np.float64]
# Bins that one of the comparison takes as one: with fewer values in each, chance looks like drift.
_TOGETHER = 16


def measure_drift(
    draft: Draft,
    first: Mapping[int, TensorStatistics],
    second: Mapping[int, TensorStatistics],
    *,
    names: tuple[str, str],
) -> DriftRecord:
    """Return the drift from the samples of `first` to those of `second`, worst tensors first.

    Args:
        draft: names the layers; both sets of samples ran its graph.
        names: what to call both sets.
    """
    layers = owners(draft)
    found = [
        TensorDriftRecord(
            index=tensor,
            layer=layers[tensor],
            overlap=range_overlap(first[tensor], second[tensor]),
            saturated=saturated_share(first[tensor], second[tensor]),
            distance=shannon_distance(first[tensor], second[tensor]),
        )
        for tensor in first
    ]
    return DriftRecord(
        first=names[0],
        second=names[1],
        samples=(_samples(first), _samples(second)),
        tensors=tuple(sorted(found, key=lambda t: (-t.distance, t.index))),
    )


def measure_halves(draft: Draft) -> DriftRecord | None:
    """Return the drift between the halves of the calibration samples; None of one sample."""
    if draft.observed is None or not draft.observed.halves:
        return None
    return measure_drift(draft, *draft.observed.halves, names=("first half", "second half"))


def _samples(statistics: Mapping[int, TensorStatistics]) -> int:
    return max((s.samples for s in statistics.values()), default=0)


def range_overlap(first: TensorStatistics, second: TensorStatistics) -> float:
    """Return the length that both ranges share over that of their union; equal points give 1."""
    union = max(first.high, second.high) - min(first.low, second.low)
    shared = min(first.high, second.high) - max(first.low, second.low)
    return max(shared, 0.0) / union if union > 0 else 1.0


def saturated_share(first: TensorStatistics, second: TensorStatistics) -> float:
    """Return the share of the second set's values that the first one's range clips."""
    return clipped_share(second, Range(min(first.low, 0.0), max(first.high, 0.0)))


def shannon_distance(first: TensorStatistics, second: TensorStatistics) -> float:
    """Return the Jensen-Shannon distance of both histograms, 0 (equal) to 1 (apart).

    The square root of the divergence to base 2 (Endres and Schindelin 2003) less what independent
    draws of so few values from one distribution have on average: a chi-squared of as many degrees
    of freedom as bins are filled, less one (Lin 1991, section 4; Pearson 1900).
    """
    p, q = _shares(first, second)
    middle = (p + q) / 2
    divergence = (_information(p, middle) + _information(q, middle)) / 2
    freedom = max(int(np.count_nonzero(middle)) - 1, 0)
    chance = freedom * (1 / first.count + 1 / second.count) / (8 * np.log(2))
    return float(np.sqrt(np.clip(divergence - chance, 0.0, 1.0)))


def _shares(first: TensorStatistics, second: TensorStatistics) -> tuple[Floats, Floats]:
    """Return the shares of both in bins of one grid."""
    low, high = min(first.low, second.low), max(first.high, second.high)
    grid = merge_histograms(first.histogram, second.histogram, low, high)
    return _share(first.histogram, grid), _share(second.histogram, grid)


def _share(histogram: Histogram, grid: Histogram) -> Floats:
    counts = move_counts(histogram, grid.exponent, grid.start).reshape(BINS // _TOGETHER, -1)
    return np.asarray(counts.sum(axis=1) / histogram.total, np.float64)


def _information(p: Floats, q: Floats) -> float:
    filled = p > 0
    return float(np.sum(p[filled] * np.log2(p[filled] / q[filled])))
