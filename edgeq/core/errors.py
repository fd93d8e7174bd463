"""The error tree. Every error has one cause line, one hint line and an exit code.

EdgeqError
├── GateError       1  a gate failed: does not fit, not bit-exact, over a limit
├── UsageError      2  the command or call was wrong
├── InputError      3  a model, dataset, board file or archive was rejected
├── ToolchainError  4  a compiler, converter or other tool is missing or failed
├── DeviceError     5  the board, its link or its flasher failed
└── InternalError   6  a defect in edgeq itself
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

LONGEST = 2000  # characters of a cause: a hostile name may be of any length


class EdgeqError(Exception):
    """Root of all errors that edgeq raises on purpose.

    Args:
        cause: one line: what is wrong, naming the file, field or device.
        hint: one line: what the user can do about it.
    """

    exit_code: ClassVar[int] = 6

    def __init__(self, cause: str, *, hint: str) -> None:
        super().__init__(cause)
        line = one_line(cause)
        self.cause = line if len(line) <= LONGEST else f"{line[: LONGEST - 4]} ..."
        self.hint = one_line(hint)

    def __str__(self) -> str:
        return self.cause


class GateError(EdgeqError):
    """A gate failed: the model does not fit, is not bit-exact, or is over a limit."""

    exit_code = 1


class UsageError(EdgeqError):
    """The command line or the call was wrong."""

    exit_code = 2


class InputError(EdgeqError):
    """A model, dataset, archive or board file was rejected."""

    exit_code = 3


class ToolchainError(EdgeqError):
    """A compiler, converter or other tool is missing, failed or ran out of its limits."""

    exit_code = 4


class DeviceError(EdgeqError):
    """The board, its link or its flasher failed."""

    exit_code = 5


class InternalError(EdgeqError):
    """A defect in edgeq itself: something that cannot happen, happened."""

    exit_code = 6


def one_line(text: str) -> str:
    """Return `text` on one line, with control characters made visible (no terminal escapes)."""
    return visible(" ".join(text.split()))


def visible(text: str) -> str:
    """Return `text` with control and direction characters made visible, line ends kept."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ' Did you mean a, b?' for the nearest of `known` (at most 3), or ''."""
    near = get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f" Did you mean {', '.join(near)}?" if near else ""
