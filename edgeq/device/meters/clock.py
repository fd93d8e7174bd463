"""Two clocks: which moment of the meter's a moment of the host's is, and how surely."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgeq.device.meters.trace import Floats, Mark

# What no arrival time shows: the shortest way through USB and the kernel, one frame of 1 ms.
TRANSPORT_S = 1e-3
# Further apart than a ceramic resonator and a crystal, two clocks are not believed to run.
MAX_SKEW = 0.01
# Skew is not told from jitter in a shorter recording.
MIN_SPAN_S = 1.0
BUCKETS = 500


@dataclass(frozen=True, slots=True)
class HostClock:
    """The line host = offset_s + rate * meter, and how far a moment on it may be off."""

    offset_s: float
    rate: float
    uncertainty_s: float

    def to_meter(self, host_s: float) -> float:
        """Return the meter's time at a moment of `time.monotonic()`."""
        return (host_s - self.offset_s) / self.rate


class HostMarks:
    """A meter's part that remembers moments of the host's clock until the recording is decoded."""

    def __init__(self) -> None:
        self._noted: list[Mark] = []

    def mark(self, name: str, *, at_s: float | None = None, uncertainty_s: float = 0.0) -> None:
        """Remember a moment of the host's clock; see `Meter.mark`."""
        moment = time.monotonic() if at_s is None else at_s
        self._noted.append(Mark(moment, name, "marker", uncertainty_s))


def fit_clock(meter_s: Floats, host_s: Floats) -> HostClock:
    """Fit the line below all arrivals: a chunk comes late by its way, never early.

    The line is the one of all below the points that is nearest to them (Moon, Skelly and Towsley,
    "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999). The
    uncertainty is the delay beyond the line that 95 % of the chunks stay within, and one USB frame.

    Args:
        meter_s: the meter's time at the end of each chunk, shape (n,), n > 0.
        host_s: when each arrived, by `time.monotonic()`, shape (n,).
    """
    offset, rate = _lower_line(meter_s, host_s)
    late = host_s - (offset + rate * meter_s)
    return HostClock(offset, rate, float(np.quantile(late, 0.95)) + TRANSPORT_S)


def place_marks(
    clock: HostClock | None, noted: Iterable[Mark], period_s: float
) -> tuple[Mark, ...]:
    """Return the host's markers on the meter's clock; none where nothing ties the clocks."""
    if clock is None:
        return ()
    slack = clock.uncertainty_s + period_s
    return tuple(
        Mark(clock.to_meter(m.time_s), m.channel, m.edge, m.uncertainty_s + slack) for m in noted
    )


def _lower_line(meter_s: Floats, host_s: Floats) -> tuple[float, float]:
    """Return offset and rate of the line."""
    late = host_s - meter_s
    span = float(meter_s[-1] - meter_s[0])
    if span >= MIN_SPAN_S:
        points = _earliest(meter_s, late)
        middle = float(meter_s.mean())
        hull = _lower_hull(points)
        for (x0, y0), (x1, y1) in pairwise(hull):
            skew = (y1 - y0) / (x1 - x0)
            if x0 <= middle <= x1 and abs(skew) <= MAX_SKEW:
                return y0 - skew * x0, 1.0 + skew
    return float(late.min()), 1.0


def _earliest(meter_s: Floats, late: Floats) -> list[tuple[float, float]]:
    """Return the point of each bucket of time that came with the least delay."""
    edges = np.linspace(meter_s[0], meter_s[-1], BUCKETS + 1)[1:-1]
    bucket = np.searchsorted(edges, meter_s, side="right")
    order = np.lexsort((late, bucket))
    first = order[np.unique(bucket[order], return_index=True)[1]]
    return sorted((float(meter_s[i]), float(late[i])) for i in first)


def _lower_hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the lower convex hull of points sorted by x (Andrew's monotone chain)."""
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (x1 - x0) * (y - y0) > (x - x0) * (y1 - y0):
                break
            hull.pop()
        if not hull or x > hull[-1][0]:
            hull.append((x, y))
    return hull
