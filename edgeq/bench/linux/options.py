"""How a Linux board is reached, and with what it runs a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.core.errors import UsageError

if TYPE_CHECKING:
    from edgeq.boards.profile import Board

MAX_THREADS = 256


@dataclass(frozen=True, slots=True)
class LinuxOptions:
    """The host as '[user@]name[:port]', the Python there, and the interpreter's settings.

    `threads`: the first gives the main figures, the others are measured beside it. `install`
    allows to make a private venv on the board where no interpreter is found.
    """

    host: str | None = None
    ssh_config: Path | None = None
    python: str | None = None
    install: bool = False
    threads: tuple[int, ...] = (1,)
    xnnpack: bool = True
    timeout_s: float = 600.0


def runs_interpreter(board: Board) -> bool:
    """Whether an interpreter runs models on this board, and no firmware is built for it."""
    return board.kind == "linux" and not board.build.template


def parse_threads(text: str) -> tuple[int, ...]:
    """Return the numbers in '1,2,4'; raise UsageError where they are none."""
    words = text.split(",")
    if not all(word.isdecimal() and 0 < int(word) <= MAX_THREADS for word in words):
        raise UsageError(f"--threads {text[:60]!r}", hint="e.g. --threads 4, or --threads 1,2,4")
    return tuple(int(word) for word in words)


def check_options(board: Board, options: LinuxOptions) -> None:
    """Raise UsageError where the options do not fit the board."""
    remote = board.link.kind == "ssh"
    if remote and options.host is None:
        raise UsageError(f"{board.id} is reached over SSH", hint="--host user@name says where")
    if not remote and options.host is not None:
        raise UsageError(
            f"{board.id} is not reached over SSH", hint="leave out --host, or name another --board"
        )
    if not options.threads or not all(0 < n <= MAX_THREADS for n in options.threads):
        raise UsageError("no such number of threads", hint="e.g. --threads 1,2,4")
