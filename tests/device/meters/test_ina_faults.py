"""The INA bridges' driver against the simulated bridges: every fault told."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.table import open_meter
from edgeq.device.meters.trace import Trace
from tests.support.meters.faults import Faults, Span
from tests.support.meters.ina_bridge import frame
from tests.support.meters.kits import Kit, await_command, ina_bridge, ina_series, named, record
from tests.support.meters.signals import bursts, constant

OWN, SERIES = named("ina228"), named("ina_series")
BOTH = pytest.mark.parametrize("kit", [OWN, SERIES], ids=["own", "jsonl"])
RATE = 400
SIGNAL = bursts(10e-3, 0.7, sleep_s=0.4, active_s=0.9, count=2)
COUNT = round(SIGNAL.end_s * RATE)


def _index(trace: Trace) -> np.ndarray:
    """Return each sample's place, from its time and the loop's lateness."""
    return np.floor(trace.time_s * RATE + 0.5).astype(int)


@BOTH
@given(
    places=st.lists(
        st.tuples(st.integers(1, COUNT - 60), st.integers(1, 50)), min_size=1, max_size=4
    )
)
@settings(max_examples=3, deadline=None)
def test_every_gap_is_flagged_where_it_is(kit: Kit, places: list[tuple[int, int]]):
    spans = tuple(Span(*place) for place in sorted(places))
    kept = np.flatnonzero(Faults(lost=spans).kept(0, COUNT))
    trace = record(kit, SIGNAL, Faults(lost=spans))
    found = _index(trace)
    assert np.array_equal(found[found < COUNT], kept)
    assert trace.lost_samples == COUNT - len(kept)
    assert energy_between(trace, 0, SIGNAL.end_s).lost == COUNT - len(kept)


@BOTH
def test_clipped_samples_are_flagged(kit: Kit):
    trace = record(kit, SIGNAL, Faults(clipped=(Span(300, 4), Span(700, 1))))
    assert _index(trace)[trace.clipped].tolist() == [300, 301, 302, 303, 700]


def test_a_current_beyond_the_shunts_range_is_clipped():
    # 81.92 mV over 0.1 ohm is 0.8192 A; 0.3 s are 120 samples.
    trace = record(named("ina226"), bursts(0.1, 0.9, sleep_s=0.5, active_s=0.3, count=1))
    assert trace.clipped_samples == pytest.approx(120, abs=2)


@BOTH
@given(cuts=st.dictionaries(st.integers(5, COUNT - 5), st.integers(1, 12), min_size=1, max_size=3))
@settings(max_examples=3, deadline=None)
def test_half_a_line_is_a_gap(kit: Kit, cuts: dict[int, int]):
    trace = record(kit, SIGNAL, Faults(cut_bytes=cuts))
    assert trace.lost_samples >= 1
    assert trace.current_a.max() < 1.0


GARBAGE = {
    "an endless line": b"7" * 3_000_000,
    "escapes": b"\x1b]0;owned\x07\x1b[2J\n",
    "zeros": b"\0" * 100_000 + b"\n",
    "numbers beyond any board": frame("s,7,99999999999999999999,1,99999999999999,5,5")
    + b'{"v":1,"chip":"INA228","seq":7,"t_ms":1e300,"bus_V":1e300,"current_A":1e300,'
    b'"power_W":NaN}\r\n',
    "not a number": frame("s,nan,inf,-,1e5,,")
    + b'{"v":1,"chip":"INA228","seq":"x","t_ms":null,"bus_V":[],"current_A":NaN}\r\n',
    "deeply nested": b"[" * 100_000 + b"\n",
}


@BOTH
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=list(GARBAGE))
def test_garbage_gives_finite_numbers_and_keeps_the_rest(kit: Kit, garbage: bytes):
    signal = constant(0.1, 1.0)
    trace = record(kit, signal, Faults(garbage={200: garbage}))
    assert np.isfinite(trace.power_w).all()
    assert (np.diff(trace.time_s) > 0).all()
    assert len(trace.time_s) < 2000
    found = energy_between(trace, 0, 1.0)
    is_right = found.energy_j == pytest.approx(3.3 * 0.1, rel=1e-3)
    assert is_right or trace.gaps or trace.warnings or trace.fault or trace.clipped_samples
    assert all(text.isprintable() for text in (*trace.warnings, trace.fault or ""))


def test_the_gate_marks_its_edges():
    moments = [(0.4003, 1.2997), (1.7001, 2.5999)]
    trace = record(OWN, SIGNAL, gate=moments)
    found = [(mark.channel, mark.edge) for mark in trace.marks]
    assert found == [("gate", "rising"), ("gate", "falling")] * 2
    for mark, truth in zip(trace.marks, np.ravel(moments), strict=True):
        assert abs(mark.time_s - truth) <= mark.uncertainty_s <= 0.01


def test_edges_that_the_bridge_missed_are_told():
    trace = record(OWN, SIGNAL, gate=[(0.4, 0.5)], missed=3)
    assert any("edge" in warning for warning in trace.warnings)


def test_a_clock_that_is_fast_makes_no_gaps():
    for kit in (OWN, SERIES):
        trace = record(kit, SIGNAL, Faults(clock_ppm=100))
        assert trace.gaps == ()


HELLO = {
    "no INA": frame("#ina-bridge,1,none,0,0,0,0,2500"),
    "another version": frame("#ina-bridge,9,INA228,3051758,195312500,1600000,1,2500"),
    "a wrong sum": b"#ina-bridge,1,INA228,3051758,195312500,1600000,1,2500*00\n",
    "too few fields": frame("#ina-bridge,1,INA228"),
    "no numbers": frame("#ina-bridge,1,INA228,x,nan,inf,\x1b[2J,2500"),
    "no steps": frame("#ina-bridge,1,INA228,0,0,0,1,0"),
    "numbers beyond any board": frame(f"#ina-bridge,1,INA228,{10**400},1,1,1,1"),
}
SILENT = {"nothing": b"", "chatter": b"hello world\r\n" * 10_000}


@pytest.mark.parametrize(
    "hello",
    [
        *(pytest.param(hello, id=name) for name, hello in HELLO.items()),
        *(pytest.param(hello, id=name, marks=pytest.mark.slow) for name, hello in SILENT.items()),
    ],
)
def test_what_is_no_bridge_is_a_device_error(hello: bytes):
    with ina_bridge(SIGNAL, hello=hello) as rig:
        started = time.monotonic()
        with pytest.raises(DeviceError) as caught:
            open_meter(rig.spec)
        assert caught.value.cause.isprintable()
        assert time.monotonic() - started < 20


def test_the_bridges_are_started_and_stopped_as_their_protocols_say():
    with ina_bridge(SIGNAL) as rig:
        meter = open_meter(rig.spec)
        meter.start()
        meter.stop()
        meter.close()
        assert {"HELLO", "PERIOD 2500", "START"} <= set(await_command(rig, "STOP"))
    with ina_series(SIGNAL) as rig:
        meter = open_meter(rig.spec)
        meter.start()
        meter.stop()
        meter.close()
        assert {"SR 400", "START"} <= set(await_command(rig, "STOP"))
