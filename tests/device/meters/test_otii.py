"""The Otii client and driver, line by line: requests, replies that are none, gaps, markers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.meters.otii import OtiiMeter, OtiiSettings
from edgeq.device.meters.otii_client import OtiiClient, Refused
from tests.device.meters.scripted import ScriptedStream

Answers = dict[str, Any]
ARC = {"device_id": "Arc1", "name": "Arc", "type": "Arc"}
LOST = 7  # the sample that is missing of twenty
VALUES = {"mc": [0.001] * 18 + [0.5], "mv": [3.0, 3.0]}
INTERVAL = {"mc": 0.00025, "mv": 0.002}


def _channel(data: Answers) -> Answers:
    """Answer with entries of a recording of twenty samples, one of them lost."""
    channel, index, count = data["channel"], data["index"], data["count"]
    if channel == "rx":
        return {"data_type": "log", "values": [{"timestamp": 0.002, "value": "m-lap\r\n"}]}
    if channel == "i1":
        return {"data_type": "digital", "values": [{"timestamp": 0.001, "value": True}]}
    late = channel == "mc" and index >= LOST
    return {
        "data_type": "analog", "timestamp": (index + late) * INTERVAL[channel],
        "interval": INTERVAL[channel], "values": VALUES[channel][index : index + count],
    }  # fmt: skip


ANSWERS: dict[str, Callable[[Answers], Answers]] = {
    "otii_get_active_project": lambda _: {"project_id": -1},
    "otii_create_project": lambda _: {"project_id": 4},
    "otii_get_devices": lambda _: {"devices": [ARC]},
    "project_get_last_recording": lambda _: {"recording_id": 9},
    "recording_get_channel_data_count": lambda d: {"count": len(VALUES.get(d["channel"], [1]))},
    "recording_get_channel_data": _channel,
}


def server(**changes: object) -> ScriptedStream:
    """Return a connection to a server; `changes` are other answers, or bytes."""

    def answer(written: bytes) -> Iterator[bytes]:
        request = json.loads(written)
        found = changes.get(request["cmd"], ANSWERS.get(request["cmd"], lambda _: {}))
        if isinstance(found, bytes):
            yield found
            return
        if isinstance(found, str):
            reply = {"type": "error", "errorcode": found, "data": {"message": "why"}}
        else:
            assert callable(found)
            reply = {"type": "response", "data": found(request["data"])}
        text = json.dumps({**reply, "cmd": request["cmd"], "trans_id": request["trans_id"]})
        yield b'{"type":"progress","trans_id":"' + request["trans_id"].encode() + b'"}\r\n'
        yield text.encode()[:5]
        yield text.encode()[5:] + b"\r\n"

    stream = ScriptedStream(answer)
    stream.push(b'{"type":"information","info":"connected","data":{}}\r\n')
    return stream


def commands(stream: ScriptedStream) -> list[str]:
    """Return the commands that were sent."""
    return [json.loads(line)["cmd"] for line in stream.written]


SETTINGS = OtiiSettings(voltage_v=3.0, inputs=("i1",), uart_baud=115200)


def test_a_recording_is_fetched_with_its_gap_its_clip_and_its_marks() -> None:
    stream = server()
    meter = OtiiMeter(OtiiClient(stream), SETTINGS)
    meter.start()
    trace = meter.stop()
    meter.close()
    assert len(trace.time_s) == 19
    assert [(g.samples, g.start_s) for g in trace.gaps] == [(1, pytest.approx(LOST * 0.00025))]
    assert trace.clipped.tolist() == [False] * 18 + [True]
    assert trace.power_w[0] == pytest.approx(0.003)
    found = [(m.channel, m.edge, m.time_s) for m in trace.marks]
    assert found == [("i1", "rising", 0.001), ("m-lap", "marker", 0.002)]
    assert commands(stream)[-1] == "arc_set_main"
    assert stream.closed


@pytest.mark.parametrize(
    ("code", "hint"), [("Not logged in", "OTII_USERNAME"), ("No license", "licence"), ("x", "1905")]
)
def test_who_is_not_let_in_is_told_what_to_do(
    code: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTII_USERNAME", raising=False)
    stream = server(otii_get_active_project=code, otii_get_licenses=lambda _: {"licenses": []})
    with pytest.raises(Refused, match=code) as failure:
        OtiiMeter(OtiiClient(stream), SETTINGS)
    assert hint in failure.value.hint


@pytest.mark.parametrize(
    ("devices", "words"),
    [([], "no device"), ([ARC, {**ARC, "device_id": "Arc2", "name": "B"}], "more than one")],
)
def test_which_device_is_never_guessed(devices: list[Answers], words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        OtiiMeter(OtiiClient(server(otii_get_devices=lambda _: {"devices": devices})), SETTINGS)


@pytest.mark.parametrize(
    "raw",
    [b"hello\r\n", b"[]\r\n", b'{"type":"response","trans_id":"2","data":{"devices":7}}\r\n',
     b"[" * 100_000 + b"\r\n", b'{"type":"error","trans_id":7}\r\n'],
)  # fmt: skip
def test_an_answer_that_is_none_is_an_error(raw: bytes) -> None:
    with pytest.raises(DeviceError, match="not understood"):
        OtiiMeter(OtiiClient(server(otii_get_devices=raw)), SETTINGS)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_answer_ends_in_time(raw: bytes) -> None:
    client = OtiiClient(server(x=raw + b"\r\n"))
    with pytest.raises(DeviceError):
        client.ask("x", dict[str, Any], timeout_s=0.02)


def test_a_server_that_is_lost_leaves_a_fault() -> None:
    stream = server()
    meter = OtiiMeter(OtiiClient(stream), SETTINGS)
    meter.start()
    stream.push(None)
    trace = meter.stop()
    meter.close()
    assert trace.fault is not None
    assert "stays in the Otii application" in trace.fault
