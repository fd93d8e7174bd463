"""An Otii server with one Arc: JSON objects over TCP, each ended by CR LF."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.support.meters.faults import CLEAN, NEVER, Faults
from tests.support.meters.signals import Signal

Message = dict[str, Any]
DEVICE = "Arc12345678912345678912345678900001"
RATES = {"mc": 4000, "mp": 4000, "mv": 1000}
"""Samples a second of an Arc's channels."""
FREE = {"otii_is_logged_in", "otii_login", "otii_logout"}
LICENSING = FREE | {"otii_get_licenses", "otii_reserve_license", "otii_return_license",
                    "otii_has_license"}  # fmt: skip


class Refused(Exception):
    """A request is answered with an error: its code and data."""

    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code)
        self.code, self.data = code, data


class HungUp(Exception):
    """The connection is gone."""


@dataclass
class Otii:
    """The server. `edges`: input (i1, i2) -> (second, level); `lines`: (second, text) of the UART.

    `needs`: what a client has to do first, of "login" and "license". `user` is who may log in.
    `progress`: how many progress messages come before each answer that carries samples.
    `device_lost_after`: requests after which the Arc is unplugged from the server.
    `raw`: bytes that a command is answered with instead. With `realtime` a recording is as long
    as it took, else as long as the signal.
    """

    signal: Signal
    faults: Faults = CLEAN
    realtime: bool = False
    edges: Mapping[str, Sequence[tuple[float, bool]]] = field(default_factory=dict)
    lines: Sequence[tuple[float, str]] = ()
    needs: frozenset[str] = frozenset()
    user: tuple[str, str] = ("ann", "secret")
    devices: int = 1
    progress: int = 2
    device_lost_after: int = NEVER
    raw: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.requests: list[Message] = []
        self.voltage_v = 3.3
        self.main = False
        self.channels: set[str] = set()
        self.logged_in = self.licensed = False
        self.project = -1
        self.started_at = self.stopped_at = 0.0
        self.recordings = 0
        self.running = False
        self._known: dict[object, np.ndarray] = {}

    def answer(self, line: bytes) -> bytes:
        """Return what the server says to a line: progress, then a response or an error."""
        try:
            request = json.loads(line)
        except ValueError as error:
            data = {"parse_error": str(error), "data": repr(line)}
            return _encode({"type": "error", "errorcode": "Not able to parse request",
                            "cmd": "", "data": data})  # fmt: skip
        self.requests.append(request)
        command, sign = request.get("cmd", ""), {"trans_id": request.get("trans_id", "")}
        if command in self.raw:
            return self.raw[command]
        try:
            data = self._obey(command, request.get("data", {}))
        except Refused as refused:
            return _encode({"type": "error", "cmd": command, "errorcode": refused.code,
                            "data": refused.data, **sign})  # fmt: skip
        steps = self.progress if "values" in data else 0
        told = [
            _encode({"type": "progress", "cmd": command, "progress_value": step / steps, **sign})
            for step in range(steps)
        ]
        return b"".join(told) + _encode({"type": "response", "cmd": command, "data": data, **sign})

    def _obey(self, command: str, data: Message) -> Message:
        if command not in COMMANDS:
            raise Refused("Invalid command")
        if "login" in self.needs and not self.logged_in and command not in FREE:
            raise Refused("Not logged in")
        if "license" in self.needs and not self.licensed and command not in LICENSING:
            raise Refused("No license")
        keys, act = COMMANDS[command]
        for key, kinds in keys.items():
            if key not in data:
                raise Refused("Missing key in request", key=key)
            if not isinstance(data[key], kinds) or isinstance(data[key], bool) > (kinds is bool):
                raise Refused("Invalid key type", key=key, expected_type=str(kinds),
                              received_type=type(data[key]).__name__)  # fmt: skip
        is_lost = len(self.requests) > self.device_lost_after
        if "device_id" in keys and (data["device_id"] != DEVICE or is_lost):
            raise Refused("Device not connected", device_id=data["device_id"])
        if "project_id" in keys and (data["project_id"] != self.project or self.project < 0):
            raise Refused("Project does not exist")
        return act(self, data) or {}

    # What the server holds.

    def _login(self, data: Message) -> None:
        if (data["username"], data["password"]) != self.user:
            raise Refused("Could not login")
        self.logged_in = True

    def _reserve(self, data: Message) -> None:
        if data["license_id"] != 1234:
            raise Refused("License could not be reserved")
        self.licensed = True

    def _give_back(self, _: Message) -> None:
        self.licensed = False

    def _logout(self, _: Message) -> None:
        self.logged_in = self.licensed = False

    def _licenses(self, _: Message) -> Message:
        owner = self.user[0] if self.licensed else ""
        return {"licenses": [{"id": 1234, "type": "Automation", "available": True,
                              "reserved_to": owner, "hostname": ""}]}  # fmt: skip

    def _list(self, _: Message) -> Message:
        device = {"device_id": DEVICE, "name": "Arc I", "type": "Arc"}
        return {"devices": [device | {"name": f"Arc {n + 1}"} for n in range(self.devices)]}

    def _create(self, _: Message) -> Message:
        self.project = 1
        return {"project_id": 1}

    def _set_voltage(self, data: Message) -> None:
        if not 0.5 <= data["value"] <= 5.0:
            raise Refused("Invalid key value", key="value", value=data["value"])
        self.voltage_v = float(data["value"])

    def _enable(self, data: Message) -> None:
        if data["channel"] not in {*RATES, "rx", "i1", "i2"}:
            raise Refused("Invalid key value", key="channel", value=data["channel"])
        (self.channels.add if data["enable"] else self.channels.discard)(data["channel"])

    def _switch(self, data: Message) -> None:
        self.main = data["enable"]

    def _start(self, _: Message) -> None:
        self.running, self.started_at = True, time.monotonic()
        self.recordings += 1

    def _stop(self, _: Message) -> None:
        if not self.running:
            raise Refused("Command failure", message="no recording is running")
        self.running, self.stopped_at = False, time.monotonic()

    def _last(self, _: Message) -> Message:
        if not self.recordings:
            return {"recording_id": -1}
        return {"recording_id": self.recordings, "name": f"Recording {self.recordings}",
                "start-time": "2024-01-01T00:00:00.000Z"}  # fmt: skip

    # A recording.

    @property
    def duration_s(self) -> float:
        """The length of the recording, s."""
        end = time.monotonic() if self.running else self.stopped_at
        return end - self.started_at if self.realtime else self.signal.end_s

    def values(self, channel: str) -> np.ndarray:
        """Return the samples of mc (A), mp (W) or mv (V); they are single-precision numbers."""
        count = int(self.duration_s * RATES[channel] + 1e-6)
        key = (channel, count, self.main, self.voltage_v)
        if key not in self._known:
            self._known[key] = self._sample(channel, count)
        return self._known[key]

    def _sample(self, channel: str, count: int) -> np.ndarray:
        if channel == "mv":
            return np.full(count, np.float32(self.voltage_v))
        current = self.faults.seen(self.signal, 0, count, RATES[channel])
        current = current[self.faults.kept(0, count)] * self.main
        return (current * (self.voltage_v if channel == "mp" else 1.0)).astype(np.float32)

    def _entries(self, channel: str) -> list[Message]:
        events: Sequence[tuple[float, object]] = (
            self.lines if channel == "rx" else self.edges.get(channel, ())
        )
        return [{"timestamp": t, "value": value} for t, value in events if t <= self.duration_s]

    def _recorded(self, data: Message) -> str:
        channel: str = data["channel"]
        if data["recording_id"] != self.recordings or channel not in self.channels:
            raise Refused("Command failure", message=f"no data in channel {channel}")
        return channel

    def _count(self, data: Message) -> Message:
        channel = self._recorded(data)
        known = self.values(channel) if channel in RATES else self._entries(channel)
        return {"count": len(known)}

    def _info(self, data: Message) -> Message:
        channel = self._recorded(data)
        return {"offset": 0.0, "from": 0.0, "to": self.duration_s,
                "sample_rate": RATES.get(channel, 0)}  # fmt: skip

    def _data(self, data: Message) -> Message:
        channel = self._recorded(data)
        part = slice(data["index"], data["index"] + data["count"])
        if channel not in RATES:
            kind = "log" if channel == "rx" else "digital"
            return {"data_type": kind, "values": self._entries(channel)[part]}
        rate = RATES[channel]
        times = np.flatnonzero(self.faults.kept(0, int(self.duration_s * rate + 1e-6))) / rate
        first = float(times[part][0]) if len(times[part]) else 0.0
        return {"data_type": "analog", "timestamp": first, "interval": 1 / rate,
                "values": self.values(channel)[part].astype(float).tolist()}  # fmt: skip

    def _statistics(self, data: Message) -> Message:
        channel = self._recorded(data)
        rate = RATES[channel]
        low, high = (round(data[key] * rate) for key in ("from", "to"))
        part = self.values(channel)[low:high].astype(float)
        if len(part) == 0:
            raise Refused("Command failure", message="empty selection")
        found = {"min": part.min(), "max": part.max(), "average": part.mean()}
        if channel == "mc":
            found["energy"] = part.sum() / rate * self.voltage_v
            found["charge"] = part.sum() / rate
        return {key: float(value) for key, value in found.items()}


