"""Energy between two moments: what a sum of rectangles by hand gives, gaps and clips counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import UsageError
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.trace import Gap, Trace

PERIOD = 0.25  # a power of two: sums are exact


def make_trace(
    power: list[float], *, missing: frozenset[int] = frozenset(), declared: bool = True
) -> Trace:
    """Return a trace at 2 V; the samples of `missing` are lost, each in a gap of its own."""
    kept = [i for i in range(len(power)) if i not in missing]
    watts = np.array([power[i] for i in kept])
    runs = sorted(i for i in missing if i - 1 not in missing)
    gaps = []
    for first in runs if declared else ():
        last = next(i for i in range(first, len(power) + 1) if i not in missing)
        gaps.append(Gap(first * PERIOD, last * PERIOD, last - first))
    return Trace(
        "test", PERIOD, 2.0, np.array(kept) * PERIOD, watts / 2, watts,
        np.zeros(len(kept), np.bool_), tuple(gaps),
    )  # fmt: skip


def test_whole_samples_add_up() -> None:
    energy, charge, lost, clipped = energy_between(make_trace([1.0, 3.0, 5.0]), 0.0, 0.75)
    assert (energy, charge, lost, clipped) == (2.25, 1.125, 0, 0)


def test_the_samples_at_both_ends_count_by_their_share() -> None:
    found = energy_between(make_trace([4.0, 8.0, 16.0]), 0.125, 0.625)
    assert found.energy_j == 4 * 0.125 + 8 * 0.25 + 16 * 0.125


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=40),
    st.floats(0, 1), st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_windows_side_by_side_add_up(power: list[float], a: float, b: float, c: float) -> None:
    trace = make_trace(power)
    first, middle, last = sorted(x * trace.end_s for x in (a, b, c))
    parts = energy_between(trace, first, middle), energy_between(trace, middle, last)
    whole = energy_between(trace, first, last)
    assert parts[0].energy_j + parts[1].energy_j == pytest.approx(whole.energy_j, abs=1e-9)
    by_hand = sum(
        p * max(0.0, min((i + 1) * PERIOD, last) - max(i * PERIOD, first))
        for i, p in enumerate(power)
    )
    assert whole.energy_j == pytest.approx(by_hand, abs=1e-9)
    assert whole.lost == 0


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.booleans())
def test_a_gap_in_a_steady_load_costs_nothing_and_is_counted(
    before: int, gap: int, after: int, declared: bool
) -> None:
    missing = frozenset(range(before, before + gap))
    trace = make_trace([3.0] * (before + gap + after), missing=missing, declared=declared)
    found = energy_between(trace, 0.0, trace.end_s)
    assert found.energy_j == pytest.approx(3.0 * trace.end_s)
    assert found.lost == gap


def test_a_gap_is_bridged_by_both_neighbours() -> None:
    trace = make_trace([2.0, 0.0, 6.0], missing=frozenset({1}))
    assert energy_between(trace, 0.0, 0.75).energy_j == (2 + 4 + 6) * PERIOD
    early = energy_between(trace, 0.25, 0.375)
    assert early.energy_j == pytest.approx((2 + 4 * 0.25) * 0.125)  # a quarter of the way over
    assert early.lost == 1


def test_outside_of_the_recording_nothing_is_assumed() -> None:
    trace = make_trace([1.0, 1.0])
    assert energy_between(trace, 0.0, 1.0) == (0.5, 0.25, 2, 0)
    assert energy_between(trace, 5.0, 6.0) == (0.0, 0.0, 4, 0)
    assert energy_between(make_trace([]), 0.0, 1.0).lost == 4


def test_a_gap_before_the_first_sample_is_counted_once() -> None:
    trace = make_trace([1.0] * 6, missing=frozenset({0, 1}))
    found = energy_between(trace, 0.0, 1.5)
    assert (found.energy_j, found.lost) == (4 * PERIOD, 2)
    assert energy_between(trace, 0.0, 0.25).lost == 1
    assert energy_between(trace, 0.5, 1.5).lost == 0


def test_clipped_samples_of_the_window_are_counted() -> None:
    trace = make_trace([1.0] * 4)
    trace.clipped[1:3] = True
    assert energy_between(trace, 0.0, 1.0).clipped == 2
    assert energy_between(trace, 0.5, 1.0).clipped == 1
    assert energy_between(trace, 0.75, 1.0).clipped == 0


def test_samples_that_come_unevenly_hold_until_the_next() -> None:
    times = np.array([0.0, 0.2, 0.5, 0.8])
    watts = np.array([1.0, 2.0, 3.0, 4.0])
    trace = Trace("test", PERIOD, 1.0, times, watts, watts, np.zeros(4, np.bool_))
    found = energy_between(trace, 0.0, 0.8)
    assert found.energy_j == pytest.approx(0.2 * 1 + 0.3 * 2 + 0.3 * 3)
    assert found.lost == 0


@pytest.mark.parametrize("window", [(1.0, 0.0), (math.nan, 1.0), (0.0, math.inf)])
def test_a_window_that_is_none_is_refused(window: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="no window"):
        energy_between(make_trace([1.0]), *window)
