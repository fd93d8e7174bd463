"""Energy per inference from a recording cut into windows. docs/energy.md has the formulas."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from msgspec.structs import replace

from edgeq.bench.gating import MARKER, Cut, Span, Window, cut_trace, marked_inferences
from edgeq.bench.plotting import plot_trace
from edgeq.bench.statistics import summarise
from edgeq.core.errors import UsageError
from edgeq.core.records import BoardKind, EnergyRecord, MeterRecord, WindowRecord
from edgeq.core.units import format_quantity
from edgeq.device.meters.integration import energy_between
from edgeq.device.meters.trace import Trace, as_simulated

ENOUGH_WINDOWS = 5  # as MLPerf Tiny asks for; fewer give no honest interval
CLEAN_WINDOWS = 3  # so many windows without a gap, and those with one are left out
DRIFT = 0.02  # of the active power: more than this between idle before and after is drift
DOUBT = 0.01  # of the energy: more uncertainty of the gating than this is told


def label_trace(trace: Trace, board: BoardKind) -> Trace:
    """Return the recording of a benchmark; a virtual board draws no current of its own.

    Measured is what a real meter reads on a real board; a replayed recording, which knows nothing
    of this run, is called simulated by its meter already.
    """
    return as_simulated(trace) if board == "virtual" else trace


@dataclass(frozen=True, slots=True)
class WindowEnergy:
    """A window's record, and by how many joules its gating may be wrong."""

    record: WindowRecord
    uncertainty_j: float


def measure_energy(
    trace: Trace, gate: str, *, inferences: int | None = None, windows: int | None = None
) -> EnergyRecord:
    """Cut a recording into windows (`edgeq.bench.gating.cut_trace`) and return the energy.

    Args:
        inferences: in each window; None where the recording's markers say it.

    Raises:
        UsageError: the recording has no such channel, or nothing says how many inferences.
        InputError: the recording holds no window.
    """
    inferences = marked_inferences(trace) if inferences is None else inferences
    if inferences is None:
        raise UsageError(
            f"{trace.meter} does not say how many inferences a window holds",
            hint="add --inferences",
        )
    return energy_of(trace, cut_trace(trace, gate, inferences=inferences, windows=windows))


def energy_of(trace: Trace, cut: Cut) -> EnergyRecord:
    """Return energy, charge and power of the windows of a recording: medians over windows."""
    found = _choose([window_energy(trace, window) for window in cut.windows])
    idle = tuple(idle_window(trace, span) for span in cut.idle)
    used = [w for w in found if w.record.used]
    records = [w.record for w in used]
    per = [w.energy_j / w.inferences for w in records]
    summary = summarise(per)
    idle_w = mean_power(idle) if idle else None
    record = EnergyRecord(
        kind=trace.kind,
        per_inference_j=summary.median,
        average_w=mean_power(records),
        source=f"{trace.meter}, {_describe(cut, len(used))}",
        net_per_inference_j=None if idle_w is None else _net(records, idle_w),
        low_j=summary.low,
        high_j=summary.high,
        mad_j=summary.mad,
        charge_c=float(median(w.charge_c / w.inferences for w in records)),
        voltage_v=trace.voltage_v,
        idle_w=idle_w,
        gating=cut.gating,
        uncertainty_j=max(w.uncertainty_j / w.record.inferences for w in used),
        meter=meter_record(trace),
        windows=tuple(w.record for w in found),
        complete=trace.fault is None,
        idle_windows=idle,
        plot=plot_trace(trace, cut),
    )
    told = (note for check in _CHECKS for note in check(record))
    warnings = (*trace.warnings, *cut.warnings, *told)
    return replace(record, warnings=warnings)


def meter_record(trace: Trace) -> MeterRecord:
    """Return the meter of a recording, and how well it kept up."""
    return MeterRecord(
        name=trace.meter,
        sample_rate_hz=trace.sample_rate_hz,
        samples=len(trace.time_s),
        lost_samples=trace.lost_samples,
        clipped_samples=trace.clipped_samples,
        gaps=len(trace.gaps),
        fault=trace.fault,
    )


def _describe(cut: Cut, used: int) -> str:
    gate = "host markers" if cut.source == MARKER else f"gate {cut.source}"
    return f"{gate}, {used} windows of {cut.windows[0].inferences} inferences"


# --- windows ---------------------------------------------------------------------------------


def window_energy(trace: Trace, window: Window) -> WindowEnergy:
    """Integrate one window over its spans, whose edges are wrong independently of each other."""
    parts = [energy_between(trace, s.start_s, s.end_s) for s in window.spans]
    record = WindowRecord(
        start_s=window.spans[0].start_s,
        duration_s=sum(s.duration_s for s in window.spans),
        inferences=window.inferences,
        energy_j=sum(p.energy_j for p in parts),
        charge_c=sum(p.charge_c for p in parts),
        lost_samples=sum(count_lost(trace, s) for s in window.spans),
        clipped_samples=sum(p.clipped for p in parts),
    )
    parts_j = [span_uncertainty(trace, s) for s in window.spans]
    return WindowEnergy(record, math.hypot(*parts_j))


def count_lost(trace: Trace, span: Span) -> int:
    """Count the samples lost in a span, and where its ends may be: a gap can hide an edge."""
    first = max(0.0, span.start_s - span.start_uncertainty_s)
    last = max(span.end_s, min(trace.end_s, span.end_s + span.end_uncertainty_s))
    return energy_between(trace, first, last).lost