_ON_DEVICE = {"device_id": str}
_ON_CHANNEL = {"device_id": str, "recording_id": int, "channel": str}
_NUMBER = (int, float)
Action = Callable[[Otii, Message], "Message | None"]
COMMANDS: dict[str, tuple[Mapping[str, Any], Action]] = {
    "otii_is_logged_in": ({}, lambda s, _: {"logged_in": s.logged_in}),
    "otii_login": ({"username": str, "password": str}, Otii._login),
    "otii_logout": ({}, Otii._logout),
    "otii_get_licenses": ({}, Otii._licenses),
    "otii_has_license": ({"license_type": str}, lambda s, _: {"has_license": s.licensed}),
    "otii_reserve_license": ({"license_id": int}, Otii._reserve),
    "otii_return_license": ({"license_id": int}, Otii._give_back),
    "otii_get_devices": ({"timeout": _NUMBER}, Otii._list),
    "otii_get_active_project": ({}, lambda s, _: {"project_id": s.project}),
    "otii_create_project": ({}, Otii._create),
    "otii_set_all_main": ({"enable": bool}, Otii._switch),
    "arc_add_to_project": (_ON_DEVICE, lambda s, _: None),
    "arc_is_connected": (_ON_DEVICE, lambda s, _: {"connected": True}),
    "arc_set_main_voltage": ({**_ON_DEVICE, "value": _NUMBER}, Otii._set_voltage),
    "arc_get_main_voltage": (_ON_DEVICE, lambda s, _: {"value": s.voltage_v}),
    "arc_set_max_current": ({**_ON_DEVICE, "value": _NUMBER}, lambda s, _: None),
    "arc_set_exp_voltage": ({**_ON_DEVICE, "value": _NUMBER}, lambda s, _: None),
    "arc_set_uart_baudrate": ({**_ON_DEVICE, "value": _NUMBER}, lambda s, _: None),
    "arc_enable_uart": ({**_ON_DEVICE, "enable": bool}, lambda s, _: None),
    "arc_enable_exp_port": ({**_ON_DEVICE, "enable": bool}, lambda s, _: None),
    "arc_set_range": ({**_ON_DEVICE, "range": str}, lambda s, _: None),
    "arc_enable_channel": ({**_ON_DEVICE, "channel": str, "enable": bool}, Otii._enable),
    "arc_get_channel_samplerate": (
        {**_ON_DEVICE, "channel": str}, lambda s, data: {"value": RATES[data["channel"]]},
    ),
    "arc_set_main": ({**_ON_DEVICE, "enable": bool}, Otii._switch),
    "project_start_recording": ({"project_id": int}, Otii._start),
    "project_stop_recording": ({"project_id": int}, Otii._stop),
    "project_get_last_recording": ({"project_id": int}, Otii._last),
    "recording_is_running": ({"recording_id": int}, lambda s, _: {"running": s.running}),
    "recording_delete": ({"recording_id": int}, lambda s, _: None),
    "recording_get_channel_data_count": (_ON_CHANNEL, Otii._count),
    "recording_get_channel_info": (_ON_CHANNEL, Otii._info),
    "recording_get_channel_data": ({**_ON_CHANNEL, "index": int, "count": int}, Otii._data),
    "recording_get_channel_statistics": (
        {**_ON_CHANNEL, "from": _NUMBER, "to": _NUMBER}, Otii._statistics,
    ),
}  # fmt: skip
"""Every command: the keys that its data must have, and what it does."""
GREETING: Message = {
    "type": "information",
    "info": "connected",
    "data": {"otii_version": "3.5.5", "protocol_version": "0.1", "server": "otii-server"},
}


@contextmanager
def serving(server: Otii) -> Iterator[int]:
    """Yield the port of the server. Clients are served one after another."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    clients.append(client)
                    with client, contextlib.suppress(HungUp, OSError):
                        _talk(server, client)

        thread = threading.Thread(target=serve, name="simulated Otii server")
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            for end in (listener, *clients):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            assert not thread.is_alive()


def _talk(server: Otii, client: socket.socket) -> None:
    left = server.faults.unplug_after

    def send(data: bytes) -> None:
        nonlocal left
        client.sendall(data[:left])
        left -= len(data)
        if left <= 0:
            raise HungUp

    greeting = server.raw.get("", _encode(GREETING))
    send(greeting)
    heard = b""
    while data := client.recv(65536):
        *lines, heard = (heard + data).split(b"\r\n")
        for line in lines:
            if len(server.requests) < server.faults.silent_after:
                send(server.answer(line))


def _encode(message: Message) -> bytes:
    return json.dumps(message).encode() + b"\r\n"
