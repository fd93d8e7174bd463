"""The log of a session: every line with the host's time and the way it went."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import datetime, timezone

from edgeq.core.errors import one_line

# Who wrote a line: the host to the board, the board to the host, or edgeq about the run.
HOST, BOARD, NOTE = "->", "<-", "--"


class Transcript:
    """Collects lines, without end of line characters or terminal escapes.

    Args:
        clock: seconds of the host, monotonic.
        started: the time of day of the first line.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, started: datetime | None = None
    ) -> None:
        self._clock, self._zero = clock, clock()
        self._file = io.StringIO()
        self._file.write(f"started {(started or datetime.now(timezone.utc)).isoformat()}\n")

    def sent(self, text: str) -> None:
        """Log a command to the board."""
        self._add(HOST, text)

    def received(self, text: str) -> None:
        """Log a line from the board."""
        self._add(BOARD, text)

    def note(self, text: str) -> None:
        """Log what edgeq does or finds."""
        self._add(NOTE, text)

    def text(self) -> str:
        """Return the log so far: seconds since the start, the way, the line."""
        return self._file.getvalue()

    def _add(self, way: str, text: str) -> None:
        self._file.write(f"{self._clock() - self._zero:12.6f} {way} {one_line(text)}\n")
