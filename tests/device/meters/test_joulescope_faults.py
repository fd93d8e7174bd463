"""The Joulescope's driver against the simulated instrument: every fault told."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.recorder import SILENT_S
from edgeq.device.meters.table import open_meter
from tests.support.meters.faults import Faults, Span
from tests.support.meters.kits import Kit, joulescope_js220, record
from tests.support.meters.signals import bursts

KIT = Kit("joulescope", joulescope_js220, 100_000, 3.0)
RATE = 100_000
SIGNAL = bursts(3e-6, 7e-3, sleep_s=0.02, active_s=0.03, count=3)
COUNT = round(SIGNAL.end_s * RATE)
STOP_S = 2.0
PLACES = st.lists(
    st.tuples(st.integers(1, COUNT - 600), st.integers(1, 500)), min_size=1, max_size=4
)


def _lost(places: list[tuple[int, int]]) -> tuple[tuple[Span, ...], np.ndarray]:
    spans = tuple(Span(*place) for place in sorted(places))
    return spans, np.flatnonzero(Faults(lost=spans).kept(0, COUNT))


@given(PLACES)
@settings(max_examples=8, deadline=None)
def test_every_gap_is_flagged_where_it_is(places: list[tuple[int, int]]):
    spans, kept = _lost(places)
    trace = record(KIT, SIGNAL, Faults(lost=spans))
    index = np.rint(trace.time_s * RATE).astype(int)
    assert np.array_equal(index[index < COUNT], kept)
    assert trace.lost_samples == COUNT - len(kept)


@given(PLACES)
@settings(max_examples=4, deadline=None)
def test_samples_that_are_no_numbers_are_lost_ones(places: list[tuple[int, int]]):
    spans, kept = _lost(places)
    trace = record(KIT, SIGNAL, not_a_number=spans)
    assert trace.lost_samples == COUNT - len(kept)
    assert np.isfinite(trace.power_w).all()


def test_clipped_samples_are_flagged():
    trace = record(KIT, SIGNAL, Faults(clipped=(Span(300, 4), Span(9000, 1))))
    assert np.flatnonzero(trace.clipped).tolist() == [300, 301, 302, 303, 9000]


def test_an_input_marks_its_edges_within_a_sample():
    trace = record(KIT, SIGNAL, gates={0: [(0.0123, 0.0456)]})
    found = [(mark.channel, mark.edge) for mark in trace.marks]
    assert found == [("gpi0", "rising"), ("gpi0", "falling")]
    for mark, truth in zip(trace.marks, (0.0123, 0.0456), strict=True):
        assert abs(mark.time_s - truth) <= mark.uncertainty_s <= 2.1e-5


@pytest.mark.parametrize("rate", [1_000_000, 10_000])
@pytest.mark.parametrize("model", ["js110", "js220"])
def test_other_rates_and_models_give_the_same_energy(model: str, rate: int):
    trace = record(KIT, SIGNAL, settings=f",rate={rate}", model=model)
    truth = 3 * SIGNAL.charge_c(0, SIGNAL.end_s)
    assert energy_between(trace, 0, SIGNAL.end_s).energy_j == pytest.approx(truth, rel=1e-3)


def test_an_unplugged_instrument_keeps_what_it_sent():
    with joulescope_js220(SIGNAL, unplug_after_s=0.08) as rig:
        meter = open_meter(rig.spec)
        meter.start()
        assert rig.ended.wait(10)
        stopped = time.monotonic()
        trace = meter.stop()
        assert time.monotonic() - stopped < STOP_S
        meter.close()
        assert rig.device.open_handles == 0
    assert trace.fault is not None
    assert "unplugged" in trace.fault
    assert len(trace.time_s) == round(0.08 * RATE)


def test_a_silent_instrument_is_a_fault():
    with joulescope_js220(SIGNAL, Faults(silent_after=5000)) as rig:
        meter = open_meter(rig.spec)
        meter.start()
        assert rig.ended.wait(10)
        time.sleep(SILENT_S + 1)
        trace = meter.stop()
        meter.close()
    assert trace.fault is not None
    assert len(trace.time_s) == 5000


def test_an_instrument_in_use_is_a_device_error():
    with joulescope_js220(SIGNAL) as rig:
        first = open_meter(rig.spec)
        with pytest.raises(DeviceError, match="IN_USE"):
            open_meter(rig.spec)
        first.close()
        open_meter(rig.spec).close()
        assert rig.device.open_handles == 0


def test_an_instrument_that_is_not_there_is_a_device_error():
    with joulescope_js220(SIGNAL) as rig, pytest.raises(DeviceError, match="999999"):
        open_meter(rig.spec + ":999999")
