"""Bytes to lines, and what the bytes say about the wire: garbage, half a line, an echo."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_LINE = 4096  # m-results of 100 classes has 800 characters
MAX_LINES = 10_000  # of one answer; more is chatter


@dataclass
class LineReader:
    """Cuts a stream of bytes into lines of ASCII; CR, LF and NUL end no more than they should.

    `received` counts bytes and `garbage` those that are no text, since the last `reset`.
    """

    received: int = 0
    garbage: int = 0
    _partial: bytearray = field(default_factory=bytearray)

    @property
    def partial(self) -> str:
        """What came after the last line's end."""
        return self._partial.decode("ascii", "replace")

    def reset(self) -> None:
        """Forget the half line and start to count anew."""
        self.received = self.garbage = 0
        self._partial.clear()

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that `data` completes, without their ends; empty ones are dropped."""
        self.received += len(data)
        self.garbage += sum(byte > 126 or (byte < 32 and byte not in b"\t\r\n\0") for byte in data)
        # A translating terminal sends CR LF as CR CR LF or as either alone: all end a line.
        text = data.replace(b"\0", b"").replace(b"\r", b"\n")
        *whole, rest = (bytes(self._partial) + text).split(b"\n")
        self._partial = bytearray(rest[:MAX_LINE])
        return [line[:MAX_LINE].decode("ascii", "replace") for line in whole if line]
