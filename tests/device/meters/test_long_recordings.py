"""A minute at 100,000 samples a second: the memory that it takes is known and bounded."""

from __future__ import annotations

import tracemalloc

import pytest

from edgeq.device.meters.integration import energy_between
from tests.support.meters.kits import KITS, record
from tests.support.meters.signals import bursts

KIT = KITS[0]
BYTES_A_SAMPLE = 70
"""Four on the wire, 25 in the trace (time, amperes, watts, clipped), and the decoding's own."""


@pytest.mark.slow
def test_a_minute_of_samples_stays_within_its_memory():
    signal = bursts(3e-6, 7e-3, sleep_s=0.1, active_s=0.3, count=149)
    assert signal.end_s > 59
    tracemalloc.start()
    try:
        trace = record(KIT, signal)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(trace.time_s) >= round(signal.end_s * 100_000)
    assert (trace.gaps, trace.clipped_samples, trace.fault) == ((), 0, None)
    truth = 3 * signal.charge_c(0, signal.end_s)
    assert energy_between(trace, 0, signal.end_s).energy_j == pytest.approx(truth, rel=1e-3)
    assert peak < BYTES_A_SAMPLE * len(trace.time_s)
