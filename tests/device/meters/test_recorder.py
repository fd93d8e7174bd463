"""Recording in the background: which item came with which chunk, and when silence is a fault."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from edgeq.device.meters.recorder import Recorder, Recording, tell_silence
from tests.device.meters.scripted import ScriptedStream


class SlowStream(ScriptedStream):
    """A computer that is busy for 0.2 s at each read."""

    def read(self, timeout_s: float) -> bytes:
        """Return the next chunk, late."""
        time.sleep(0.2)
        return super().read(timeout_s)


def test_a_busy_computer_loses_no_byte_at_the_end() -> None:
    stream = SlowStream()
    recorder = Recorder(stream)
    recorder.start()
    for part in (b"ab", b"c", b"de"):
        stream.push(part)
    assert recorder.finish(quiet_s=0.01, timeout_s=30).data == b"abcde"


@pytest.mark.parametrize("endless", [True, False])
def test_a_recording_ends_by_its_deadline_and_within_its_limit(endless: bool) -> None:
    stream = ScriptedStream()
    recorder = Recorder(stream, limit_bytes=10)
    recorder.start()
    feeding = threading.Event()

    def feed() -> None:
        while not feeding.wait(1e-3):
            stream.push(b"abc")

    feeder = threading.Thread(target=feed)
    feeder.start()
    assert recorder.wait(30)
    while endless and recorder.fault is None:
        time.sleep(0.01)
    if not endless:
        feeding.set()
    found = recorder.finish(quiet_s=0.5, timeout_s=1.0)
    feeding.set()
    feeder.join()
    assert found.data == b"abc" * (len(found.data) // 3)
    assert len(found.data) <= 9
    assert not endless or "limit of 10 bytes" in str(found.fault)


@pytest.mark.parametrize(
    ("silent_s", "period_s", "is_fault"),
    [(0.9, 1e-5, False), (1.1, 1e-5, True), (2.9, 1.0, False), (3.1, 1.0, True)],
)
def test_silence_is_a_fault_after_a_second_or_three_samples(
    silent_s: float, period_s: float, is_fault: bool
) -> None:
    told = tell_silence(100.0, 100.0 + silent_s, period_s)
    assert told == (f"nothing came from the meter in the last {silent_s} s" if is_fault else None)


def test_the_last_item_of_each_chunk_is_found() -> None:
    """Chunks end at bytes 10, 12, 13 and 30, items at 4, 10, 11, 13 and 29."""
    recording = Recording(b"", np.array([10, 12, 13, 30]), np.array([1.0, 2.0, 3.0, 4.0]))
    last, arrived_s = recording.last_of_chunks(np.array([4, 10, 11, 13, 29]))
    assert last.tolist() == [1, 2, 3, 4]
    assert arrived_s.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_chunk_in_which_no_item_ends_has_none() -> None:
    recording = Recording(b"", np.array([5, 9, 20]), np.array([1.0, 2.0, 3.0]))
    last, arrived_s = recording.last_of_chunks(np.array([4, 19]))
    assert (last.tolist(), arrived_s.tolist()) == ([0, 1], [1.0, 3.0])
