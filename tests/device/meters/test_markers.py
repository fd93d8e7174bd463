"""Markers of the host on a meter whose clock runs fast or slow: within their uncertainty.

In real time, on a computer that may be busy: what is allowed follows from how late samples came.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from edgeq.device.meters import ina, joulescope, lpm01a, ppk2
from edgeq.device.meters.clock import MAX_SKEW, TRANSPORT_S, HostClock, fit_clock
from edgeq.device.meters.trace import Floats, Meter
from tests.support.meters.faults import Faults
from tests.support.meters.kits import TIMED, Kit, Rig, each, record_from
from tests.support.meters.signals import constant

SECONDS = 2.0
MARKS = 12


@dataclass
class Arrivals:
    """What a meter's clock was fitted to: its time at the end of each chunk, and the host's."""

    meter_s: Floats = field(default_factory=lambda: np.zeros(0))
    host_s: Floats = field(default_factory=lambda: np.zeros(0))

    def fit(self, meter_s: Floats, host_s: Floats) -> HostClock:
        """Fit the clock and remember to what."""
        self.meter_s, self.host_s = meter_s, host_s
        return fit_clock(meter_s, host_s)

    def delays_s(self, rig: Rig, ppm: float) -> Floats:
        """Return how late each chunk came, which the host cannot know; shape (n,)."""
        return self.host_s - rig.device.started_at - self.meter_s / (1 + ppm * 1e-6)


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> Arrivals:
    """Watch the fit of any meter's clock."""
    seen = Arrivals()
    for module in (ina, joulescope, lpm01a, ppk2):
        monkeypatch.setattr(module, "fit_clock", seen.fit)
    return seen


@each(TIMED, quick=("ppk2", "ina228", "joulescope"))
@pytest.mark.parametrize("ppm", [-100, pytest.param(0, marks=pytest.mark.slow), 100])
def test_a_marker_is_within_its_uncertainty_of_the_truth(kit: Kit, ppm: float, arrivals: Arrivals):
    moments: list[tuple[float, float]] = []

    def mark(meter: Meter) -> None:
        for index in range(MARKS):
            time.sleep(SECONDS * 0.9 / MARKS)
            before = time.monotonic()
            meter.mark(f"window {index} begin")
            moments.append((before, time.monotonic()))

    with kit.plug_in(constant(1e-3, SECONDS), Faults(clock_ppm=ppm), realtime=True) as rig:
        trace = record_from(rig, mark)
        started = rig.device.started_at
    delays = arrivals.delays_s(rig, ppm)
    marks = [found for found in trace.marks if found.edge == "marker"]
    assert [found.channel for found in marks] == [f"window {i} begin" for i in range(MARKS)]
    # Two clocks may seem to run apart by as much as is believed, over the recording.
    most = np.ptp(delays) + MAX_SKEW * trace.end_s + TRANSPORT_S + trace.period_s
    for found, (before, after) in zip(marks, moments, strict=True):
        # The meter's seconds at the moment: its clock is fast by so many ppm.
        first, last = ((moment - started) * (1 + ppm * 1e-6) for moment in (before, after))
        # No host knows by how much all of the samples came late.
        reach = found.uncertainty_s + delays.min()
        assert first - reach <= found.time_s <= last + reach
        assert found.uncertainty_s <= most


@each(TIMED, quick=("ppk2", "ina228", "joulescope"))
def test_a_moment_noted_earlier_has_its_own_uncertainty(kit: Kit, arrivals: Arrivals):
    noted: list[float] = []

    def mark(meter: Meter) -> None:
        moment = time.monotonic()
        time.sleep(0.3)
        meter.mark("idle 0 begin", at_s=moment, uncertainty_s=0.05)
        noted.append(moment)

    with kit.plug_in(constant(1e-3, 0.5), realtime=True) as rig:
        (found,) = record_from(rig, mark).marks
        truth = noted[0] - rig.device.started_at
    assert found.uncertainty_s > 0.05
    assert abs(found.time_s - truth) <= found.uncertainty_s + arrivals.delays_s(rig, 0).min()
