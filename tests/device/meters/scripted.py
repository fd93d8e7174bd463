"""A connection to a meter that exists in the test alone: what is written decides what comes."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable

from edgeq.core.errors import DeviceError


class ScriptedStream:
    """A `Stream`: `answer` gets what is written and returns what is to be read.

    A chunk that is None takes the connection away after what came before it.
    """

    def __init__(self, answer: Callable[[bytes], Iterable[bytes | None]] = lambda _: ()) -> None:
        self.written: list[bytes] = []
        self.closed = 0
        self._answer = answer
        self._lost = False
        self._chunks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def push(self, data: bytes | None) -> None:
        """Let `data` arrive."""
        self._chunks.put(data)

    def read(self, timeout_s: float) -> bytes:
        """Return the next chunk within `timeout_s`, b'' for none."""
        if self._lost:
            raise DeviceError("the connection is gone", hint="none")
        try:
            data = self._chunks.get(timeout=max(1e-4, timeout_s))
        except queue.Empty:
            return b""
        if data is None:
            self._lost = True
            raise DeviceError("the connection is gone", hint="none")
        return data

    def write(self, data: bytes) -> None:
        """Take `data`, and let the answers arrive."""
        if self._lost:
            raise DeviceError("the connection is gone", hint="none")
        self.written.append(data)
        for chunk in self._answer(data):
            self.push(chunk)

    def close(self) -> None:
        """Count how often it was closed."""
        self.closed += 1
