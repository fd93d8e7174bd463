"""Recordings made by hand: power that is known, pulses on a channel, markers of the host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from edgeq.bench.gating import mark_name
from edgeq.device.meters.trace import Edge, Floats, Gap, Mark, Trace

VOLTS = 2.0


def trace_of(
    power: Sequence[float] | Floats,
    *,
    period_s: float = 1e-3,
    marks: Iterable[Mark] = (),
    lost: range = range(0),
    clipped: Iterable[int] = (),
    fault: str | None = None,
    meter: str = "Test Meter",
) -> Trace:
    """Return a trace of `power` in watts, a sample each; samples of `lost` are in one gap."""
    watts = np.asarray(power, np.float64)
    kept = np.ones(len(watts), np.bool_)
    kept[lost.start : lost.stop] = False
    cut = np.zeros(len(watts), np.bool_)
    cut[list(clipped)] = True
    gap = Gap(lost.start * period_s, lost.stop * period_s, len(lost))
    return Trace(
        meter=meter,
        period_s=period_s,
        voltage_v=VOLTS,
        time_s=np.flatnonzero(kept) * period_s,
        current_a=watts[kept] / VOLTS,
        power_w=watts[kept],
        clipped=cut[kept],
        gaps=(gap,) if len(lost) else (),
        marks=tuple(sorted(marks, key=lambda m: m.time_s)),
        fault=fault,
    )


def edges(channel: str, times_s: Iterable[float], uncertainty_s: float = 0.0) -> list[Mark]:
    """Return rising and falling edges in turn."""
    kinds: tuple[Edge, Edge] = ("rising", "falling")
    return [Mark(t, channel, kinds[i % 2], uncertainty_s) for i, t in enumerate(times_s)]


def markers(
    kind: str,
    spans: Iterable[tuple[float, float]],
    uncertainty_s: float = 0.0,
    *,
    inferences: int | None = None,
) -> list[Mark]:
    """Return the host's markers around spans: kind 'window' or 'idle'."""
    return [
        Mark(t, mark_name(kind, i, end, held), "marker", uncertainty_s)
        for i, span in enumerate(spans)
        for t, end, held in zip(span, ("begin", "end"), (inferences, None), strict=True)
    ]


def square_wave(
    windows: int, *, active_w: float, idle_w: float, samples: int = 100
) -> tuple[Floats, list[tuple[float, float]]]:
    """Return idle, then windows of `samples` active and as many idle ones; spans by the ms."""
    pause = np.full(samples, idle_w)
    power = np.concatenate([pause, *([np.full(samples, active_w), pause] * windows)])
    spans = [((2 * i + 1) * samples * 1e-3, (2 * i + 2) * samples * 1e-3) for i in range(windows)]
    return power, spans
