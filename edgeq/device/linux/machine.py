"""The machine that measures: this one, or a board over SSH; both are asked the same way."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from edgeq.core.errors import DeviceError
from edgeq.core.processes import Child, Completed, run, spawn

RUNNER = Path(__file__).with_name("runner.py")
MARK = b"\nedgeq-reply "  # at the start of a line
MAX_REPLY_BYTES = 256 << 20


class Machine(Protocol):
    """Where commands run and files are put."""

    name: str

    def run(
        self, argv: Sequence[str], *, timeout_s: float = 60.0, stdin: bytes | None = None
    ) -> Completed:
        """Run a command to its end."""

    def spawn(self, argv: Sequence[str]) -> Child:
        """Start a command that is spoken to over its stdin and stdout."""

    def put(self, source: Path, name: str) -> str:
        """Bring a file there; return its path on that machine."""

    def lost(self, child: Child) -> DeviceError:
        """Return the error of a command of `spawn` that ended too early."""


class LocalMachine:
    """This computer: nothing is copied, so nothing is left behind."""

    name = "this computer"
    python = (sys.executable,)

    def run(
        self, argv: Sequence[str], *, timeout_s: float = 60.0, stdin: bytes | None = None
    ) -> Completed:
        """Run a command to its end."""
        return run(argv, timeout_s=timeout_s, stdin=stdin)

    def spawn(self, argv: Sequence[str]) -> Child:
        """Start a command that is spoken to over its stdin and stdout."""
        return spawn(argv)

    def put(self, source: Path, name: str) -> str:
        """Return the file's own path."""
        return str(source.resolve())

    def lost(self, child: Child) -> DeviceError:
        """Return the error of a command of `spawn` that ended too early."""
        code = child.wait(5.0)
        return DeviceError(
            f"the runner ended with {code}: {child.last_words()[-300:] or 'no message'}",
            hint="edgeq doctor shows what is installed",
        )


class Runner:
    """The runner, started on a machine: lines of JSON go in, one answer comes out for each.

    Use it as a context manager: its stdin ends there, and so does it.
    """

    def __init__(self, machine: Machine, argv: Sequence[str]) -> None:
        """Start it.

        Args:
            argv: the Python on that machine, and the runner's path there.
        """
        self._machine = machine
        self._child = machine.spawn(argv)
        self._text = bytearray(b"\n")

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close()

    def ask(self, request: Mapping[str, Any], *, timeout_s: float) -> bytes:
        """Hand it a request and return the JSON of its answer.

        Raises:
            DeviceError: it ended early, did not answer in time, or the connection was lost.
        """
        end = time.monotonic() + timeout_s
        try:
            self._child.write(json.dumps(dict(request)).encode() + b"\n")
            while (remaining := end - time.monotonic()) > 0 and len(self._text) < MAX_REPLY_BYTES:
                self._text += self._child.read(min(remaining, 1.0))
                if (line := self._take_answer()) is not None:
                    return line
        except EOFError:
            raise self._machine.lost(self._child) from None
        raise DeviceError(
            f"{self._machine.name}: no answer from the runner within {timeout_s:g} s",
            hint="ask for fewer runs, or raise the limit with --timeout",
        )

    def _take_answer(self) -> bytes | None:
        """Return the answer's JSON where a whole line of it arrived; what stood before it goes."""
        start = self._text.find(MARK)
        end = self._text.find(b"\n", start + 1) if start >= 0 else -1
        if end < 0:
            return None
        line = bytes(self._text[start + len(MARK) : end])
        del self._text[:end]
        return line


def ask_runner(
    machine: Machine, argv: Sequence[str], request: Mapping[str, Any], *, timeout_s: float
) -> bytes:
    """Start the runner for one request; see `Runner` for the arguments and errors."""
    with Runner(machine, argv) as runner:
        return runner.ask(request, timeout_s=timeout_s)


class HeldModel:
    """A model that stays loaded on the machine and runs back to back, for a power meter."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def invoke_quietly(self, runs: int, *, timeout_s: float) -> None:
        """Run the model `runs` times with nothing between; return when the last is done.

        Raises:
            DeviceError: no answer within `timeout_s`, or the runner is gone.
        """
        self._runner.ask({"runs": runs}, timeout_s=timeout_s)
