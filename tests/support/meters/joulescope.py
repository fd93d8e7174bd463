"""A JS220 or JS110 behind its driver: topics are published and subscribed to, samples arrive."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from tests.support.meters.faults import CLEAN, Faults, Span, inside
from tests.support.meters.signals import Signal

Listener = Callable[[str, Any], None]
FULL_RATE = {"js220": 1_000_000, "js110": 2_000_000}
SIGNALS = {"s/i": (1, 0), "s/v": (2, 0), "s/p": (3, 0), "s/gpi/0": (5, 0), "s/gpi/1": (5, 1)}
"""Streams: the field's id and its index."""
SETTINGS = {
    "js220": {"s/i/range/mode", "s/v/range/mode", "s/stats/scnt", "s/stats/ctrl", "h/fs"},
    "js110": {"s/i/range/select", "s/v/range/select", "s/extio/voltage", "s/gpi/0/ctrl",
              "s/i/lsb_src", "s/sstats/ctrl", "s/stats/scnt", "s/stats/ctrl", "h/fs"},
}  # fmt: skip
FIRST_SAMPLE = 7_340_032
"""The instrument counts from its power-up, not from a stream's begin."""
BLOCK_S = 0.01
TOP_A = 10.0


class Instrument:
    """The instrument: a current into a load at `voltage_v`, seen while a signal is streamed.

    `gates`: input -> spans (start s, end s) in which it is high. `unplug_after_s`: seconds of
    samples until it is unplugged. `not_a_number`: samples that it lost inside, sent as NaN.
    Second 0 is the first sample that is streamed.
    """

    def __init__(
        self,
        signal: Signal,
        faults: Faults = CLEAN,
        *,
        model: str = "js220",
        voltage_v: float = 3.0,
        realtime: bool = False,
        gates: Mapping[int, Sequence[tuple[float, float]]] | None = None,
        unplug_after_s: float = float("inf"),
        not_a_number: Sequence[Span] = (),
    ) -> None:
        self.signal, self.faults, self.model, self.voltage_v = signal, faults, model, voltage_v
        self.realtime, self.gates, self.unplug_after_s = realtime, dict(gates or {}), unplug_after_s
        self.path = f"u/{model}/004321"
        self.not_a_number = tuple(not_a_number)
        self.ended = threading.Event()
        self.started_at = 0.0
        self.open_handles = 0
        self.published: list[tuple[str, Any]] = []


def driver_module(instrument: Instrument | None) -> ModuleType:
    """Return what stands in for the package `pyjoulescope_driver`; None: nothing is plugged in."""
    module = ModuleType("pyjoulescope_driver")
    module.Driver = lambda *args, **options: FakeDriver(instrument)  # type: ignore[attr-defined]
    return module


