"""Qoitech Otii Arc and Ace through the Otii server (TCP port 1905).

The recording is kept by the Otii application; it is fetched when it is stopped.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np

from edgeq.core.errors import DeviceError, UsageError, one_line
from edgeq.device.meters.clock import TRANSPORT_S, HostClock, HostMarks, place_marks
from edgeq.device.meters.otii_client import DATA_S, OtiiClient
from edgeq.device.meters.recorder import LIMIT_BYTES
from edgeq.device.meters.sampling import EDGES, find_gaps, sort_marks
from edgeq.device.meters.trace import Floats, Mark, Trace

PART = 40_000
MAX_SAMPLES = LIMIT_BYTES // 8
# Questions for where in a part samples were lost, at most: an answer costs a round trip.
MAX_QUESTIONS = 2000
INPUT_S, UART_S = 1e-3, 1e-3
MAX_TEXT = 100


@dataclass(frozen=True, slots=True)
class OtiiSettings:
    """How the Otii is set. `inputs` are i1 and i2; `uart_baud` 0 leaves its UART alone."""

    voltage_v: float
    max_current_a: float = 0.5
    inputs: tuple[str, ...] = ()
    uart_baud: int = 0
    device: str = ""


class Device(msgspec.Struct):
    """A device of the server."""

    device_id: str
    name: str = ""
    type: str = ""


class Devices(msgspec.Struct):
    """The answer to otii_get_devices."""

    devices: list[Device]


class Project(msgspec.Struct):
    """The answer to otii_get_active_project and otii_create_project."""

    project_id: int


class Recorded(msgspec.Struct):
    """The answer to project_get_last_recording."""

    recording_id: int


class Count(msgspec.Struct):
    """The answer to recording_get_channel_data_count."""

    count: int


class Analog(msgspec.Struct):
    """Samples of a channel: the first at `timestamp` seconds, one each `interval`."""

    values: list[float]
    interval: float
    timestamp: float = 0.0


class Entry(msgspec.Struct):
    """An edge of an input, or a text that the board sent."""

    timestamp: float
    value: bool | str


class Entries(msgspec.Struct):
    """Entries of a channel."""

    values: list[Entry]


class Series(NamedTuple):
    """Samples and their times, each of shape (n,); `fault` where not all could be fetched."""

    time_s: Floats
    values: Floats
    interval_s: float
    fault: str | None


class OtiiMeter(HostMarks):
    """An Otii with its main supply switched on."""

    gates: tuple[str, ...]

    def __init__(self, client: OtiiClient, settings: OtiiSettings) -> None:
        """Choose the device, set voltage and channels, switch its supply on.

        Raises:
            DeviceError: the server, a licence or the device is missing.
        """
        super().__init__()
        self._client, self._settings = client, settings
        self._begun: tuple[float, float] | None = None
        try:
            client.enter()
            self._device = self._choose()
            self.name = f"Qoitech Otii {self._device.type}".strip()
            self.gates = (*settings.inputs, *(("rx",) if settings.uart_baud else ()))
            project = client.ask("otii_get_active_project", Project).project_id
            if project < 0:
                project = client.ask("otii_create_project", Project).project_id
            self._project = project
            self._set_up()
        except BaseException:
            client.close()
            raise

    def start(self) -> None:
        """Begin a recording in the application's project."""
        self._noted = []
        before = time.monotonic()
        self._client.tell("project_start_recording", project_id=self._project)
        self._begun = before, time.monotonic()

    def stop(self) -> Trace:
        """End the recording and fetch it; what cannot be fetched stays with the application."""
        if self._begun is None:
            raise UsageError(f"{self.name} was not started", hint="call start() before stop()")
        begun, self._begun = self._begun, None
        stopped = time.monotonic()
        fault: str | None = None
        try:
            self._client.tell("project_stop_recording", project_id=self._project)
        except DeviceError as error:
            fault = error.cause
        try:
            last = self._client.ask(
                "project_get_last_recording", Recorded, project_id=self._project
            )
            return self._fetch(last.recording_id, begun, stopped, fault)
        except DeviceError as error:
            nothing = np.zeros(0)
            series = Series(nothing, nothing, 1 / 4000, None)
            return self._trace(series, nothing, None, (), fault or error.cause)

    def close(self) -> None:
        """Switch the supply off, give licence and connection back. May be called twice."""
        with contextlib.suppress(DeviceError):
            if self._begun is not None:
                self._client.tell("project_stop_recording", project_id=self._project)
            self._begun = None
            self._tell("arc_set_main", enable=False)
        self._client.close()

    def _choose(self) -> Device:
        wanted = self._settings.device
        found = self._client.ask("otii_get_devices", Devices, timeout_s=15.0, timeout=10).devices
        named = [d for d in found if not wanted or wanted in (d.device_id, d.name)]
        if len(named) == 1:
            return named[0]
        names = one_line(", ".join(d.name or d.device_id for d in found))[:300]
        if not named:
            what = f"no device {wanted!r}" if wanted else "no device"
            raise DeviceError(
                f"the Otii server has {what}{f', but {names}' if names else ''}",
                hint="plug the Otii in; does the Otii application see it?",
            )
        raise DeviceError(
            f"the Otii server has more than one device: {names}", hint="choose one: device=NAME"
        )

    def _set_up(self) -> None:
        """Set voltage, inputs and channels, and switch the supply on."""
        settings = self._settings
        self._tell("arc_add_to_project")
        self._tell("arc_set_main_voltage", value=settings.voltage_v)
        self._tell("arc_set_max_current", value=settings.max_current_a)
        if settings.inputs or settings.uart_baud:
            self._tell("arc_set_exp_voltage", value=settings.voltage_v)
            self._tell("arc_enable_exp_port", enable=True)
        if settings.uart_baud:
            self._tell("arc_set_uart_baudrate", value=settings.uart_baud)
            self._tell("arc_enable_uart", enable=True)
        for channel in ("mc", "mv", *self.gates):
            self._tell("arc_enable_channel", channel=channel, enable=True)
        self._tell("arc_set_main", enable=True)

    def _tell(self, command: str, **data: Any) -> None:
        self._client.tell(command, device_id=self._device.device_id, **data)

    def _fetch(
        self, recording: int, begun: tuple[float, float], stopped: float, fault: str | None
    ) -> Trace:
        """Return the trace of a recording on the server."""
        reader = _Reader(self._client, recording, self._device.device_id)
        current = reader.series("mc")
        fault = fault or current.fault
        if fault is None and not len(current.values):
            fault = "the Otii server's recording holds no sample"
        volts = np.full(len(current.values), self._settings.voltage_v)
        marks: list[Mark] = []
        if fault is None:
            try:
                voltage = reader.series("mv")
                fault = voltage.fault
                if len(voltage.values):
                    at = np.searchsorted(voltage.time_s, current.time_s, side="right") - 1
                    volts = voltage.values[np.maximum(at, 0)]
                for channel in self.gates:
                    marks += reader.marks(channel)
            except DeviceError as error:
                fault = error.cause
        clock = None
        if len(current.time_s):
            # The recording began while the server was asked for it, and ended when it was stopped.
            length = float(current.time_s[-1]) + current.interval_s
            slack = (begun[1] - begun[0]) / 2
            late = abs((stopped - sum(begun) / 2) - length)
            clock = HostClock(sum(begun) / 2, 1.0, slack + late + TRANSPORT_S)
        return self._trace(current, volts, clock, marks, fault)

    def _trace(
        self, current: Series, volts: Floats, clock: HostClock | None,
        marks: Iterable[Mark], fault: str | None,
    ) -> Trace:  # fmt: skip
        period = current.interval_s
        if fault is not None:
            fault += "; the recording stays in the Otii application"
        return Trace(
            meter=self.name, period_s=period,
            voltage_v=float(volts.mean()) if len(volts) else self._settings.voltage_v,
            time_s=current.time_s, current_a=current.values, power_w=current.values * volts,
            clipped=current.values >= 0.999 * self._settings.max_current_a,
            gaps=find_gaps(current.time_s, period),
            marks=sort_marks(marks, place_marks(clock, self._noted, period)), fault=fault,
        )  # fmt: skip


