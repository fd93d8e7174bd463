"""Regular expressions on names of layers: only those whose search is sure to end soon.

Python's matcher tries every way to share a name among repeats. Repeats of repeats make those ways
grow exponentially; a few plain repeats make them grow as a small power of the name's length.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable
from typing import Any

from edgeq.core.errors import InputError, did_you_mean

MAX_PATTERN = 4000  # characters
MAX_OPEN = 3  # repeats that may take any number, in one branch
MAX_CHOICES = 8  # what may be there or not, and alternatives, in one branch
# re's own parser, under the name that each Python gives it.
_PARSER: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

_SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def pattern_problem(pattern: str) -> str | None:
    """Return why `pattern` is refused, None where it is fine."""
    if len(pattern) > MAX_PATTERN:
        return f"it has {len(pattern):,} characters, at most {MAX_PATTERN} are read"
    try:
        parsed = _PARSER.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"it is no regular expression: {error}"
    try:
        free, choices = _count(parsed)
    except _RefusedError as refusal:
        return str(refusal)
    if free > MAX_OPEN or choices > MAX_CHOICES:
        return f"it has more than {MAX_OPEN} repeats or {MAX_CHOICES} choices behind one another"
    return None


def unmatched(where: str, what: str, pattern: str, known: Iterable[str]) -> InputError:
    """Return the error that no `what` (layer with weights, ...) of `known` matches `pattern`."""
    names = list(dict.fromkeys(known))
    return InputError(
        f"{where}: no {what} matches {pattern!r}.{did_you_mean(pattern, names)}",
        hint=f"its layers are: {', '.join(names) or 'none'}"[:500],
    )


class _RefusedError(Exception):
    """A construct that may take for ever."""


def _count(items: Any) -> tuple[int, int]:
    """Return how many repeats and how many choices stand behind one another at most."""
    free = choices = 0
    for code, value in items:
        name = str(code)
        if name in _REPEATS:
            low, high, inner = value
            if low != high and [str(c) not in _SINGLE for c, _ in inner] != [False]:
                raise _RefusedError("it repeats a group: repeat single characters or [sets] alone")
            found = _count(inner) if low == high else (0, 0)
            weight = min(int(high), MAX_PATTERN)
            add = tuple(n * weight for n in found)
            if low != high:
                add = (0, 1) if high - low == 1 else (1, 0)
        elif name == "SUBPATTERN":
            add = _count(value[-1])
        elif name == "BRANCH":
            counts = [_count(branch) for branch in value[1]]
            add = max(c[0] for c in counts), max(c[1] for c in counts) + 1
        elif name in _SINGLE or name == "AT":
            add = (0, 0)
        else:
            raise _RefusedError("it looks around or back: use characters, sets, groups and |")
        free, choices = free + add[0], choices + add[1]
    return free, choices
