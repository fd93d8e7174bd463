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
MARK = b"edgeq-reply "
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


def ask_runner(
    machine: Machine, argv: Sequence[str], request: Mapping[str, Any], *, timeout_s: float
) -> bytes:
    """Start the runner, hand it a request and return the JSON of its answer.

    Args:
        argv: the Python on that machine, and the runner's path there.

    Raises:
        DeviceError: it ended early, did not answer in time, or the connection was lost.
    """
    end = time.monotonic() + timeout_s
    text = bytearray()
    with machine.spawn(argv) as child:
        try:
            child.write(json.dumps(dict(request)).encode() + b"\n")
            while (remaining := end - time.monotonic()) > 0:
                text += child.read(min(remaining, 1.0))
                if (line := _answer(text)) is not None:
                    return line
                if len(text) > MAX_REPLY_BYTES:
                    break
        except EOFError:
            if (line := _answer(text)) is not None:
                return line
            raise machine.lost(child) from None
    raise DeviceError(
        f"{machine.name}: no answer from the runner within {timeout_s:g} s",
        hint="ask for fewer runs, or raise the limit with --timeout",
    )


def _answer(text: bytearray) -> bytes | None:
    """Return the answer's JSON where a whole line of it arrived."""
    start = text.find(MARK) if text.startswith(MARK) else text.find(b"\n" + MARK)
    if start < 0:
        return None
    end = text.find(b"\n", start + 1)
    return None if end < 0 else bytes(text[start:end].strip()[len(MARK) :])
