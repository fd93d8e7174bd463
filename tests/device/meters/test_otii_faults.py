"""The Otii's driver against the simulated server: exact energy, and every fault told."""

from __future__ import annotations

import contextlib
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.otii_client import DATA_S
from edgeq.device.meters.table import open_meter
from edgeq.device.meters.trace import Trace
from tests.support.meters.faults import Faults, Span
from tests.support.meters.kits import Kit, Rig, otii_arc, record
from tests.support.meters.otii import Otii
from tests.support.meters.signals import bursts, constant
from tests.support.texts import edited
from tests.support.wires import open_handles

KIT = Kit("otii", otii_arc, 4000, 3.0)
RATE = 4000
SIGNAL = bursts(3e-6, 7e-3, sleep_s=2.0, active_s=5.0, count=3)
"""23 s: 92,000 samples, more than two answers hold."""
COUNT = round(SIGNAL.end_s * RATE)


@given(
    st.lists(st.tuples(st.integers(1, COUNT - 2000), st.integers(1, 1500)), min_size=1, max_size=4)
)
@settings(max_examples=6, deadline=None)
def test_every_gap_is_flagged_where_it_is(places: list[tuple[int, int]]):
    lost = tuple(Span(*place) for place in sorted(places))
    trace = record(KIT, SIGNAL, Faults(lost=lost))
    kept = np.flatnonzero(Faults(lost=lost).kept(0, COUNT))
    assert np.array_equal(np.rint(trace.time_s * RATE).astype(int), kept)
    assert trace.lost_samples == COUNT - len(kept)
    assert energy_between(trace, 0, SIGNAL.end_s).lost == COUNT - len(kept)


def test_a_current_at_the_limit_is_clipped():
    # 0.5 A is where the supply cuts off if nothing else is said.
    trace = record(KIT, bursts(1e-3, 0.5, sleep_s=0.1, active_s=0.3, count=1))
    assert trace.clipped_samples == round(0.3 * RATE)


def test_inputs_and_texts_are_marks():
    chosen = "voltage=3.0,inputs=i1+i2,uart=115200"
    edges = {"i1": [(1.0, True), (2.5, False)], "i2": [(3.0, True)]}
    lines = [(0.5, "window 0 begin"), (1.5, "\x1b[2Jwindow 0 end\r")]
    trace = record(KIT, SIGNAL, settings=chosen, edges=edges, lines=lines)
    found = [(mark.time_s, mark.channel, mark.edge) for mark in trace.marks]
    assert found == [
        (0.5, "window 0 begin", "marker"), (1.0, "i1", "rising"),
        (1.5, "[2Jwindow 0 end", "marker"), (2.5, "i1", "falling"), (3.0, "i2", "rising"),
    ]  # fmt: skip


def test_progress_messages_change_nothing():
    quiet, chatty = (record(KIT, constant(1e-3, 1.0), progress=n) for n in (0, 50))
    assert np.array_equal(quiet.current_a, chatty.current_a)


