"""Energy of a window: a meter records the run, the board's falling edges bound each window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from msgspec.structs import replace

from edgeq.bench.energy import window_energy
from edgeq.bench.gating import Span, Window, mark_name, marked_spans
from edgeq.bench.mlperf.execution import Taken
from edgeq.bench.mlperf.windows import make_window
from edgeq.core.errors import DeviceError
from edgeq.core.records.mlperf import MlperfWindow
from edgeq.device.meters.trace import Mark, Meter, Trace

SAMPLES_HZ = 1000  # of results.json, as the public runner has them


class MarkedMeter:
    """Marks each inference of a script in the recording of a meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def before(self, index: int) -> None:
        """Mark the moment before an inference is sent."""
        self._meter.mark(mark_name("window", index, "begin"))

    def after(self, index: int) -> None:
        """Mark the moment when it is done."""
        self._meter.mark(mark_name("window", index, "end"))


@dataclass(frozen=True, slots=True)
class GatedWindow:
    """A window between the last two falling edges that the board made in it."""

    span: Span
    edges: int


def gate_windows(trace: Trace, count: int, channel: str | None = None) -> list[GatedWindow]:
    """Return the window of each of `count` inferences.

    The pin may move while the board gets ready: the last two falling edges count.

    Args:
        channel: the meter's channel that the board's pin is on; None for the only one with edges.

    Raises:
        DeviceError: an inference without two edges, or edges on several channels.
    """
    spans = marked_spans(trace, "window")
    if len(spans) != count:
        raise _no_window(trace, f"the recording holds {len(spans)} of {count} windows")
    edges = _stamps(trace, channel)
    # While an input is loaded the pin is at rest: between two windows the middle of that counts,
    # for the markers' clock may be off either way. An edge may be reported after the answer.
    first = [s.start_s - s.start_uncertainty_s for s in spans[:1]]
    middles = [(a.end_s + b.start_s) / 2 for a, b in pairwise(spans)]
    bounds = [*first, *middles, math.inf]
    found = []
    for index, (start, end) in enumerate(pairwise(bounds)):
        inside = [m for m in edges if start <= m.time_s < end]
        if len(inside) < 2:
            raise _no_window(trace, f"window {index + 1} has {len(inside)} edges of the pin, not 2")
        a, b = inside[-2:]
        gated = Span(a.time_s, b.time_s, a.uncertainty_s, b.uncertainty_s)
        found.append(GatedWindow(gated, len(inside)))
    return found


def measure_windows(
    trace: Trace, taken: Sequence[Taken], channel: str | None = None
) -> list[MlperfWindow]:
    """Return the windows of a run with the energy of each, by the meter's clock."""
    windows = []
    for gated, one in zip(gate_windows(trace, len(taken), channel), taken, strict=True):
        found = window_energy(trace, Window((gated.span,), one.inference.inferences)).record
        windows.append(
            replace(
                make_window(one, found.duration_s),
                energy_j=found.energy_j,
                lost_samples=found.lost_samples,
                clipped_samples=found.clipped_samples,
            )
        )
    return windows


def energy_samples(trace: Trace, span: Span) -> list[float]:
    """Return joules of each millisecond of a window, as results.json lists them."""
    times = np.append(trace.time_s, trace.end_s)
    total = np.append(0.0, np.cumsum(trace.power_w * np.diff(times)))
    count = max(1, round(span.duration_s * SAMPLES_HZ))
    grid = span.start_s + np.arange(count + 1) / SAMPLES_HZ
    return [float(e) for e in np.diff(np.interp(grid, times, total))]


def _stamps(trace: Trace, channel: str | None) -> list[Mark]:
    """Return the falling edges; a meter that reports events alone may call each one rising."""
    edges = [m for m in trace.marks if m.edge != "marker" and channel in (None, m.channel)]
    falling = [m for m in edges if m.edge == "falling"]
    edges = falling or edges
    channels = sorted({m.channel for m in edges})
    if len(channels) > 1:
        raise DeviceError(
            f"{trace.meter} has edges on {', '.join(channels)}",
            hint="choose the one that the board's pin is wired to with --gate",
        )
    return sorted(edges, key=lambda m: m.time_s)


def _no_window(trace: Trace, why: str) -> DeviceError:
    fault = f"; {trace.fault}" if trace.fault else ""
    return DeviceError(
        f"no energy from {trace.meter}: {why}{fault}",
        hint="is the board's time stamp pin wired to the meter, and its firmware the energy one?",
    )
