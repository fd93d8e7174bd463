"""The virtual board's gate: each edge becomes one JSON line, which nobody has to read."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable, Iterator

import msgspec

from edgeq.core.errors import DeviceError
from edgeq.core.records import Record

WAITING_LINES = 10_000
CLOSE_S = 1.0


class GateEdge(Record, frozen=True, kw_only=True, omit_defaults=True):
    """An edge of the gate: its new level, and what the board had executed by then.

    `instructions` and `cycles` count to the end of the basic block that wrote the gate. `lost`
    edges before this one were not reported, for nobody read them in time.
    """

    gate: int
    instructions: int
    cycles: int
    lost: int = 0


class GateReporter:
    """Writes an edge a line to a file descriptor, from a thread: the board never waits."""

    def __init__(self, descriptor: int, counts: Callable[[], tuple[int, int]]) -> None:
        self._descriptor, self._counts = descriptor, counts
        self._lines: queue.Queue[bytes] = queue.Queue(WAITING_LINES)
        self._level = self._lost = 0
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def set(self, level: int) -> None:
        """Set the gate; report it where that is an edge."""
        if level == self._level:
            return
        self._level = level
        instructions, cycles = self._counts()
        edge = {"gate": level, "instructions": instructions, "cycles": cycles}
        if self._lost:
            edge["lost"] = self._lost
        try:
            self._lines.put_nowait(json.dumps(edge).encode() + b"\n")
            self._lost = 0
        except queue.Full:
            self._lost += 1

    def close(self) -> None:
        """Give the last lines a moment to leave."""
        try:
            self._lines.put_nowait(b"")
        except queue.Full:
            return
        self._thread.join(CLOSE_S)

    def _write(self) -> None:
        while line := self._lines.get():
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                return


def read_edges(lines: bytes) -> Iterator[GateEdge]:
    """Yield the edges in whole lines of a virtual board's output.

    Raises:
        DeviceError: a line is no edge.
    """
    for line in lines.splitlines():
        try:
            yield msgspec.json.decode(line, type=GateEdge)
        except (msgspec.DecodeError, ValueError) as error:
            raise DeviceError(
                f"the virtual board reported no edge of its gate: {line[:80]!r}",
                hint="start it again",
            ) from error
