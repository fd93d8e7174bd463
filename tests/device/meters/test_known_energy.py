"""Energy of currents of known integral, through each meter's own wire format."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgeq.device.meters.integration import energy_between
from tests.support.meters.kits import KITS, Kit, each, record
from tests.support.meters.ppk2 import Calibration
from tests.support.meters.signals import Signal, bursts, constant, pieces, ramp, square

SIGNALS: dict[str, Signal] = {
    "constant": constant(20.01e-3, 1.0),
    "ramp": ramp(2e-3, 42e-3, 1.0),
    "square": square(4e-3, 30e-3, 0.1, 10),
    "bursts": bursts(2e-3, 25e-3, sleep_s=0.1, active_s=0.3, count=2),
    "sleep and one burst": pieces([(0.4, 30e-6, 30e-6), (0.2, 40e-3, 40e-3), (0.4, 30e-6, 30e-6)]),
}
HALF_STEP_A = {
    # The ADC's step in the range up to 60 mA: 1.8 V / 163840 * 4 / 0.9525 ohm.
    "ppk2": Calibration().step_a(3) / 2,
    # Four digits of joules: 1e-7 J from 0.1 mJ up, over 3 V and a millisecond.
    "lpm01a": 1e-7 / (3.0 * 1e-3) / 2,
    # 1.6 A / 2^15.
    "ina219": 1.6 / 2**15 / 2,
    "ina226": 1.6 / 2**15 / 2,
    # Its charge register counts 1.6 / 2^19 C, over 2.5 ms.
    "ina228": 1.6 / 2**19 / 2.5e-3 / 2,
    # A microampere: six decimals; the register's step is 10 A / 2^19.
    "ina_series": 10 / 2**19 / 2 + 0.5e-6,
    # Single-precision numbers.
    "otii": 42e-3 * 2**-25,
    "joulescope": 42e-3 * 2**-25,
}
"""Half a step of what each wire can say at 10 to 50 mA, in A: how far a single sample is off."""


@each(KITS, quick=("ppk2", "lpm01a", "ina228", "otii", "joulescope"))
@pytest.mark.parametrize("signal", SIGNALS.values(), ids=list(SIGNALS))
def test_the_energy_of_a_clean_trace_is_within_a_thousandth(kit: Kit, signal: Signal):
    trace = record(kit, signal)
    found = energy_between(trace, 0, signal.end_s)
    charge = signal.charge_c(0, signal.end_s)
    assert found.energy_j == pytest.approx(kit.voltage_v * charge, rel=1e-3)
    assert found.charge_c == pytest.approx(charge, rel=1e-3)
    assert (found.lost, found.clipped) == (0, 0)
    assert (trace.gaps, trace.clipped_samples, trace.fault) == ((), 0, None)


@each(KITS)
def test_windows_between_samples_add_up_to_the_whole(kit: Kit):
    """Windows of 137 ms, not multiples of any sample, cut bursts apart."""
    signal = SIGNALS["bursts"]
    trace = record(kit, signal)
    edges = np.arange(0.0, signal.end_s, 0.137)
    parts = [energy_between(trace, a, b).energy_j for a, b in itertools.pairwise(edges)]
    whole = energy_between(trace, 0, float(edges[-1])).energy_j
    assert sum(parts) == pytest.approx(whole, rel=1e-9)
    for (start, end), part in zip(itertools.pairwise(edges), parts, strict=True):
        # Within a sample the trace knows no more than the mean: that much at both ends.
        truth = kit.voltage_v * signal.charge_c(start, end)
        assert part == pytest.approx(truth, rel=1e-3, abs=kit.voltage_v * 35e-3 / kit.rate_hz)


@each(KITS)
def test_each_sample_is_as_exact_as_the_wire_allows(kit: Kit):
    signal = SIGNALS["ramp"]
    trace = record(kit, signal)
    count = int(0.9 * kit.rate_hz)
    first = int(0.3 * kit.rate_hz)
    means = signal.means(np.append(trace.time_s, trace.time_s[-1] + trace.period_s))
    off = np.abs(trace.current_a - means)[first:count]
    # The simulated meters pass a sample's rounding on to the next: twice half a step at most.
    assert off.max() <= 2.02 * HALF_STEP_A[kit.name]
    assert np.abs(np.mean((trace.current_a - means)[first:count])) <= HALF_STEP_A[kit.name] / 10