class _Reader:
    """Reads channels of one recording."""

    def __init__(self, client: OtiiClient, recording: int, device: str) -> None:
        self._client = client
        self._where: dict[str, Any] = {"recording_id": recording, "device_id": device}
        self._questions = 0

    def series(self, channel: str) -> Series:
        """Return the samples of an analog channel; parts that could be fetched, with a fault."""
        wanted = self._count(channel)
        total = min(wanted, MAX_SAMPLES)
        starts: list[Floats] = []
        values: list[Floats] = []
        interval, fault = 1.0, None
        try:
            for index in range(0, total, PART):
                part = self._part(channel, index, min(PART, total - index))
                if not (part.interval > 0 and len(part.values)):
                    break
                interval = part.interval
                starts.append(self._times(channel, index, part))
                values.append(np.array(part.values, np.float64))
        except DeviceError as error:
            fault = error.cause
        got = sum(map(len, values))
        if got < wanted:
            fault = fault or f"the Otii server gave {got} of {wanted} samples"
        if not values:
            return Series(np.zeros(0), np.zeros(0), 1 / 4000, fault)
        time_s = np.concatenate(starts)
        # A server whose times do not rise cannot be believed about them.
        if np.any(np.diff(time_s) <= 0) or not np.isfinite(time_s).all() or time_s[0] < 0:
            time_s = np.arange(len(time_s), dtype=np.float64) * interval
            fault = fault or "the Otii server's times do not rise"
        return Series(time_s, np.concatenate(values), interval, fault)

    def marks(self, channel: str) -> list[Mark]:
        """Return the edges of an input, or the texts of the UART: the text is the channel."""
        count = min(self._count(channel), PART)
        found = self._client.ask(
            "recording_get_channel_data", Entries, timeout_s=DATA_S, channel=channel, index=0,
            count=count, **self._where,
        ).values  # fmt: skip
        marks = []
        for entry in found:
            if isinstance(entry.value, bool):
                marks.append(Mark(entry.timestamp, channel, EDGES[entry.value], INPUT_S))
            else:
                text = "".join(c for c in entry.value if c.isprintable()).strip()[:MAX_TEXT]
                marks.append(Mark(entry.timestamp, text, "marker", UART_S))
        return marks

    def _count(self, channel: str) -> int:
        command = "recording_get_channel_data_count"
        return max(0, self._client.ask(command, Count, channel=channel, **self._where).count)

    def _part(self, channel: str, index: int, count: int) -> Analog:
        part = self._client.ask(
            "recording_get_channel_data", Analog, timeout_s=DATA_S, channel=channel, index=index,
            count=count, **self._where,
        )  # fmt: skip
        del part.values[count:]
        return part

    def _times(self, channel: str, index: int, part: Analog) -> Floats:
        """Return the time of each sample of a part, shape (n,).

        Where the part's last sample is later than its place says, samples are missing inside:
        halves are asked for until it is known where.
        """
        count = len(part.values)
        times = part.timestamp + np.arange(count, dtype=np.float64) * part.interval
        known = [(0, part.timestamp), (count - 1, self._time_of(channel, index + count - 1))]
        while known[1:]:
            (low, start), (high, end) = known[0], known[1]
            late = end - start - (high - low) * part.interval
            if abs(late) < part.interval / 2 or high - low < 2:
                times[low + 1 : high] = start + np.arange(1, high - low) * part.interval
                times[high] = end
                known.pop(0)
            else:
                middle = (low + high) // 2
                known.insert(1, (middle, self._time_of(channel, index + middle)))
        return times

    def _time_of(self, channel: str, index: int) -> float:
        self._questions += 1
        if self._questions > MAX_QUESTIONS:
            raise DeviceError("the recording has too many gaps", hint="record again")
        return self._part(channel, index, 1).timestamp
