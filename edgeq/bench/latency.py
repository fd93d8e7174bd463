"""The latency of a benchmark from the seconds of its runs, whatever the board."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.bench.statistics import count_warmup, explain_spread, summarise
from edgeq.core.records import Kind, LatencyRecord
from edgeq.core.units import format_seconds


def summarise_latency(
    seconds: Sequence[float],
    kind: Kind,
    *,
    instructions: int | None = None,
    cycles: int | None = None,
    cycles_source: str | None = None,
) -> LatencyRecord:
    """Return the record of at least one run, in the order of the runs.

    Leading runs that are warm-up are counted and left out of every figure.
    """
    warmup = count_warmup(seconds)
    steady = tuple(float(s) for s in seconds[warmup:])
    summary = summarise(steady)
    return LatencyRecord(
        kind=kind,
        median_s=summary.median,
        p95_s=summary.p95,
        mean_s=summary.mean,
        runs=summary.runs,
        instructions=instructions,
        cycles=cycles,
        cycles_kind=kind if cycles is not None else None,
        cycles_source=cycles_source,
        minimum_s=summary.minimum,
        maximum_s=summary.maximum,
        low_s=summary.low,
        high_s=summary.high,
        warmup_runs=warmup,
        outliers=summary.outliers,
        samples_s=steady,
    )


def explain_latency(seconds: Sequence[float]) -> tuple[str, ...]:
    """Return what makes the latency of these runs doubtful: spread, warm-up, outliers, drift."""
    warmup = count_warmup(seconds)
    notes = explain_spread(seconds)
    if not warmup:
        return notes
    usual = summarise(seconds[warmup:]).median
    runs = "run is" if warmup == 1 else f"{warmup} runs are"
    first = f"the first {runs} warm-up and left out of the figures"
    return (f"{first}: {format_seconds(seconds[0])} against {format_seconds(usual)}", *notes)