@pytest.fixture
def _ann(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTII_USERNAME", "ann")
    monkeypatch.setenv("OTII_PASSWORD", "secret")


@pytest.mark.usefixtures("_ann")
@pytest.mark.parametrize("needs", [{"login", "license"}, {"license"}], ids=["both", "licence"])
def test_login_and_licence_are_taken_and_given_back(needs: set[str]):
    with otii_arc(constant(1e-3, 0.5), needs=frozenset(needs)) as rig:
        meter = open_meter(rig.spec)
        meter.start()
        trace = meter.stop()
        meter.close()
        assert not rig.device.main
        assert not rig.device.licensed
        assert not rig.device.logged_in
    assert len(trace.time_s) == 2000


@pytest.mark.usefixtures("_ann")
def test_login_and_licence_are_given_back_where_there_is_no_device():
    with otii_arc(SIGNAL, needs=frozenset({"login", "license"}), devices=0) as rig:
        with pytest.raises(DeviceError, match="no device"):
            open_meter(rig.spec)
        assert not rig.device.licensed
        assert not rig.device.logged_in


@pytest.mark.parametrize(
    ("user", "code"), [(None, "Not logged in"), (("ann", "wrong"), "Could not login")]
)
def test_who_may_not_log_in_is_told(
    monkeypatch: pytest.MonkeyPatch, user: tuple[str, str] | None, code: str
):
    for name in ("OTII_USERNAME", "OTII_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    if user:
        monkeypatch.setenv("OTII_USERNAME", user[0])
        monkeypatch.setenv("OTII_PASSWORD", user[1])
    with otii_arc(SIGNAL, needs=frozenset({"login"})) as rig:
        with pytest.raises(DeviceError, match=code) as caught:
            open_meter(rig.spec)
        assert "OTII_PASSWORD" in (caught.value.hint or "")
        assert "wrong" not in caught.value.cause


@pytest.mark.parametrize("devices", [0, 2])
def test_no_device_or_more_than_one_is_a_device_error(devices: int):
    with otii_arc(SIGNAL, devices=devices) as rig, pytest.raises(DeviceError, match="device"):
        open_meter(rig.spec)


def _try(rig: Rig) -> Trace | None:
    """Record, and return the trace; None where a DeviceError told what is wrong."""
    with contextlib.ExitStack() as stack:
        try:
            meter = open_meter(rig.spec)
            stack.callback(meter.close)
            meter.start()
            stopped = time.monotonic()
            trace = meter.stop()
        except DeviceError as error:
            told: str | None = error.cause
            trace = None
        else:
            told = trace.fault
            assert time.monotonic() - stopped < DATA_S
        assert (told or "").isprintable()
        return trace


@pytest.mark.parametrize("after", [1, 200, 900, 1700, 2100, 2500, 100_000, 900_000])
def test_a_connection_that_breaks_keeps_what_came(after: int):
    handles = open_handles()
    with otii_arc(SIGNAL, Faults(unplug_after=after)) as rig:
        trace = _try(rig)
    assert open_handles() == handles
    if trace is None:
        assert after < 3000
        return
    assert trace.fault is not None
    whole = record(KIT, SIGNAL)
    assert np.array_equal(trace.current_a, whole.current_a[: len(trace.current_a)])


@pytest.mark.parametrize("after", range(1, 22, 2))
def test_an_arc_that_is_unplugged_from_its_server_is_told(after: int):
    with otii_arc(constant(1e-3, 1.0), device_lost_after=after) as rig:
        trace = _try(rig)
    assert trace is None or trace.fault is not None or len(trace.time_s) == RATE


DATA = "recording_get_channel_data"


def _line(**data: object) -> bytes:
    return json.dumps({"type": "response", "trans_id": "@", "data": data}).encode() + b"\r\n"


ANALOG = {"data_type": "analog", "timestamp": 0.0, "interval": 0.00025, "values": [1.0] * 9}
HOSTILE: dict[str, tuple[str, bytes]] = {
    "no JSON": ("otii_get_devices", b"<html>\x1b[2J</html>\r\n"),
    "not an object": ("otii_get_devices", b"[1, 2]\r\n"),
    "deeply nested": ("otii_get_devices", b"[" * 200_000 + b"\r\n"),
    "no devices": ("otii_get_devices", _line()),
    "a list of numbers": ("otii_get_devices", _line(devices=[1, 2])),
    "a project that is a text": ("otii_get_active_project", _line(project_id="\x1b[2J")),
    "an id beyond any integer": ("otii_get_active_project", _line(project_id=10**400)),
    "not UTF-8": ("otii_create_project", b'{"type":"\xff\xfe"}\r\n'),
    "a count beyond reason": (DATA + "_count", _line(count=10**18)),
    "a negative count": (DATA + "_count", _line(count=-5)),
    "an interval of nothing": (DATA, _line(**{**ANALOG, "interval": 0.0})),
    "time that runs backwards": (DATA, _line(**{**ANALOG, "interval": -1.0})),
    "time that is no number": (DATA, _line(**{**ANALOG, "timestamp": "NaN"})),
    "values that are no numbers": (DATA, _line(**{**ANALOG, "values": ["1", None]})),
    "huge values": (DATA, edited(_line(**ANALOG), b"1.0", b"1e999")),
    "values beyond any board": (DATA, edited(_line(**ANALOG), b"1.0", b"1e300")),
    "not-a-number values": (DATA, edited(_line(**ANALOG), b"1.0", b"NaN")),
}


@pytest.mark.parametrize("case", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_answer_is_told(case: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch):
    command, raw = case
    with otii_arc(constant(1e-3, 1.0)) as rig:
        _answer_raw(rig.device, command, raw, monkeypatch)
        trace = _try(rig)
    if trace is not None:
        assert np.isfinite(trace.power_w).all()
        assert np.isfinite(trace.time_s).all()
        assert trace.fault is not None or trace.clipped_samples
        assert (trace.fault or "").isprintable()


def _answer_raw(server: Otii, command: str, raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server answer a command with raw bytes that carry the request's own number."""
    answer = server.answer

    def answer_raw(line: bytes) -> bytes:
        request = json.loads(line)
        if request["cmd"] == command:
            return raw.replace(b'"@"', json.dumps(request["trans_id"]).encode())
        return answer(line)

    monkeypatch.setattr(server, "answer", answer_raw)


def test_an_endless_line_is_refused_within_bounds(monkeypatch: pytest.MonkeyPatch):
    with otii_arc(SIGNAL) as rig:
        _answer_raw(rig.device, "otii_get_devices", b"[" * 40_000_000, monkeypatch)
        with pytest.raises(DeviceError, match="not understood"):
            open_meter(rig.spec)


def test_a_server_that_falls_silent_is_a_device_error():
    with otii_arc(SIGNAL, Faults(silent_after=3)) as rig:
        started = time.monotonic()
        with pytest.raises(DeviceError, match="does not answer"):
            open_meter(rig.spec)
        assert time.monotonic() - started < 20


def test_a_port_where_nobody_listens_is_a_device_error():
    with otii_arc(SIGNAL) as rig:
        spec = rig.spec
    with pytest.raises(DeviceError):
        open_meter(spec)
