"""Energy records from simulated meters, wire to result: right joules, each fault in the result."""

from __future__ import annotations

import dataclasses
import time

import pytest

from edgeq.bench.energy import measure_energy
from edgeq.core.records import EnergyRecord
from tests.support.meters.faults import CLEAN, Faults, Span
from tests.support.meters.kits import KITS, record_from
from tests.support.meters.signals import bursts
from tests.support.traces import markers

KIT = KITS[0]
SLEEP_S, ACTIVE_S, WINDOWS, INFERENCES = 0.02, 0.04, 6, 10
SIGNAL = bursts(2e-3, 7e-3, sleep_s=SLEEP_S, active_s=ACTIVE_S, count=WINDOWS)
BEGINS = [SLEEP_S + i * (SLEEP_S + ACTIVE_S) for i in range(WINDOWS)]
GATES = {0: [(begin, begin + ACTIVE_S) for begin in BEGINS]}
TRUTH_J = 3.0 * SIGNAL.charge_c(BEGINS[0], BEGINS[0] + ACTIVE_S) / INFERENCES


def _measure(faults: Faults = CLEAN, silent_s: float = 0.0) -> EnergyRecord:
    """Return the energy of a recording, with the markers that a benchmark would have set."""
    with KIT.plug_in(SIGNAL, faults, gates=GATES) as rig:
        trace = record_from(rig, lambda _: rig.ended.wait(30) and time.sleep(silent_s))
    margin = SLEEP_S / 4
    idle = [(margin, SLEEP_S - margin), (SIGNAL.end_s - SLEEP_S + margin, SIGNAL.end_s - margin)]
    windows = [(begin - margin, begin + ACTIVE_S + margin) for begin in BEGINS]
    marks = [*trace.marks, *markers("idle", idle), *markers("window", windows)]
    trace = dataclasses.replace(trace, marks=tuple(sorted(marks, key=lambda mark: mark.time_s)))
    return measure_energy(trace, "d0", inferences=INFERENCES)


def test_a_clean_recording_gives_the_energy_within_a_thousandth() -> None:
    found = _measure()
    assert len(found.windows) == WINDOWS
    assert found.per_inference_j == pytest.approx(TRUTH_J, rel=1e-3)
    assert found.idle_w == pytest.approx(3.0 * 2e-3, rel=1e-3)
    net = TRUTH_J - 3.0 * 2e-3 * ACTIVE_S / INFERENCES
    assert found.net_per_inference_j == pytest.approx(net, rel=1e-3)
    assert found.meter is not None
    assert (found.meter.lost_samples, found.meter.clipped_samples, found.meter.gaps) == (0, 0, 0)
    assert found.complete


@pytest.mark.parametrize("at_s", [BEGINS[2] - 1e-4, BEGINS[2] + 0.01, BEGINS[2] + ACTIVE_S - 1e-4])
def test_a_gap_at_or_in_a_window_is_in_the_result(at_s: float) -> None:
    found = _measure(Faults(lost=(Span(round(at_s * 1e5), 37),)))
    assert found.meter is not None
    assert (found.meter.gaps, found.meter.lost_samples) == (1, 37)
    assert found.windows[2].lost_samples > 0
    assert any("window 2 lost" in warning for warning in found.warnings)
    assert found.per_inference_j == pytest.approx(TRUTH_J, rel=1e-3)


def test_a_clip_in_a_window_is_in_the_result() -> None:
    found = _measure(Faults(clipped=(Span(round((BEGINS[1] + 0.01) * 1e5), 5),)))
    assert found.windows[1].clipped_samples == 5
    assert any("5 samples of the windows are clipped" in warning for warning in found.warnings)


def test_a_wandering_baseline_is_in_the_result() -> None:
    found = _measure(Faults(drift_a_per_s=5e-3))
    assert any("baseline drift" in warning for warning in found.warnings)


def test_a_recording_that_was_cut_short_is_incomplete() -> None:
    found = _measure(Faults(silent_after=round((BEGINS[4] + 0.01) * 1e5)), 1.1)
    assert not found.complete
    assert len(found.windows) == 4
    assert found.per_inference_j == pytest.approx(TRUTH_J, rel=1e-3)
