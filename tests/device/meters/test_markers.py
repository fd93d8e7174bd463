"""Markers of the host on a meter whose clock runs fast or slow: within their uncertainty."""

from __future__ import annotations

import time

import pytest

from edgeq.device.meters.trace import Meter
from tests.support.meters.faults import Faults
from tests.support.meters.kits import TIMED, Kit, each, record_from
from tests.support.meters.signals import constant

SECONDS = 2.0
MARKS = 12


@each(TIMED, quick=("ppk2", "ina228", "joulescope"))
@pytest.mark.parametrize("ppm", [-100, pytest.param(0, marks=pytest.mark.slow), 100])
def test_a_marker_is_within_its_uncertainty_of_the_truth(kit: Kit, ppm: float):
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
    marks = [found for found in trace.marks if found.edge == "marker"]
    assert [found.channel for found in marks] == [f"window {i} begin" for i in range(MARKS)]
    for found, (before, after) in zip(marks, moments, strict=True):
        # The meter's seconds at the moment: its clock is fast by so many ppm.
        first, last = ((moment - started) * (1 + ppm * 1e-6) for moment in (before, after))
        assert first - found.uncertainty_s <= found.time_s <= last + found.uncertainty_s
        assert found.uncertainty_s < SECONDS / 2


@each(TIMED, quick=("ppk2", "ina228", "joulescope"))
def test_a_moment_noted_earlier_has_its_own_uncertainty(kit: Kit):
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
    assert abs(found.time_s - truth) <= found.uncertainty_s
