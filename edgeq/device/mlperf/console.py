"""A text console: commands that end with '%', answers in lines that end with m-ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from edgeq.device.mlperf.faults import BOOT, FAULT, Evidence, explain, faulted, rebooted
from edgeq.device.mlperf.lines import MAX_LINES, LineReader
from edgeq.device.mlperf.transcript import Transcript
from edgeq.device.streams import Stream

READY = "m-ready"
POLL_S = 0.25
QUIET_S = 0.1
DRAIN_S = 1.0

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an answer, and when the host had it, in seconds of its monotonic clock."""

    text: str
    at: float


Answer = tuple[Line, ...]


class Channel(Protocol):
    """What a session needs of the way to its board."""

    who: str
    """What is at the other end, as errors name it."""
    clock: Clock
    """Seconds of the host, monotonic: the clock of every `Line`."""

    def ask(self, command: str, deadline_s: float, *, tries: int = 1) -> Answer:
        """Send a command and return its answer, without the m-ready that ends it.

        Args:
            tries: how often to send it within the deadline; with more than one the board may
                still boot, and its greeting is no reboot.

        Raises:
            DeviceError: the connection is gone, the board rebooted, or no answer by the deadline.
        """

    def drain(self) -> None:
        """Read until nothing comes for a moment, and forget it."""

    def close(self) -> None:
        """Give the connection back. May be called twice."""


class Console:
    """A board, or an IO manager, that is spoken to directly."""

    def __init__(
        self,
        stream: Stream,
        transcript: Transcript,
        *,
        who: str = "the board",
        clock: Clock = time.monotonic,
    ) -> None:
        self.who = who
        self._stream, self._transcript, self.clock = stream, transcript, clock
        self._reader = LineReader()
        self._waiting: list[Line] = []

    def ask(self, command: str, deadline_s: float, *, tries: int = 1) -> Answer:
        """Send a command and return its answer, without the m-ready that ends it."""
        self._waiting.clear()
        self._reader.reset()
        self._send(command)
        return self.collect(command, deadline_s, tries=tries)

    def collect(
        self,
        command: str,
        deadline_s: float,
        *,
        who: str = "",
        prefix: str = "",
        tries: int = 1,
    ) -> Answer:
        """Return the lines up to the m-ready that ends the answer to a command sent already.

        Args:
            who: whose answer it is, where it is not the console's own.
            prefix: lines without it are another's and are left out; it is taken off the rest.
            tries: how often the command is sent within the deadline, the first time included.
        """
        started = now = self.clock()
        resends = [started + deadline_s * i / tries for i in range(1, tries)]
        found: list[Line] = []
        while now < started + deadline_s:
            if resends and now >= resends[0]:
                self._send(command)
                resends.pop(0)
            end = min([*resends[:1], started + deadline_s, now + POLL_S])
            for line in self._lines(max(end - now, 0.0)):
                text = _own(line.text, command, prefix)
                _check_alive(text, who or self.who, command, booted=tries == 1)
                if text == READY and (tries == 1 or _is_answer(found)):
                    return tuple(found)
                if text == READY:
                    found.clear()
                elif text and len(found) < MAX_LINES:
                    found.append(Line(text, line.at))
            now = self.clock()
        raise explain(self._evidence(command, who, found, now - started, passed_on=bool(prefix)))

    def drain(self) -> None:
        """Read until nothing comes for a moment, and forget it."""
        end = self.clock() + DRAIN_S
        self._waiting.clear()
        while (data := self._stream.read(QUIET_S)) and self.clock() < end:
            for text in self._reader.feed(data):
                self._transcript.received(text)

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _evidence(
        self, command: str, who: str, found: list[Line], seconds: float, *, passed_on: bool
    ) -> Evidence:
        return Evidence(
            who=who or self.who,
            command=command,
            seconds=seconds,
            received=self._reader.received,
            garbage=self._reader.garbage,
            lines=tuple(line.text for line in found),
            partial=self._reader.partial,
            passed_on=passed_on,
        )

    def _send(self, command: str) -> None:
        self._transcript.sent(f"{command}%")
        self._stream.write(f"{command}%".encode("ascii"))

    def _lines(self, timeout_s: float) -> Iterator[Line]:
        """Yield lines that wait, or what arrives; those not taken wait for the next answer."""
        if not self._waiting:
            texts = self._reader.feed(self._stream.read(timeout_s))[:MAX_LINES]
            now = self.clock()
            for text in texts:
                self._transcript.received(text)
            self._waiting = [Line(text, now) for text in texts]
        while self._waiting:
            yield self._waiting.pop(0)


def _check_alive(text: str, who: str, command: str, *, booted: bool) -> None:
    """Raise DeviceError where a line says that the board faulted, or greets once more."""
    if text.startswith(FAULT):
        raise faulted(who, command, text)
    if text.startswith(BOOT) and booted:
        raise rebooted(who, command)


def _is_answer(found: list[Line]) -> bool:
    """Whether the lines answer a command that always gives some, and are no greeting."""
    return bool(found) and not any(line.text.startswith(BOOT) for line in found)


def _own(text: str, command: str, prefix: str) -> str:
    """Return a line without the IO manager's mark and without an echo of the command."""
    if prefix and not text.startswith(prefix):
        return ""
    return text.removeprefix(prefix).removeprefix(f"{command}%").strip()
