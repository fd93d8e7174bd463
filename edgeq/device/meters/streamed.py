"""What the meters have in common that send their samples as a stream of bytes."""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from dataclasses import replace

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.meters.clock import HostMarks
from edgeq.device.meters.recorder import Recorder, Recording, tell_silence
from edgeq.device.meters.trace import Mark, Trace
from edgeq.device.streams import Stream

FIRST_S = 3.0
QUIET_S = 0.15
END_S = 3.0


class StreamedMeter(HostMarks, ABC):
    """A meter behind a `Stream`. Its recording is kept as bytes and decoded when it is stopped."""

    name: str
    gates: tuple[str, ...] = ()
    _period_s: float
    """Seconds between two samples."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._recorder: Recorder | None = None

    def start(self) -> None:
        """Begin to record; raise DeviceError where nothing comes within 3 s."""
        self._noted = []
        self._recorder = recorder = Recorder(self._stream)
        recorder.start()
        self._begin()
        if not recorder.wait(FIRST_S):
            raise DeviceError(
                f"{self.name} sends no samples{': ' + recorder.fault if recorder.fault else ''}",
                hint="plug it in again; is another program recording with it?",
            )

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
        if recording.fault is None and len(recording.arrived_s):
            silence = tell_silence(float(recording.arrived_s[-1]), stopped, self._period_s)
            recording = replace(recording, fault=silence)
        return self._decode(recording, tuple(self._noted))

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

    @abstractmethod
    def _begin(self) -> None:
        """Tell the meter to send samples."""

    @abstractmethod
    def _end(self) -> None:
        """Tell it to stop."""

    @abstractmethod
    def _decode(self, recording: Recording, noted: tuple[Mark, ...]) -> Trace:
        """Return what was recorded; `noted` are marks in seconds of `time.monotonic()`."""

    def _power_down(self) -> None:
        """Take the power off the board where this meter gave it."""
