"""Energy and charge between two moments of a trace."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import NamedTuple

import numpy as np

from edgeq.core.errors import UsageError
from edgeq.device.meters.trace import Floats, Gap, Trace

# Further apart than this many periods, two samples have a hole between them.
HOLE_PERIODS = 1.5
# A hole is bridged by the mean of as many samples as it lost, at most this many, on each side.
NEIGHBOURS = 1000


class Integral(NamedTuple):
    """Joules and coulombs between two moments; `lost` and `clipped` count samples among them."""

    energy_j: float
    charge_c: float
    lost: int
    clipped: int


def energy_between(trace: Trace, start_s: float, end_s: float) -> Integral:
    """Return energy and charge between two moments of the meter's clock.

    Rectangle rule: sample i holds until the next one begins, or for one period before a hole. The
    samples at both ends count by the share that lies inside. A hole is bridged by the mean of its
    neighbours, each side weighted by its distance in time, and what it lost is in `lost`. Outside
    of the recording nothing is assumed: no energy, and all samples lost.

    Args:
        start_s, end_s: seconds since the recording began.

    Raises:
        UsageError: the two are not finite, or in the wrong order.
    """
    if not (math.isfinite(start_s) and math.isfinite(end_s) and start_s <= end_s):
        raise UsageError(
            f"no window of a trace: from {start_s:g} s to {end_s:g} s",
            hint="its end must not be before its start",
        )
    low, high = _samples_within(trace, start_s, end_s)
    begins = trace.time_s[low:high]
    ends = _ends(trace, low, high)
    inside = np.clip(np.minimum(ends, end_s) - np.maximum(begins, start_s), 0.0, None)
    energy = float(inside @ trace.power_w[low:high])
    charge = float(inside @ trace.current_a[low:high])
    for index in _holes(trace, low, high):
        first, last = float(ends[index - low]), float(trace.time_s[index + 1])
        share = max(0.0, min(last, end_s) - max(first, start_s))
        later = ((max(first, start_s) + min(last, end_s)) / 2 - first) / (last - first)
        energy += share * _bridge(trace, trace.power_w, index, later)
        charge += share * _bridge(trace, trace.current_a, index, later)
    clipped = int(np.count_nonzero(trace.clipped[low:high] & (inside > 0)))
    return Integral(energy, charge, _count_lost(trace, low, high, start_s, end_s), clipped)


def _samples_within(trace: Trace, start_s: float, end_s: float) -> tuple[int, int]:
    """Return the range of samples that may lie inside, the one before its start included."""
    low = int(np.searchsorted(trace.time_s, start_s, side="right")) - 1
    return max(0, low), int(np.searchsorted(trace.time_s, end_s, side="left"))


def _ends(trace: Trace, low: int, high: int) -> Floats:
    """Return where each sample of the range ends, shape (high - low,)."""
    begins = trace.time_s[low:high]
    if not len(begins):
        return begins
    after = trace.time_s[low + 1 : high + 1]
    if len(after) < len(begins):
        after = np.append(after, begins[-1] + trace.period_s)
    whole = after - begins <= HOLE_PERIODS * trace.period_s
    return np.where(whole, after, begins + trace.period_s)


def _holes(trace: Trace, low: int, high: int) -> list[int]:
    """Return each sample of the range that a hole follows."""
    steps = np.diff(trace.time_s[low : high + 1])
    return [low + int(i) for i in np.flatnonzero(steps > HOLE_PERIODS * trace.period_s)]


def _bridge(trace: Trace, values: Floats, index: int, later: float) -> float:
    """Return the value in the hole after sample `index`, `later` (0..1) of the way through it."""
    hole_s = float(trace.time_s[index + 1] - trace.time_s[index]) - trace.period_s
    count = min(NEIGHBOURS, max(1, round(hole_s / trace.period_s)))
    before = float(values[max(0, index + 1 - count) : index + 1].mean())
    after = float(values[index + 1 : index + 1 + count].mean())
    return before + (after - before) * later


def _count_lost(trace: Trace, low: int, high: int, start_s: float, end_s: float) -> int:
    """Count the samples of gaps, of holes that no gap explains, and outside of the recording."""
    if not len(trace.time_s):
        return round((end_s - start_s) / trace.period_s)
    gaps = _gaps_within(trace, start_s, end_s)
    lost = 0
    for gap in gaps:
        inside = min(gap.end_s, end_s) - max(gap.start_s, start_s)
        lost += math.ceil(gap.samples * inside / (gap.end_s - gap.start_s) - 1e-6)
    for index in _holes(trace, low, high):
        first, last = float(trace.time_s[index]) + trace.period_s, float(trace.time_s[index + 1])
        inside = min(last, end_s) - max(first, start_s)
        if inside > 0 and not _gaps_within(trace, first, last):
            lost += max(1, round(inside / trace.period_s))
    first, last = float(trace.time_s[0]), trace.end_s
    if trace.gaps:  # one may stand before the first sample, or after the last
        first, last = min(first, trace.gaps[0].start_s), max(last, trace.gaps[-1].end_s)
    outside = max(0.0, min(end_s, first) - start_s) + max(0.0, end_s - max(start_s, last))
    return lost + round(outside / trace.period_s)


def _gaps_within(trace: Trace, start_s: float, end_s: float) -> tuple[Gap, ...]:
    """Return the gaps that overlap the span."""
    first = bisect_right(trace.gaps, start_s, key=lambda gap: gap.end_s)
    last = bisect_left(trace.gaps, end_s, key=lambda gap: gap.start_s)
    return trace.gaps[first:last]
