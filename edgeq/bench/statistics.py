"""Statistics of repeated runs. Medians first: a serial link and an operating system have tails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

from edgeq.core.records import Record


class Summary(Record, frozen=True, kw_only=True):
    """Median, 95th percentile, mean and spread of `runs` values, in the values' unit."""

    runs: int
    median: float
    p95: float
    mean: float
    minimum: float
    maximum: float
    mad: float


def summarise(values: Sequence[float]) -> Summary:
    """Summarise at least one value.

    The 95th percentile is the nearest-rank one: the smallest value that at least 95 % of the
    values do not exceed. `mad` is the median absolute deviation from the median.
    """
    ordered = sorted(values)
    middle = float(median(ordered))
    return Summary(
        runs=len(ordered),
        median=middle,
        p95=float(ordered[math.ceil(0.95 * len(ordered)) - 1]),
        mean=fmean(ordered),
        minimum=float(ordered[0]),
        maximum=float(ordered[-1]),
        mad=float(median(abs(v - middle) for v in ordered)),
    )


def explain_spread(values: Sequence[float]) -> tuple[str, ...]:
    """Return warnings about runs that make a median doubtful (after hyperfine's advice)."""
    if len(values) < 3:
        return ()
    summary = summarise(values)
    notes: list[str] = []
    if summary.median > 0 and summary.mad / summary.median > 0.02:
        share = 100 * summary.mad / summary.median
        notes.append(f"runs spread by {share:.1f} % around the median: the board may be busy")
    if values[0] > 1.1 * summary.median:
        notes.append("the first run was slower than the median by more than 10 %: use more warm-up")
    return tuple(notes)
