"""Latency in words: the figures, of how many runs, and how sure they are."""

from __future__ import annotations

from edgeq.core.records import LatencyRecord
from edgeq.core.units import format_seconds


def latency_text(latency: LatencyRecord) -> str:
    """Return median and 95th percentile in a line, and what they rest on."""
    median, p95 = format_seconds(latency.median_s), format_seconds(latency.p95_s)
    counted = latency.cycles is not None or latency.cycles_source is None
    basis = "" if counted else f", {latency.cycles_source}"
    return f"{median} median, {p95} p95 ({latency.kind}, {latency.runs} runs{basis})"


def spread_text(latency: LatencyRecord) -> str | None:
    """Return the interval of the median and the extremes; None for a record without them."""
    sure = interval_text(latency)
    if sure is None:
        return None
    least, most = format_seconds(latency.minimum_s or 0.0), format_seconds(latency.maximum_s or 0.0)
    left_out = f", warm-up left out: {latency.warmup_runs}" if latency.warmup_runs else ""
    outliers = f", outliers: {latency.outliers}" if latency.outliers else ""
    return f"{sure} (runs {least} to {most}{left_out}{outliers})"


def interval_text(latency: LatencyRecord) -> str | None:
    """Return the 95 % interval of the median; None for a record without one."""
    if latency.low_s is None or latency.high_s is None:
        return None
    return f"{format_seconds(latency.low_s)} to {format_seconds(latency.high_s)}"
