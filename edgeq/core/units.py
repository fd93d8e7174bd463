"""Values for people: bytes, seconds, counts, names."""

from __future__ import annotations


def format_bytes(count: int) -> str:
    """Return e.g. '768 B', '54.0 KiB', '1.5 MiB'."""
    if abs(count) < 1024:
        return f"{count} B"
    for unit, size in (("KiB", 1 << 10), ("MiB", 1 << 20)):
        if abs(count) < size << 10:
            return f"{count / size:.1f} {unit}"
    return f"{count / (1 << 30):.1f} GiB"


def format_seconds(seconds: float) -> str:
    """Return e.g. '12.3 ms', '850 us', '2.10 s'."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")):
        if abs(seconds) >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return "0 s"


def format_count(count: int) -> str:
    """Return a count with thousands separators, e.g. '2,656,768'."""
    return f"{count:,}"


def short_name(name: str) -> str:
    """Return the first of the names that a converter joined with ';' into one tensor's."""
    return name.split(";")[0]
