"""A meter that goes away or falls silent in mid-run: what was recorded is kept, nothing leaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from edgeq.core.errors import DeviceError
from edgeq.device.meters import recorder, streamed
from edgeq.device.meters.table import open_meter
from edgeq.device.meters.trace import Trace
from tests.support.meters.faults import Faults
from tests.support.meters.kits import KITS, SERIAL, Kit, Rig, each, record
from tests.support.meters.signals import ramp
from tests.support.wires import child_pids, open_handles

SIGNAL = ramp(1e-3, 9e-3, 1.0)
STOP_S = 2.0
QUICK = ("ppk2", "lpm01a", "ina228")
SLOWLY = [
    pytest.param(after, marks=pytest.mark.slow) for after in (1, 30, 300, 1500, 3000, 5003, 12_000)
]


@pytest.fixture(autouse=True)
def _only_what_still_sends_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop that waits for more than the stream's end takes longer than STOP_S."""
    monkeypatch.setattr(streamed, "END_S", 3 * STOP_S)


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    handles, threads, children = open_handles(), threading.active_count(), set(child_pids())
    yield
    assert open_handles() == handles
    assert threading.active_count() == threads
    assert set(child_pids()) <= children


def _record_until_gone(rig: Rig) -> Trace | None:
    """Record until the meter is gone; None where it went before the recording began."""
    assert rig.plug is not None
    try:
        meter = open_meter(rig.spec)
    except DeviceError:
        return None
    try:
        try:
            meter.start()
        except DeviceError:
            return None
        assert rig.plug.gone.wait(30)
        stopped = time.monotonic()
        trace = meter.stop()
        assert time.monotonic() - stopped < STOP_S
        return trace
    finally:
        meter.close()


@each(SERIAL, quick=QUICK)
@pytest.mark.parametrize("after", [700, 2200, 9001, *SLOWLY])
def test_an_unplugged_meter_keeps_what_it_sent(kit: Kit, after: int):
    with kit.plug_in(SIGNAL, Faults(unplug_after=after)) as rig:
        trace = _record_until_gone(rig)
        sent = rig.device.position
    if trace is None:
        assert after < 3000
        return
    assert trace.fault is not None
    assert trace.fault.isprintable()
    kept = len(trace.time_s)
    # The last block was cut, or lost with the port.
    assert sent - 3 * rig.device.block <= kept <= sent
    whole = record(kit, SIGNAL)
    both = min(kept, len(whole.time_s))
    assert np.array_equal(trace.current_a[:both], whole.current_a[:both])
    assert np.array_equal(trace.time_s[:both], whole.time_s[:both])


@each(SERIAL, quick=QUICK)
def test_a_meter_pulled_by_hand_keeps_what_it_sent(kit: Kit):
    with kit.plug_in(SIGNAL) as rig:
        assert rig.plug is not None
        meter = open_meter(rig.spec)
        meter.start()
        assert rig.ended.wait(30)
        rig.plug.pull()
        assert rig.plug.gone.wait(10)
        trace = meter.stop()
        meter.close()
        meter.close()
    assert trace.fault is not None
    assert trace.end_s >= 0.9


@each(SERIAL, quick=QUICK)
def test_a_meter_that_falls_silent_is_a_fault(kit: Kit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recorder, "SILENT_S", 0.2)
    silent = round(kit.rate_hz / 2)
    with kit.plug_in(SIGNAL, Faults(silent_after=silent)) as rig:
        meter = open_meter(rig.spec)
        meter.start()
        assert rig.ended.wait(30)
        time.sleep(1.0)
        stopped = time.monotonic()
        trace = meter.stop()
        assert time.monotonic() - stopped < STOP_S
        meter.close()
    assert trace.fault is not None
    assert len(trace.time_s) == silent


@each(SERIAL, quick=QUICK[:1])
def test_a_meter_that_sends_no_sample_is_a_device_error(kit: Kit):
    with kit.plug_in(SIGNAL, Faults(silent_after=0)) as rig, pytest.raises(DeviceError):  # noqa: PT012
        meter = open_meter(rig.spec)
        try:
            meter.start()
        finally:
            meter.close()


@each(KITS, quick=(*QUICK, "otii", "joulescope"))
def test_a_recording_leaves_nothing_open(kit: Kit):
    for _ in range(2):
        trace = record(kit, SIGNAL)
        assert trace.fault is None
