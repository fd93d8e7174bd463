"""How long a busy computer let this process wait: no part of the time that a program takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TICK_S = 0.01
# Later than this after its moment, a thread was kept from running.
LATE_S = 0.02


class Stalls:
    """A thread that wants to run every 10 ms, and notes when it could not."""

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []
        self._due = time.monotonic()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="stalls")
        self._thread.start()

    def seconds_since(self, moment_s: float) -> float:
        """Return the seconds since a moment of `time.monotonic()`, without those of stalls."""
        now = time.monotonic()
        late = [(now, max(0.0, now - self._due)), *self._late]
        return now - moment_s - sum(min(s, at - moment_s) for at, s in late if at > moment_s)

    def end(self) -> None:
        """End the thread."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._due = time.monotonic() + TICK_S + LATE_S
            self._ending.wait(TICK_S)
            now = time.monotonic()
            if now > self._due:
                self._late.append((now, now - self._due))


@contextmanager
def watched_stalls() -> Iterator[Stalls]:
    """Watch for stalls while the body runs."""
    stalls = Stalls()
    try:
        yield stalls
    finally:
        stalls.end()
