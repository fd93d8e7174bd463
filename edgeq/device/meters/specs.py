"""What a user writes for a meter: `NAME[:PORT][,option=value...]`, read strictly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeq.core.errors import UsageError, did_you_mean

MAX_SPEC = 1000


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `parse` raises ValueError with what it takes; `default` None is required."""

    parse: Callable[[str], Any]
    default: Any
    help: str


@dataclass(frozen=True, slots=True)
class MeterSpec:
    """A spec taken apart; `options` are still text."""

    name: str
    port: str | None
    options: Mapping[str, str]


def parse_spec(spec: str, *, whole_port: bool = False) -> MeterSpec:
    """Take a spec apart.

    Args:
        whole_port: everything after the name is the port: a path may hold commas.

    Raises:
        UsageError: it is not of this form, or an option is there twice.
    """
    if whole_port:
        name, _, port = spec.partition(":")
        return MeterSpec(name, port or None, {})
    head, *parts = spec.split(",")
    name, _, port = head.partition(":")
    options: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not (key and equals and value) or key in options:
            raise UsageError(
                f"meter {spec[:200]!r}: {part[:100]!r} is no option=value, or is there twice",
                hint="write NAME[:PORT][,option=value...], e.g. ppk2:/dev/ttyACM0,voltage=3.0",
            )
        options[key] = value
    return MeterSpec(name, port or None, options)


def parse_options(
    name: str, given: Mapping[str, str], known: Mapping[str, Option]
) -> dict[str, Any]:
    """Return a value for each known option; raise UsageError for what is wrong with one."""
    for key in given:
        if key not in known:
            raise UsageError(
                f"meter {name} has no option {key[:100]!r}.{did_you_mean(key, known)}",
                hint=f"its options are: {', '.join(known) or 'none'}",
            )
    values = {}
    for key, option in known.items():
        if key not in given and option.default is None:
            raise UsageError(
                f"meter {name} needs {key}: {option.help}", hint=f"add it: {name}:PORT,{key}=..."
            )
        try:
            values[key] = option.parse(given[key]) if key in given else option.default
        except ValueError as error:
            raise UsageError(
                f"meter {name}: {key}={given[key][:100]!r} is not {error}", hint=option.help
            ) from error
    return values


def number(low: float, high: float, unit: str) -> Callable[[str], float]:
    """Return a parser of a number in [low, high]."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or not text.isascii() or "_" in text:
            raise ValueError(f"a number of {unit} from {low:g} to {high:g}")
        return value

    return parse


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of a whole number in [low, high]."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def choice(*words: str) -> Callable[[str], str]:
    """Return a parser of one of some words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return parse


def rate(*hertz: int) -> Callable[[str], int]:
    """Return a parser of one of some sample rates."""
    known = choice(*map(str, hertz))
    return lambda text: int(known(text))


def channels(*names: str) -> Callable[[str], tuple[str, ...]]:
    """Return a parser of some of the channels, joined by '+', or 'none'."""

    def parse(text: str) -> tuple[str, ...]:
        chosen = () if text == "none" else tuple(text.split("+"))
        if not set(chosen) <= set(names) or len(set(chosen)) < len(chosen):
            raise ValueError(f"none, or some of {'+'.join(names)}")
        return chosen

    return parse


def switch(text: str) -> bool:
    """Parse on or off."""
    return choice("on", "off")(text) == "on"


def word(text: str) -> str:
    """Parse a plain word: letters, digits and .:_- up to 64 of them."""
    if not (0 < len(text) <= 64 and text.isascii() and text[0].isalnum()) or not all(
        c.isalnum() or c in ".:_-" for c in text
    ):
        raise ValueError("a word of letters, digits and .:_-")
    return text
