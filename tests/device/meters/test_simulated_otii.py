"""The simulated Otii server against literal lines of its protocol."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.support.meters.faults import Faults
from tests.support.meters.otii import DEVICE, Otii, serving
from tests.support.meters.signals import constant, square

ON_CHANNEL = {"device_id": DEVICE, "recording_id": 1, "channel": "mc"}


def _ask(server: Otii, command: str, **data: Any) -> dict[str, Any]:
    request = {"type": "request", "cmd": command, "data": data, "trans_id": "7"}
    answer = server.answer(json.dumps(request).encode())
    assert answer.endswith(b"\r\n")
    found: dict[str, Any] = json.loads(answer.split(b"\r\n")[-2])
    assert found["trans_id"] == "7"
    return found


def _record(server: Otii) -> None:
    project = _ask(server, "otii_create_project")["data"]["project_id"]
    _ask(server, "arc_add_to_project", device_id=DEVICE)
    _ask(server, "arc_set_main_voltage", device_id=DEVICE, value=3.0)
    _ask(server, "arc_enable_channel", device_id=DEVICE, channel="mc", enable=True)
    _ask(server, "arc_set_main", device_id=DEVICE, enable=True)
    for command in ("project_start_recording", "project_stop_recording"):
        assert _ask(server, command, project_id=project)["type"] == "response"


def test_a_request_and_its_response_are_json_lines():
    server = Otii(constant(0, 1))
    answer = server.answer(b'{"type":"request","cmd":"otii_create_project","trans_id":"1"}')
    expected = {"type": "response", "cmd": "otii_create_project", "data": {"project_id": 1},
                "trans_id": "1"}  # fmt: skip
    assert answer == json.dumps(expected).encode() + b"\r\n"


def test_devices_are_listed_as_the_documentation_shows():
    devices = _ask(Otii(constant(0, 1)), "otii_get_devices", timeout=10)["data"]["devices"]
    assert devices == [{"device_id": DEVICE, "name": "Arc 1", "type": "Arc"}]


def test_statistics_and_samples_of_a_known_current():
    server = Otii(square(0.001, 0.003, 0.5, 2))
    _record(server)
    span = {**ON_CHANNEL, "from": 0.25, "to": 1.0}
    found = _ask(server, "recording_get_channel_statistics", **span)["data"]
    assert found["charge"] == pytest.approx(0.25 * 0.003 * 2 + 0.25 * 0.001, rel=1e-6)
    assert found["energy"] == pytest.approx(3 * found["charge"])
    assert _ask(server, "recording_get_channel_data_count", **ON_CHANNEL)["data"]["count"] == 4000
    part = _ask(server, "recording_get_channel_data", **ON_CHANNEL, index=999, count=2)["data"]
    assert part["timestamp"] == pytest.approx(999 / 4000)
    assert part["interval"] == 0.00025
    assert part["values"] == pytest.approx([0.001, 0.003], rel=1e-6)


def test_progress_comes_before_an_answer_with_samples():
    server = Otii(constant(0, 1))
    _record(server)
    data = {**ON_CHANNEL, "index": 0, "count": 1}
    request = {"type": "request", "cmd": "recording_get_channel_data", "data": data}
    lines = server.answer(json.dumps(request).encode()).split(b"\r\n")
    assert [json.loads(line)["type"] for line in lines[:-1]] == ["progress", "progress", "response"]


@pytest.mark.parametrize(
    ("command", "data", "code"),
    [
        ("otii_reboot", {}, "Invalid command"),
        ("arc_set_main", {"device_id": DEVICE}, "Missing key in request"),
        ("arc_set_main", {"device_id": DEVICE, "enable": 1}, "Invalid key type"),
        ("arc_set_main", {"device_id": "Arc0", "enable": True}, "Device not connected"),
        ("arc_set_main_voltage", {"device_id": DEVICE, "value": 99}, "Invalid key value"),
        ("project_start_recording", {"project_id": 4}, "Project does not exist"),
    ],
)
def test_errors_have_their_code(command: str, data: dict[str, Any], code: str):
    answer = _ask(Otii(constant(0, 1)), command, **data)
    assert (answer["type"], answer["errorcode"]) == ("error", code)


def test_a_line_that_is_not_json_is_an_error():
    assert b"Not able to parse request" in Otii(constant(0, 1)).answer(b"hello")


def test_login_then_license_may_be_needed():
    server = Otii(constant(0, 1), needs=frozenset({"login", "license"}))
    assert _ask(server, "otii_create_project")["errorcode"] == "Not logged in"
    wrong = _ask(server, "otii_login", username="ann", password="x")
    assert wrong["errorcode"] == "Could not login"
    _ask(server, "otii_login", username="ann", password="secret")
    assert _ask(server, "otii_create_project")["errorcode"] == "No license"
    first = _ask(server, "otii_get_licenses")["data"]["licenses"][0]
    _ask(server, "otii_reserve_license", license_id=first["id"])
    assert _ask(server, "otii_create_project")["type"] == "response"


def test_the_server_greets_and_hangs_up_when_told():
    with serving(Otii(constant(0, 1), Faults(unplug_after=180))) as port:
        client = socket.create_connection(("127.0.0.1", port), 5)
        with client, client.makefile("rwb") as lines:
            greeting = lines.readline()
            assert json.loads(greeting)["info"] == "connected"
            lines.write(b'{"type":"request","cmd":"otii_create_project","trans_id":"1"}\r\n')
            lines.flush()
            assert len(greeting + lines.read()) == 180
