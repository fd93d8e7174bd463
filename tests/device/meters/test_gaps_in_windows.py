"""A window of the energy tells of each gap that it touches, and of no other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.sampling import find_gaps
from edgeq.device.meters.trace import Trace
from tests.support.meters.faults import Faults, Span

COUNT = 400
PERIOD_S = 1e-5
SPANS = st.lists(
    st.tuples(st.integers(0, 39), st.integers(1, 8), st.integers(1, 9)),
    max_size=6,
    unique_by=lambda s: s[0],
)
"""Gaps in different tenths of the recording: at sample 10 a + b, c samples of it, never all ten."""


def _trace(lost: tuple[Span, ...]) -> Trace:
    kept = Faults(lost=lost).kept(0, COUNT)
    time_s = np.flatnonzero(kept) * PERIOD_S
    return Trace(
        meter="Test Meter", period_s=PERIOD_S, voltage_v=1.0, time_s=time_s,
        current_a=np.ones(len(time_s)), power_w=np.ones(len(time_s)),
        clipped=np.zeros(len(time_s), np.bool_), gaps=find_gaps(time_s, PERIOD_S),
    )  # fmt: skip


@given(SPANS, st.integers(0, 4 * COUNT), st.integers(1, 4 * COUNT))
def test_a_window_loses_what_the_gaps_in_it_lost(
    places: list[tuple[int, int, int]], start: int, length: int
) -> None:
    """The window's ends are on quarters of a sample; the recording may end before it does."""
    lost = tuple(Span(10 * a + b, min(c, 10 - b)) for a, b, c in sorted(places))
    first, last = start / 4, (start + length) / 4
    found = energy_between(_trace(lost), first * PERIOD_S, last * PERIOD_S)
    end = COUNT - (lost[-1].count if lost and lost[-1].end == COUNT else 0)
    inside = [min(last, s.end, end) - max(first, s.first) for s in lost]
    outside = max(0.0, last - max(first, end))
    expected = sum(i for i in inside if i > 0) + outside
    assert expected - 0.76 <= found.lost <= expected + len(lost) + 0.51
    assert bool(found.lost) == bool(expected > 0.5) or expected <= 0.5


@given(SPANS)
def test_each_gap_between_two_samples_is_one_gap(places: list[tuple[int, int, int]]) -> None:
    lost = tuple(Span(10 * a + b, min(c, 10 - b)) for a, b, c in sorted(places))
    found = [(round(gap.start_s / PERIOD_S), gap.samples) for gap in _trace(lost).gaps]
    assert found == [(span.first, span.count) for span in lost if span.end < COUNT]
