"""A recording drawn small enough for a record: the least and most power of each step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from edgeq.bench.gating import Cut
from edgeq.core.records import PowerPlot
from edgeq.device.meters.trace import Floats, Trace

STEPS = 240
GATES = 400
DIGITS = 4


def plot_trace(trace: Trace, cut: Cut, steps: int = STEPS) -> PowerPlot | None:
    """Return at most `steps` pairs of least and most watts, None for an empty recording.

    No sample is lost from sight: a spike of one sample is the most of its step.
    """
    count = min(steps, len(trace.time_s))
    if not count:
        return None
    start = float(trace.time_s[0])
    width = (trace.end_s - start) / count
    bounds = np.searchsorted(trace.time_s, start + width * np.arange(count + 1))
    pairs = [(0.0, 0.0)]
    for low, high in pairwise(map(int, bounds)):
        pairs.append(_extent(trace.power_w[low:high]) if high > low else pairs[-1])
    gates = [(w.spans[0].start_s, w.spans[-1].end_s) for w in cut.windows]
    return PowerPlot(
        start_s=_short(start),
        step_s=width,
        low_w=tuple(low for low, _ in pairs[1:]),
        high_w=tuple(high for _, high in pairs[1:]),
        gates=tuple((_short(a, 7), _short(b, 7)) for a, b in gates[:GATES]),
        idle=tuple((_short(s.start_s, 7), _short(s.end_s, 7)) for s in cut.idle),
    )


def _extent(power: Floats) -> tuple[float, float]:
    return _short(float(power.min())), _short(float(power.max()))


def _short(value: float, digits: int = DIGITS) -> float:
    return float(f"{value:.{digits}g}")
