"""The part that serial meters share: obey, and stream samples at their rate with their faults."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod

import numpy as np

from tests.support.meters.faults import CLEAN, Faults, Span
from tests.support.meters.signals import Floats, Signal
from tests.support.meters.wire import Wire

FOREVER_S = 3600.0


class StreamingMeter(ABC):
    """A meter that streams on command. A kind of meter gives `hear`, `encode` and its rate.

    Until the signal's end samples come as fast as the host reads, and from there on in real time;
    with `realtime` in real time from the start. Sample 0 is at the signal's second 0.
    """

    block = 1024

    def __init__(
        self, signal: Signal, rate_hz: float, faults: Faults = CLEAN, realtime: bool = False
    ) -> None:
        self.signal, self.rate_hz, self.faults = signal, rate_hz, faults
        self.position = 0
        """The next sample: all before it were sent, or lost on purpose."""
        self.started_at = math.nan
        """When the recording began, on the host's time.monotonic()."""
        self.ended = threading.Event()
        """Set when the signal's last sample is sent, or the meter has fallen silent."""
        self._realtime = realtime
        self._streaming = False
        self._epoch = self._not_before = 0.0
        self._stalled: set[int] = set()

    @abstractmethod
    def hear(self, data: bytes) -> bytes:
        """Obey what the host wrote, in whatever pieces; return the answer."""

    @abstractmethod
    def encode(self, first: int, current: Floats, kept: np.ndarray, clipped: np.ndarray) -> bytes:
        """Return samples first, ... on the wire; those not `kept` leave no byte."""

    def serve(self, wire: Wire) -> None:
        """Answer and stream until the wire is gone."""
        while True:
            heard = wire.read(self._pause_s())
            if self.is_hung:
                continue
            if answer := self.hear(heard) if heard else b"":
                wire.write(answer)
            if self._streaming and self._pause_s() <= 0:
                self._send(wire)

    @property
    def end(self) -> int:
        """The number of samples of the whole signal."""
        return math.ceil(self.signal.end_s * self.true_rate_hz - 1e-6)

    @property
    def true_rate_hz(self) -> float:
        """Samples in a second of the world, by the meter's own clock."""
        return self.rate_hz * (1 + self.faults.clock_ppm * 1e-6)

    @property
    def is_hung(self) -> bool:
        """Tell whether the meter has fallen silent; it hears nothing either."""
        return self.position >= self.faults.silent_after

    @property
    def is_streaming(self) -> bool:
        """Tell whether a recording runs."""
        return self._streaming

    def begin(self) -> None:
        """Start a recording."""
        self.position, self._streaming, self._not_before = 0, True, 0.0
        self._stalled.clear()
        self.ended.clear()
        self.started_at = self._epoch = time.monotonic()

    def halt(self) -> None:
        """End a recording."""
        self._streaming = False

    def _pause_s(self) -> float:
        if not self._streaming or self.is_hung:
            return FOREVER_S
        due = self._not_before
        if self._realtime or self.position >= self.end:
            # A block goes out when its last sample is over.
            due = max(due, self._epoch + self._next().end / self.true_rate_hz)
        return max(due - time.monotonic(), 0.0)

    def _send(self, wire: Wire) -> None:
        span, faults = self._next(), self.faults
        if stall := faults.stalls.get(span.first, 0.0) * (span.first not in self._stalled):
            self._stalled.add(span.first)
            self._not_before = time.monotonic() + stall
            return
        current = faults.seen(self.signal, span.first, span.count, self.rate_hz)
        kept = faults.kept(span.first, span.count)
        clipped = faults.saturated(span.first, span.count)
        data = self.encode(span.first, current, kept, clipped)
        data = data[faults.cut_bytes.get(span.first, 0) :]
        self.position = span.end
        wire.write(faults.garbage.get(span.first, b"") + data)
        if not self._realtime and span.end == self.end:
            self._epoch = time.monotonic() - self.end / self.true_rate_hz
        if span.end >= self.end or self.is_hung:
            self.ended.set()

    def _next(self) -> Span:
        """Return the next block: it ends where a fault or the signal's end is."""
        first, end = self.position, self.position + self.block
        if self._realtime or first >= self.end:
            end = first + max(1, min(self.block, math.ceil(self.rate_hz / 100)))
        stops = [*self.faults.places, self.end]
        return Span(first, min([end, *(stop for stop in stops if stop > first)]) - first)


def diffuse(levels: Floats, carry: float) -> tuple[np.ndarray, float]:
    """Round each level to an integer and pass its error on to the next one, as dither does.

    The sum of the integers is within 1/2 of the sum of the levels. Returns shape (n,) integers,
    and the error that is left.
    """
    total = np.cumsum(levels) + carry
    whole = np.floor(total + 0.5)
    return np.diff(whole, prepend=0.0).astype(np.int64), float(total[-1] - whole[-1])