class FakeDriver:
    """The part of the driver's `Driver` that measuring needs; errors as the driver raises them."""

    def __init__(self, instrument: Instrument | None) -> None:
        self._instrument = instrument
        self._listeners: list[tuple[str, Listener]] = []
        self._streams: set[str] = set()
        self._rate_hz = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_open = False

    def __enter__(self) -> FakeDriver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finalize()

    def device_paths(self, timeout: float | None = None) -> list[str]:
        """Return the paths of what is plugged in."""
        return [] if self._instrument is None else [self._instrument.path]

    def open(
        self, device_prefix: str, mode: str | None = None, timeout: float | None = None
    ) -> None:
        """Open the instrument; one program may at a time."""
        if self._instrument is None or device_prefix != self._instrument.path:
            raise RuntimeError(f"jsdrv open {device_prefix} failed: NOT_FOUND")
        if self._instrument.open_handles:
            raise RuntimeError(f"jsdrv open {device_prefix} failed: IN_USE")
        self._instrument.open_handles += 1
        self._is_open = True
        self._rate_hz = FULL_RATE[self._instrument.model]

    def close(self, device_prefix: str, timeout: float | None = None) -> None:
        """Close the instrument."""
        if self._is_open and self._instrument is not None:
            self._end_stream()
            self._instrument.open_handles -= 1
            self._is_open = False

    def finalize(self, timeout: float | None = None) -> None:
        """End the driver."""
        self.close("")

    def subscribe(
        self, topic: str, flags: str | Sequence[str], fn: Listener, timeout: float | None = None
    ) -> None:
        """Call `fn` with each value that is published to a topic, or below it."""
        with self._lock:
            self._listeners.append((topic, fn))

    def unsubscribe(self, topic: str, fn: Listener, timeout: float | None = None) -> None:
        """Call `fn` no more."""
        with self._lock:
            self._listeners.remove((topic, fn))

    def unsubscribe_all(self, fn: Listener, timeout: float | None = None) -> None:
        """Call `fn` no more for any topic."""
        with self._lock:
            self._listeners = [(topic, other) for topic, other in self._listeners if other != fn]

    def publish(self, topic: str, value: Any, timeout: float | None = None) -> None:
        """Set a parameter of the instrument, or start and stop one of its streams."""
        instrument = self._require(topic)
        name = topic[len(instrument.path) + 1 :]
        instrument.published.append((name, value))
        stream = name.removesuffix("/ctrl")
        if name.endswith("/ctrl") and stream in SIGNALS:
            (self._streams.add if value in (1, "on", True) else self._streams.discard)(stream)
            self._begin_stream() if self._streams else self._end_stream()
        elif name == "h/fs":
            if FULL_RATE[instrument.model] % int(value):
                raise RuntimeError(f"jsdrv publish {topic} failed: PARAMETER_INVALID")
            self._rate_hz = int(value)
        elif name not in SETTINGS[instrument.model]:
            raise RuntimeError(f"jsdrv publish {topic} failed: NOT_FOUND")

    def query(self, topic: str, timeout: float | None = None) -> Any:
        """Return a parameter."""
        instrument = self._require(topic)
        name = topic[len(instrument.path) + 1 :]
        known = {"h/fs": self._rate_hz, "h/state": 3 if self._is_open else 1}
        if name not in known:
            raise RuntimeError(f"jsdrv query {topic} failed: NOT_FOUND")
        return known[name]

    def _require(self, topic: str) -> Instrument:
        instrument = self._instrument
        if instrument is None or not self._is_open or not topic.startswith(instrument.path + "/"):
            raise RuntimeError(f"jsdrv {topic} failed: UNAVAILABLE")
        return instrument

    def _begin_stream(self) -> None:
        if self._thread is None and self._instrument is not None:
            self._stop.clear()
            self._thread = threading.Thread(
                target=self._run, args=(self._instrument,), name="simulated Joulescope"
            )
            self._thread.start()

    def _end_stream(self) -> None:
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(10)
        self._thread = None

    def _run(self, instrument: Instrument) -> None:
        # Streams are enabled one by one; the first samples are of all that are listened to.
        while not self._stop.is_set() and not self._listened_to() <= self._streams:
            self._stop.wait(0.001)
        instrument.started_at = time.monotonic()
        count = round(BLOCK_S * self._rate_hz)
        end, first, begun = instrument.signal.end_s, 0, instrument.started_at
        while not self._stop.is_set():
            sent_s = (first + count) / self._rate_hz
            if first / self._rate_hz >= instrument.unplug_after_s:
                self._tell("@/!remove", instrument.path)
                instrument.ended.set()
                return
            if instrument.realtime or instrument.ended.is_set():
                # A block goes out when its last sample is over.
                self._stop.wait(max(0.0, begun + sent_s - time.monotonic()))
            self._send(instrument, first, count)
            first += count
            if sent_s >= end and not instrument.ended.is_set():
                if not instrument.realtime:
                    begun = time.monotonic() - sent_s
                instrument.ended.set()

    def _listened_to(self) -> set[str]:
        with self._lock:
            topics = {to.partition("/s/")[2].removesuffix("/!data") for to, _ in self._listeners}
        return {f"s/{name}" for name in topics} & SIGNALS.keys()

    def _send(self, instrument: Instrument, first: int, count: int) -> None:
        faults, rate = instrument.faults, self._rate_hz
        if first >= faults.silent_after:
            return
        kept = faults.kept(first, count)
        current = faults.seen(instrument.signal, first, count, rate).astype(np.float32)
        current[faults.saturated(first, count)] = TOP_A
        current[inside(instrument.not_a_number, first, count)] = np.nan
        volts = np.full(count, instrument.voltage_v, np.float32)
        levels = {"s/i": current, "s/v": volts, "s/p": current * volts}
        for start, end in _runs(kept):
            for stream in sorted(self._streams):
                part = (
                    levels[stream][start:end]
                    if stream in levels
                    else self._bits(instrument, int(stream[-1]), first + start, end - start)
                )
                self._tell(f"{instrument.path}/{stream}/!data",
                           self._message(instrument, stream, first + start, part))  # fmt: skip

    def _bits(self, instrument: Instrument, gate: int, first: int, count: int) -> np.ndarray:
        times = (first + np.arange(count)) / self._rate_hz
        high = np.zeros(count, dtype=bool)
        for start, end in instrument.gates.get(gate, ()):
            high |= (times >= start) & (times < end)
        return np.packbits(high, bitorder="little")

    def _message(
        self, instrument: Instrument, stream: str, first: int, data: np.ndarray
    ) -> dict[str, Any]:
        full = FULL_RATE[instrument.model]
        factor = full // self._rate_hz
        field, index = SIGNALS[stream]
        sample = FIRST_SAMPLE + first * factor
        # time64: 2^30 counts a second.
        utc = int((sample / full) * (1 << 30))
        time_map = {"offset_time": 0, "offset_counter": 0, "counter_rate": float(full)}
        return {"sample_id": sample, "utc": utc, "field_id": field, "index": index,
                "sample_rate": full, "decimate_factor": factor, "time_map": time_map,
                "data": data}  # fmt: skip

    def _tell(self, topic: str, value: Any) -> None:
        with self._lock:
            listeners = [
                fn for to, fn in self._listeners if topic == to or topic.startswith(to + "/")
            ]
        for listener in listeners:
            with contextlib.suppress(Exception):
                listener(topic, value)


def _runs(kept: np.ndarray) -> list[tuple[int, int]]:
    """Return the runs of true values as (start, end)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], kept.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
