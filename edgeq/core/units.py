"""Values for people: bytes, seconds, counts, quantities with a unit, names."""

from __future__ import annotations

import math
import re

from edgeq.core.errors import UsageError

_PREFIXES = {"G": 1e9, "M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_LONG = {"min": 60.0, "h": 3600.0, "d": 86_400.0, "y": 365.25 * 86_400}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?|\.\d+) ?([^\W\d_]*)", re.ASCII)


def parse_quantity(text: str, unit: str, *, what: str) -> float:
    """Return e.g. 0.23 of '230mAh' with unit 'Ah': a number, an SI prefix, the unit, in `unit`.

    Seconds may also be written as min, h, d or y. The unit may not be left out.

    Args:
        what: what the value is, for the error: '--sleep-current'.

    Raises:
        UsageError: anything else, or a value that is not finite.
    """
    found = _QUANTITY.fullmatch(text.strip().replace("µ", "u").replace("μ", "u"))
    scale = _unit_scale(found[2], unit) if found else None
    value = float(found[1]) * scale if found and scale else math.nan
    if not math.isfinite(value):
        raise UsageError(
            f"{what} {text!r} is no number with the unit {unit}",
            hint=f"write it like 2{unit} or 1.5m{unit}: a number, a prefix (n u m k M), {unit}",
        )
    return value


def _unit_scale(written: str, unit: str) -> float | None:
    """Return how many `unit` one `written` is, None where it is another unit."""
    if unit == "s" and written in _LONG:
        return _LONG[written]
    prefix = written.removesuffix(unit)
    return _PREFIXES.get(prefix) if written.endswith(unit) else None


def format_quantity(value: float, unit: str) -> str:
    """Return e.g. '12.3 mA', '850 uJ', '0 W': three digits and an SI prefix."""
    for prefix, scale in _PREFIXES.items():
        if abs(value) >= 0.9995 * scale:
            return f"{value / scale:.3g} {prefix}{unit}"
    return f"0 {unit}" if value == 0 else f"{value:.3g} {unit}"


def format_duration(seconds: float) -> str:
    """Return a long time as people say it: '2.1 years', '34 days', '5.2 hours', '40 s'."""
    for name, scale in (("years", _LONG["y"]), ("days", _LONG["d"]), ("hours", _LONG["h"])):
        if seconds >= 2 * scale:
            count = seconds / scale
            return f"{count:,.0f} {name}" if count >= 100 else f"{count:.2g} {name}"
    return format_seconds(seconds)


def format_bytes(count: int) -> str:
    """Return e.g. '768 B', '54.0 KiB', '1.5 MiB'."""
    if abs(count) < 1024:
        return f"{count} B"
    for unit, size in (("KiB", 1 << 10), ("MiB", 1 << 20)):
        if abs(count) < size << 10:
            return f"{count / size:.1f} {unit}"
    return f"{count / (1 << 30):.1f} GiB"


def format_seconds(seconds: float) -> str:
    """Return e.g. '12.3 ms', '850 us', '2.1 s', '5,400 s'."""
    return f"{seconds:,.0f} s" if abs(seconds) >= 999.5 else format_quantity(seconds, "s")


def format_count(count: int) -> str:
    """Return a count with thousands separators, e.g. '2,656,768'."""
    return f"{count:,}"


def short_name(name: str) -> str:
    """Return the first of the names that a converter joined with ';' into one tensor's."""
    return name.split(";")[0]


_SIZES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZES |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 1000, "mb": 1000**2, "gb": 1000**3}
_NUMBER = re.compile(r"(\d{1,18}(?:\.\d{1,18})?) ?([A-Za-z%]*)", re.ASCII)


def parse_bytes(text: str, *, what: str) -> int:
    """Return e.g. 65536 of '64k': k, M and G and their KiB, MiB, GiB count in 1024, KB in 1000.

    A number alone is bytes. Case does not matter.

    Raises:
        UsageError: anything else; the cause names `what`.
    """
    found = _NUMBER.fullmatch(text.strip())
    scale = _SIZES.get(found[2].lower()) if found else None
    if not found or scale is None:
        raise UsageError(
            f"{what} {text!r} is no size",
            hint="write it like 65536, 64k, 64KiB (65,536 bytes) or 64KB (64,000 bytes)",
        )
    return int(float(found[1]) * scale)


def parse_share(text: str, *, what: str) -> float:
    """Return e.g. 0.03 of '3%' or of '0.03': a share between 0 and 1.

    Raises:
        UsageError: anything else, also a number above 1 without its '%'.
    """
    found = _NUMBER.fullmatch(text.strip())
    scale = {"%": 0.01, "": 1.0}.get(found[2]) if found else None
    value = float(found[1]) * scale if found and scale else None
    if value is None or value > 1:
        raise UsageError(
            f"{what} {text!r} is no share", hint="write it like 3% or 0.03, from 0 to 1 or 100%"
        )
    return value


def format_amount(value: float, unit: str | None) -> str:
    """Return a figure that is compared with another: five digits, so that small changes show.

    Args:
        unit: an SI unit ('s', 'J'), a counted one ('bytes', 'instructions'), 'share' or None.
    """
    if unit is None:
        return f"{value:.5g}"
    if unit == "share":
        return f"{value:.2%}"
    if len(unit) > 1:
        return f"{value:,.0f} {unit}"
    scales = ((p, s) for p, s in _PREFIXES.items() if abs(value) >= s)
    prefix, scale = next(scales, ("", 1.0))
    return f"{value / scale:.5g} {prefix}{unit}"


def format_change(change: float) -> str:
    """Return a relative change: '+5.1 %', '12 times', 'no change', 'from nothing'."""
    if math.isinf(change):
        return "from nothing"
    if change >= 1:
        return f"{1 + change:,.3g} times"
    return f"{100 * change:+.3g} %" if change else "no change"
