"""Jetperch Joulescope JS110 and JS220 through `pyjoulescope_driver`, which is optional."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from edgeq.core.errors import DeviceError, UsageError, one_line
from edgeq.device.meters.clock import HostMarks, fit_clock, place_marks
from edgeq.device.meters.recorder import tell_silence
from edgeq.device.meters.sampling import edges_left_out, find_edges, find_gaps, sort_marks
from edgeq.device.meters.trace import Floats, Trace

FIRST_S, LAST_S = 3.0, 0.1
MAX_SAMPLES = 20_000_000
# The end of the greatest range, and of the voltage input: user's guide, JS110 and JS220.
END_A, END_V = 10.0, 15.0
GPI = tuple(f"gpi{i}" for i in range(4))
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "js220": {"s/i/range/mode": "auto", "s/v/range/mode": "auto"},
    "js110": {"s/i/range/select": "auto"},
}
Ints = npt.NDArray[np.int64]
T = TypeVar("T")


class Driver(Protocol):
    """The part of `pyjoulescope_driver.Driver` that is used."""

    def device_paths(self) -> Sequence[str]: ...

    def open(self, device_prefix: str) -> None: ...

    def close(self, device_prefix: str) -> None: ...

    def finalize(self) -> None: ...

    def publish(self, topic: str, value: Any) -> None: ...

    def subscribe(self, topic: str, flags: str, fn: Callable[[str, Any], None]) -> None: ...

    def unsubscribe(self, topic: str, fn: Callable[[str, Any], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class JoulescopeSettings:
    """Samples a second, and the general-purpose inputs that are wired."""

    rate_hz: int = 100_000
    inputs: tuple[str, ...] = GPI[:1]


class Message(NamedTuple):
    """Samples of one signal: the first has this index; `bits` are eight of an input to a byte."""

    first: int
    arrived_s: float
    data: npt.NDArray[Any]


class JoulescopeMeter(HostMarks):
    """A Joulescope that is open."""

    def __init__(self, driver: Driver, path: str, settings: JoulescopeSettings) -> None:
        """Open the instrument and set ranges and rate.

        Raises:
            DeviceError: it is in use, or does not take a setting.
        """
        super().__init__()
        model = next((m for m in SETTINGS if m in path), "js220")
        self.name = f"Joulescope {model.upper()}"
        self.gates = settings.inputs
        self._driver, self._path, self._settings = driver, path, settings
        self._streams = ("s/i", "s/v", *(f"s/gpi/{name[3:]}" for name in settings.inputs))
        self._messages: dict[str, list[Message]] = {}
        self._samples = 0
        self._fault: str | None = None
        self._heard = threading.Event()
        self._running = False
        self._listener = self._listen  # unsubscribing needs the same object
        _call(partial(driver.open, path))
        self._is_open = True
        for topic, value in SETTINGS[model].items():
            self._publish(topic, value)
        self._publish("h/fs", settings.rate_hz)

    def start(self) -> None:
        """Begin to stream; raise DeviceError where no samples come within 3 s."""
        self._messages = {stream: [] for stream in self._streams}
        self._noted, self._fault, self._samples = [], None, 0
        self._heard.clear()
        self._running = True
        for topic in self._topics():
            _call(partial(self._driver.subscribe, topic, "pub", self._listener))
        for stream in self._streams:
            self._publish(f"{stream}/ctrl", 1)
        if not self._heard.wait(FIRST_S) or not self._samples:
            raise DeviceError(
                f"{self.name} sends no samples", hint="plug it in again; is its own program open?"
            )

    def stop(self) -> Trace:
        """End the streams and put them together."""
        if not self._running:
            raise UsageError(f"{self.name} was not started", hint="call start() before stop()")
        stopped = time.monotonic()
        self._end()
        last = max((m[-1].arrived_s for m in self._messages.values() if m), default=stopped)
        self._fault = self._fault or tell_silence(last, stopped, 1.0 / self._settings.rate_hz)
        return self._assemble()

    def close(self) -> None:
        """Close the instrument and its driver. May be called twice."""
        if self._running:
            self._end()
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(DeviceError):
                _call(partial(self._driver.close, self._path))
            with contextlib.suppress(DeviceError):
                _call(self._driver.finalize)

    def _end(self) -> None:
        self._running = False
        for stream in self._streams:
            with contextlib.suppress(DeviceError):
                self._publish(f"{stream}/ctrl", 0)
        time.sleep(LAST_S)
        for topic in self._topics():
            with contextlib.suppress(DeviceError):
                _call(partial(self._driver.unsubscribe, topic, self._listener))

    def _topics(self) -> tuple[str, ...]:
        return ("@/!remove", *(f"{self._path}/{stream}/!data" for stream in self._streams))

    def _publish(self, topic: str, value: Any) -> None:
        _call(partial(self._driver.publish, f"{self._path}/{topic}", value))

    def _listen(self, topic: str, value: Any) -> None:
        """Take what the driver's thread hands over."""
        now = time.monotonic()
        if topic == "@/!remove":
            if value == self._path:
                self._fault = self._fault or f"{self.name} was unplugged"
                self._heard.set()
            return
        stream = topic.removeprefix(f"{self._path}/").removesuffix("/!data")
        if stream not in self._messages or self._fault is not None:
            return
        factor = max(1, int(value["decimate_factor"]))
        data = np.asarray(value["data"])
        if stream == "s/i":
            self._samples += len(data)
        if self._samples > MAX_SAMPLES:
            self._fault = f"the recording reached its limit of {MAX_SAMPLES:,} samples"
            return
        self._messages[stream].append(Message(int(value["sample_id"]) // factor, now, data))
        if stream == "s/i":
            self._heard.set()

    def _assemble(self) -> Trace:
        period = 1.0 / self._settings.rate_hz
        at, current, volts = _together(self._messages["s/i"], self._messages["s/v"])
        first = int(at[0]) if len(at) else 0
        time_s: Floats = np.asarray((at - first) * period, np.float64)
        clock = None
        if len(at):
            ends = [(m.first + len(m.data) - first, m.arrived_s) for m in self._messages["s/i"]]
            meter_s, host_s = np.array(ends, np.float64).T
            clock = fit_clock(meter_s * period, host_s)
        edges = [
            find_edges(name, _levels(self._messages[f"s/gpi/{name[3:]}"], at), time_s)
            for name in self._settings.inputs
            if self._messages[f"s/gpi/{name[3:]}"]
        ]
        return Trace(
            meter=self.name, period_s=period, voltage_v=float(volts.mean()) if len(at) else 0.0,
            time_s=time_s, current_a=current, power_w=current * volts,
            clipped=(np.abs(current) >= END_A) | (np.abs(volts) >= END_V),
            gaps=find_gaps(time_s, period),
            marks=sort_marks(*edges, place_marks(clock, self._noted, period)),
            fault=self._fault, warnings=tuple(edges_left_out(edges)),
        )  # fmt: skip


def choose_device(paths: Iterable[str], wanted: str | None) -> str:
    """Return the path of the instrument that is meant: the only one, or the one named.

    Raises:
        DeviceError: none is connected, or more than one may be meant.
    """
    found = [p for p in paths if wanted is None or wanted == p or p.endswith(f"/{wanted}")]
    if len(found) == 1:
        return found[0]
    if not found:
        which = f" {wanted}" if wanted else ""
        raise DeviceError(
            f"no Joulescope{which} is connected", hint="plug it in with its USB cable"
        )
    raise DeviceError(
        f"more than one Joulescope is connected: {one_line(', '.join(found))}",
        hint="name one by its serial number: joulescope:004321",
    )


def _together(current: list[Message], volts: list[Message]) -> tuple[Ints, Floats, Floats]:
    """Return index, amperes and volts of each sample that has both; NaN is a lost one."""
    at_i, amperes = _flat(current)
    at_v, voltages = _flat(volts)
    at, in_i, in_v = np.intersect1d(at_i, at_v, assume_unique=True, return_indices=True)
    amperes, voltages = amperes[in_i], voltages[in_v]
    sound = np.isfinite(amperes) & np.isfinite(voltages)
    return at[sound], amperes[sound], voltages[sound]


def _flat(messages: list[Message]) -> tuple[Ints, Floats]:
    """Return the samples of messages with their indexes, each index once, in order."""
    if not messages:
        return np.zeros(0, np.int64), np.zeros(0)
    at = np.concatenate([m.first + np.arange(len(m.data)) for m in messages])
    values = np.concatenate([m.data for m in messages]).astype(np.float64)
    at, unique = np.unique(at, return_index=True)
    return at, values[unique]


def _levels(messages: list[Message], at: Ints) -> npt.NDArray[np.bool_]:
    """Return an input's level at the indexes `at`; where it was not heard, the last one."""
    levels = np.zeros(len(at), np.bool_)
    heard = np.zeros(len(at), np.bool_)
    for message, after in zip(messages, [*messages[1:], None], strict=True):
        bits = np.unpackbits(message.data.astype(np.uint8), bitorder="little")
        end = message.first + len(bits)
        # The last byte may hold fewer than eight: the next message says how many.
        end = min(end, after.first) if after and after.first > message.first else end
        low, high = np.searchsorted(at, (message.first, end))
        levels[low:high] = bits[at[low:high] - message.first]
        heard[low:high] = True
    last = np.maximum.accumulate(np.where(heard, np.arange(len(at)), 0))
    return np.asarray(levels[last])


def _call(action: Callable[[], T]) -> T:
    """Do something with the driver; raise its error as a DeviceError."""
    try:
        return action()
    except (RuntimeError, ValueError, TimeoutError, OSError, KeyError) as error:
        text = one_line(str(error))[:200]
        busy = "IN_USE" in text
        raise DeviceError(
            f"the Joulescope's driver says: {text}",
            hint="close the program that has it open" if busy else "plug the Joulescope in again",
        ) from error
