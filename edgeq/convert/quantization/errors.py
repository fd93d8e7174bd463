"""Expected errors of quantising what a histogram counted: rounding and clipping, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.draft import Range
from edgeq.convert.quantization.statistics import Histogram, TensorStatistics

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Levels:
    """The integers of an activation type. Symmetric: zero point 0, and its least is not used."""

    bits: int
    symmetric: bool

    @property
    def steps(self) -> int:
        """Steps between the least and the greatest real value: 255 for int8."""
        return (1 << self.bits) - (2 if self.symmetric else 1)


LEVELS = {"int8": Levels(8, False), "int16": Levels(16, True)}


def represent(low: Floats, high: Floats, levels: Levels) -> tuple[Floats, Floats]:
    """Return (least real value, step) of the integers that stand for low <= 0 <= high.

    Asymmetric: the range is shifted by less than half a step so that zero is an integer.
    A range of zero width has step 0.
    """
    if levels.symmetric:
        peak = np.maximum(-low, high)
        return -peak, 2 * peak / levels.steps
    step = (high - low) / levels.steps
    below = np.rint(np.divide(-low, step, out=np.zeros_like(step), where=step > 0))
    return -below * step, step


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """Where a tensor's values lie, without the exact zeros: evenly within bins, and at points.

    Attributes:
        edges: (N + 1,) ascending; `weights` (N,) values by unit of length between them.
        points: (P,) values that occur often, `repeats` (P,) how often.
    """

    edges: Floats
    weights: Floats
    points: Floats
    repeats: Floats


def density_of(statistics: TensorStatistics, coarseness: int = 1) -> Density:
    """Return the density of a histogram, `coarseness` bins in one; its extremes are points."""
    histogram, counts = statistics.histogram, without_zeros(statistics).astype(np.float64)
    ends = ((statistics.low, statistics.at_low), (statistics.high, statistics.at_high))
    atoms = {value: repeats for value, repeats in ends if value != 0}
    for value, repeats in atoms.items():
        counts[histogram.place(value)] -= repeats
    grouped = counts.reshape(-1, coarseness).sum(axis=1)
    filled = np.flatnonzero(grouped)
    first, last = (filled[0], filled[-1]) if len(filled) else (0, 0)
    return Density(
        edges=histogram.edges[::coarseness][first : last + 2],
        weights=grouped[first : last + 1] / (histogram.width * coarseness),
        points=np.array(list(atoms), np.float64),
        repeats=np.array(list(atoms.values()), np.float64),
    )


def squared_errors(density: Density, low: Floats, high: Floats, levels: Levels) -> Floats:
    """Return the expected squared error, summed over all values, of each range: (K,) -> (K,).

    The error is integrated exactly over each bin: the rounding error inside the range,
    (x - bound)^2 outside.
    """
    base, step = (side[:, None] for side in represent(low, high, levels))
    areas = _integrate(density.edges[None, :], base, step, levels.steps)
    offset, nearest = _place(density.points[None, :], base, step, levels.steps)
    points = (offset - nearest * step) ** 2
    return np.diff(areas, axis=1) @ density.weights + points @ density.repeats


def _place(x: Floats, base: Floats, step: Floats, steps: int) -> tuple[Floats, Floats]:
    """Return (x - base, the nearest of the levels 0..steps)."""
    offset = x - base
    nearest = np.rint(np.divide(offset, step, out=np.zeros_like(offset), where=step > 0))
    return offset, np.clip(nearest, 0, steps)


def _integrate(x: Floats, base: Floats, step: Floats, steps: int) -> Floats:
    """Return the integral from `base` to x of the squared error of quantising to base + k step.

    Each level stands for step^3 / 12; the way from the nearest level, r, for r^3 / 3. Outside the
    range that way begins at its end, and the last half step inside it has been counted.
    """
    offset, nearest = _place(x, base, step, steps)
    return nearest * step**3 / 12 + (offset - nearest * step) ** 3 / 3


def without_zeros(statistics: TensorStatistics) -> NDArray[np.int64]:
    """Return the histogram's counts less the exact zeros, which every type holds exactly."""
    histogram = statistics.histogram
    if not statistics.zeros:
        return histogram.counts
    counts = histogram.counts.copy()
    counts[histogram.place(0.0)] -= statistics.zeros
    return counts


def clipped_share(statistics: TensorStatistics, kept: Range) -> float:
    """Return the share of values outside a range, 0 to 1; of a bin that it cuts, in proportion."""
    histogram = statistics.histogram
    inside = float(np.diff(cumulate(histogram, np.array([kept.low, kept.high])))[0])
    if kept.low <= statistics.low:
        inside += float(cumulate(histogram, np.array([kept.low]))[0])
    if kept.high >= statistics.high:
        inside += histogram.total - float(cumulate(histogram, np.array([kept.high]))[0])
    return min(1.0, max(0.0, 1 - inside / histogram.total))


def cumulate(histogram: Histogram, x: Floats) -> Floats:
    """Return how many values lie below each x, (K,), spread evenly within their bins."""
    below = np.concatenate([[0], np.cumsum(histogram.counts)]).astype(np.float64)
    return np.interp(x, histogram.edges, below)
