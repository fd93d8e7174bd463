"""What the meters have in common that send their samples as a stream of bytes."""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.meters.recorder import Recorder, Recording
from edgeq.device.meters.trace import Mark, Trace
from edgeq.device.streams import Stream

FIRST_S = 3.0
QUIET_S = 0.15
END_S = 3.0
# A meter that was silent for this long before it was stopped was not recording any more.
SILENT_S = 1.0


class StreamedMeter(ABC):
    """A meter behind a `Stream`. Its recording is kept as bytes and decoded when it is stopped."""

    name: str
    gates: tuple[str, ...] = ()

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._recorder: Recorder | None = None
        self._noted: list[Mark] = []

    def start(self) -> None:
        """Begin to record; raise DeviceError where nothing comes within 3 s."""
        self._prepare()
        self._noted = []
        self._recorder = recorder = Recorder(self._stream)
        recorder.start()
        self._begin()
        if not recorder.wait(FIRST_S):
            raise DeviceError(
                f"{self.name} sends no samples{': ' + recorder.fault if recorder.fault else ''}",
                hint="plug it in again; is another program recording with it?",
            )

    def mark(self, name: str, *, at_s: float | None = None, uncertainty_s: float = 0.0) -> None:
        """Remember a moment of the host's clock; see `Meter.mark`."""
        moment = time.monotonic() if at_s is None else at_s
        self._noted.append(Mark(moment, name, "marker", uncertainty_s))

    def stop(self) -> Trace:
        """End the recording and decode it."""
        recorder = self._recorder
        if recorder is None:
            raise UsageError(f"{self.name} was not started", hint="call start() before stop()")
        self._recorder = None
        stopped = time.monotonic()
        # A meter that is gone cannot be told to stop: what it sent is kept.
        with contextlib.suppress(DeviceError):
            self._end()
        recording = recorder.finish(quiet_s=QUIET_S, timeout_s=END_S)
        return self._decode(_without_end(recording, stopped), tuple(self._noted))

    def close(self) -> None:
        """Stop what still records, power down, and give the port back. May be called twice."""
        with contextlib.suppress(DeviceError):
            if self._recorder is not None:
                self._end()
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
        with contextlib.suppress(DeviceError):
            self._power_down()
        self._stream.close()

    def _prepare(self) -> None:  # noqa: B027 (most meters need nothing)
        """Do what must be done before each recording, replies included."""

    @abstractmethod
    def _begin(self) -> None:
        """Tell the meter to send samples."""

    @abstractmethod
    def _end(self) -> None:
        """Tell it to stop."""

    @abstractmethod
    def _decode(self, recording: Recording, noted: tuple[Mark, ...]) -> Trace:
        """Return what was recorded; `noted` are marks in seconds of `time.monotonic()`."""

    def _power_down(self) -> None:  # noqa: B027 (most meters power nothing)
        """Take the power off the board where this meter gave it."""


def _without_end(recording: Recording, stopped_s: float) -> Recording:
    """Return the recording with a fault where the meter had fallen silent before `stopped_s`."""
    last = float(recording.arrived_s[-1]) if len(recording.arrived_s) else stopped_s
    if recording.fault is None and stopped_s - last > SILENT_S:
        fault = f"nothing came from the meter in the last {stopped_s - last:.1f} s"
        return Recording(recording.data, recording.ends, recording.arrived_s, fault)
    return recording
