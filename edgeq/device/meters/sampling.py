"""From samples to marks and gaps: edges of digital channels, holes in time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from edgeq.device.meters.integration import HOLE_PERIODS
from edgeq.device.meters.trace import Edge, Floats, Gap, Mark

# A channel that is not wired may toggle at each sample: no more of its edges are kept.
MAX_EDGES = 100_000
EDGES: dict[bool, Edge] = {True: "rising", False: "falling"}


def find_edges(channel: str, levels: npt.NDArray[np.bool_], time_s: Floats) -> list[Mark]:
    """Return a mark for each sample whose level differs from the one before it, the first 100,000.

    An edge lies between two samples: its uncertainty is the time between them.
    """
    found = np.flatnonzero(levels[1:] != levels[:-1])[:MAX_EDGES] + 1
    return [
        Mark(float(time_s[i]), channel, EDGES[bool(levels[i])], float(time_s[i] - time_s[i - 1]))
        for i in found
    ]


def edges_left_out(groups: Iterable[list[Mark]]) -> list[str]:
    """Return a warning for each channel with more edges than are kept."""
    return [
        f"{group[0].channel} has more than {MAX_EDGES:,} edges, the rest is left out: is it wired?"
        for group in groups
        if len(group) >= MAX_EDGES
    ]


def sort_marks(*marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return all marks by time."""
    return tuple(sorted((m for group in marks for m in group), key=lambda mark: mark.time_s))


def find_gaps(time_s: Floats, period_s: float) -> tuple[Gap, ...]:
    """Return a gap for each hole between samples that stand too far apart."""
    holes = np.flatnonzero(np.diff(time_s) > HOLE_PERIODS * period_s)
    spans = ((float(time_s[i]) + period_s, float(time_s[i + 1])) for i in holes)
    return tuple(Gap(a, b, max(1, round((b - a) / period_s))) for a, b in spans)