def idle_window(trace: Trace, span: Span) -> WindowRecord:
    """Integrate a window that holds no inference."""
    part = energy_between(trace, span.start_s, span.end_s)
    return WindowRecord(
        start_s=span.start_s,
        duration_s=span.duration_s,
        inferences=0,
        energy_j=part.energy_j,
        charge_c=part.charge_c,
        lost_samples=part.lost,
        clipped_samples=part.clipped,
    )


def span_uncertainty(trace: Trace, span: Span) -> float:
    """Return joules: each edge's uncertainty in seconds times the power at that edge."""
    ends = ((span.start_s, span.start_uncertainty_s), (span.end_s, span.end_uncertainty_s))
    return sum(u * power_at(trace, t, u) for t, u in ends if u > 0)


def power_at(trace: Trace, time_s: float, width_s: float) -> float:
    """Return watts at an edge: the mean over `width_s` on the side where it is higher."""
    width = max(width_s, trace.period_s)
    before = energy_between(trace, max(0.0, time_s - width), max(0.0, time_s))
    after = energy_between(trace, max(0.0, time_s), max(0.0, time_s) + width)
    return max(before.energy_j, after.energy_j, 0.0) / width


def mean_power(windows: Sequence[WindowRecord]) -> float:
    """Return watts over all windows together."""
    return sum(w.energy_j for w in windows) / sum(w.duration_s for w in windows)


def _net(windows: Sequence[WindowRecord], idle_w: float) -> float:
    return float(median((w.energy_j - idle_w * w.duration_s) / w.inferences for w in windows))


def _choose(windows: Sequence[WindowEnergy]) -> list[WindowEnergy]:
    """Leave windows with a gap out, where enough are without one."""
    clean = sum(not w.record.lost_samples for w in windows)
    if clean < CLEAN_WINDOWS:
        return list(windows)
    return [
        WindowEnergy(replace(w.record, used=not w.record.lost_samples), w.uncertainty_j)
        for w in windows
    ]


# --- what makes the figures doubtful -----------------------------------------------------------


def _lost(record: EnergyRecord) -> list[str]:
    return [
        f"window {i} lost {w.lost_samples} samples: "
        + ("bridged by the mean of their neighbours" if w.used else "left out of the figures")
        for i, w in enumerate(record.windows)
        if w.lost_samples
    ]


def _clipped(record: EnergyRecord) -> list[str]:
    count = sum(w.clipped_samples for w in record.windows if w.used)
    if not count:
        return []
    return [f"{count} samples of the windows are clipped: the energy is at least this"]


def _backwards(record: EnergyRecord) -> list[str]:
    if record.average_w > 0:
        return []
    return ["the board draws no power, or gives some: is the meter wired the right way round?"]


def _few(record: EnergyRecord) -> list[str]:
    count = sum(w.used for w in record.windows)
    if count >= ENOUGH_WINDOWS:
        return []
    return [f"{count} windows are too few for a 95 % interval: use {ENOUGH_WINDOWS} or more"]


def _idle(record: EnergyRecord) -> list[str]:
    if record.idle_w is None or record.net_per_inference_j is None:
        return ["no idle window: the idle power is not known"]
    notes = [
        f"idle window {i} lost {w.lost_samples} samples"
        for i, w in enumerate(record.idle_windows)
        if w.lost_samples
    ]
    first, last = (mean_power([w]) for w in (record.idle_windows[0], record.idle_windows[-1]))
    if abs(last - first) > DRIFT * abs(record.average_w):
        was, now = format_quantity(first, "W"), format_quantity(last, "W")
        notes.append(f"baseline drift: idle power was {was} before and {now} after")
    if record.net_per_inference_j <= 0:
        notes.append("the board draws no more in an inference than idle: the net energy is noise")
    return notes


def _spread(record: EnergyRecord) -> list[str]:
    share = (record.mad_j or 0.0) / abs(record.per_inference_j or 1.0)
    if share <= DRIFT:
        return []
    return [f"the windows spread by {share:.1%} around their median: the board may be busy"]


def _trend(record: EnergyRecord) -> list[str]:
    per = [w.energy_j / w.inferences for w in record.windows if w.used]
    steps = [b - a for a, b in pairwise(per)]
    one_way = all(s > 0 for s in steps) or all(s < 0 for s in steps)
    if len(per) < ENOUGH_WINDOWS or not one_way:
        return []
    change = (per[-1] - per[0]) / per[0] if per[0] else 0.0
    if abs(change) <= DRIFT:
        return []
    return [f"the energy drifts by {change:+.1%} from the first window to the last"]


def _uncertain(record: EnergyRecord) -> list[str]:
    share = (record.uncertainty_j or 0.0) / abs(record.per_inference_j or 1.0)
    if share <= DOUBT:
        return []
    return [f"the gating may be wrong by {share:.1%}: use longer windows, or a gate pin"]


def _fault(record: EnergyRecord) -> list[str]:
    fault = record.meter.fault if record.meter else None
    return [f"the recording is incomplete: {fault}"] if fault else []


_CHECKS: tuple[Callable[[EnergyRecord], list[str]], ...] = (
    _fault, _lost, _clipped, _backwards, _few, _idle, _spread, _trend, _uncertain,
)  # fmt: skip
