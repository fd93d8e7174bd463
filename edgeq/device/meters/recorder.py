"""Recording a stream of bytes in the background, each chunk with the time of its arrival."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeq.core.errors import DeviceError
from edgeq.device.meters.trace import Floats
from edgeq.device.streams import Stream

SLICE_S = 0.1
MAX_REPLY = 1 << 16
# A recording holds no more: 20 million samples of 4 bytes (1.5 GB once decoded), six hours.
LIMIT_BYTES = 80_000_000
LIMIT_S = 6 * 3600.0
# A meter that was silent for this long before it was stopped was not recording any more; one that
# is slow by nature, for this many of its samples.
SILENT_S, SILENT_PERIODS = 1.0, 3


@dataclass(frozen=True, slots=True)
class Recording:
    """The bytes of a stream. Chunk i ends before byte `ends[i]` and came at `arrived_s[i]`.

    `fault` says why it ended before it was stopped; times are of `time.monotonic()`.
    """

    data: bytes
    ends: npt.NDArray[np.int64]
    arrived_s: Floats
    fault: str | None = None

    def last_of_chunks(self, ends: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Floats]:
        """Return the last item of each chunk that has one, and when that chunk came.

        Args:
            ends: the byte after each item, rising, shape (n,).
        """
        chunk_of = np.searchsorted(self.ends, ends, side="left")
        chunks, first = np.unique(chunk_of[::-1], return_index=True)
        return len(ends) - 1 - first, self.arrived_s[chunks]


class Recorder:
    """Reads a stream in a thread of its own from `start` to `finish`, within limits.

    `clock` tells the times of arrival, in seconds.
    """

    def __init__(
        self, stream: Stream, *, limit_bytes: int = LIMIT_BYTES, limit_s: float = LIMIT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._stream, self._clock = stream, clock
        self._limit_bytes, self._limit_s = limit_bytes, limit_s
        self._data, self._ends, self._arrived = bytearray(), array("q"), array("d")
        self._fault: str | None = None
        self._quiet_s: float | None = None
        self._ending = threading.Event()
        self._heard = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="edgeq-meter")

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Tell whether a first byte came within `timeout_s`; sooner where the stream was lost."""
        return self._heard.wait(timeout_s) and bool(self._data)

    @property
    def fault(self) -> str | None:
        """Why nothing is recorded any more, None while it is."""
        return self._fault

    def finish(self, *, quiet_s: float, timeout_s: float) -> Recording:
        """Read on until nothing came for `quiet_s`, at most for `timeout_s`, and end."""
        # The thread itself tells when nothing comes: a busy computer may let it wait for longer.
        self._quiet_s = quiet_s
        self._thread.join(timeout_s)
        self.close()
        data, self._data = bytes(self._data), bytearray()
        return Recording(
            data, np.array(self._ends, np.int64), np.array(self._arrived, np.float64),
            self._fault,
        )  # fmt: skip

    def close(self) -> None:
        """End the thread. May be called twice."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        started = self._clock()
        while not self._ending.is_set():
            quiet_s = self._quiet_s
            try:
                data = self._stream.read(SLICE_S if quiet_s is None else quiet_s)
            except DeviceError as error:
                self._fault = self._fault or error.cause
                self._heard.set()
                return
            if not data and quiet_s is not None:
                return
            now = self._clock()
            if len(self._data) + len(data) > self._limit_bytes or now - started > self._limit_s:
                self._fault = self._fault or (
                    f"the recording reached its limit of {self._limit_bytes:,} bytes"
                    f" or {self._limit_s:g} s"
                )
            if data and self._fault is None:
                self._data += data
                self._ends.append(len(self._data))
                self._arrived.append(now)
                self._heard.set()


def tell_silence(last_s: float, stopped_s: float, period_s: float) -> str | None:
    """Return the fault of a meter that fell silent well before it was stopped, None for no fault.

    Args:
        last_s: when something came last, by `time.monotonic()`.
        stopped_s: when it was stopped.
        period_s: the time between two samples.
    """
    silent_s = stopped_s - last_s
    if silent_s <= max(SILENT_S, SILENT_PERIODS * period_s):
        return None
    return f"nothing came from the meter in the last {silent_s:.1f} s"


def read_until(
    stream: Stream, done: Callable[[bytes], bool], *, timeout_s: float, error: DeviceError
) -> bytes:
    """Read until what came is `done`, and return it; raise `error` at the deadline.

    At most 64 KiB are taken: a device that chatters without an end is not waited for.
    """
    deadline = time.monotonic() + timeout_s
    data = bytearray()
    while not done(bytes(data)):
        left = deadline - time.monotonic()
        if left <= 0 or len(data) > MAX_REPLY:
            raise error
        data += stream.read(min(left, SLICE_S))
    return bytes(data)


def drain(stream: Stream, *, quiet_s: float, timeout_s: float) -> bytes:
    """Read and return what comes until nothing did for `quiet_s`, at most for `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    data = bytearray()
    while time.monotonic() < deadline:
        chunk = stream.read(quiet_s)
        if not chunk:
            break
        data += chunk
        del data[:-MAX_REPLY]
    return bytes(data)
