"""Gating: which parts of a recording hold the inferences, and which the idle board.

The host surrounds each window of back-to-back inferences, and each idle window, with markers. A
board with a gate pin tells more exactly: a pulse of the pin holds a window, or one inference of it.
Edges that do not fit (missing, extra, bouncing, unpaired) never give a number: the bounce is
filtered and told, and a window with any other fault is left out and told.
"""

from __future__ import annotations

import contextlib
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from edgeq.bench.pulses import Pulses, edge_channels, find_pulses, gate_marks, span_between
from edgeq.bench.pulses import Span as Span
from edgeq.core.errors import InputError, UsageError, did_you_mean
from edgeq.core.records import Gating
from edgeq.core.units import format_seconds
from edgeq.device.meters.trace import Mark, Trace

MARKER = "marker"
_MARK = re.compile(r"(window|idle) (\d{1,6}) (begin|end)(?: of (\d{1,7}) inferences)?")


@dataclass(frozen=True, slots=True)
class Window:
    """One window of `inferences` back to back: one span, or a span for each inference."""

    spans: tuple[Span, ...]
    inferences: int


@dataclass(frozen=True, slots=True)
class Cut:
    """What a recording was cut into; `source` names the markers or the channel."""

    gating: Gating
    source: str
    windows: tuple[Window, ...]
    idle: tuple[Span, ...]
    warnings: tuple[str, ...] = ()


def mark_name(kind: str, index: int, end: str, inferences: int | None = None) -> str:
    """Return the name of a marker: kind 'window' or 'idle', end 'begin' or 'end'."""
    held = "" if inferences is None else f" of {inferences} inferences"
    return f"{kind} {index} {end}{held}"


def marked_inferences(trace: Trace) -> int | None:
    """Return how many inferences the markers of a recording say that each window holds.

    None where they do not say it, or not the same number for each.
    """
    names = (_MARK.fullmatch(m.channel) for m in trace.marks if m.edge == "marker")
    counts = {int(name[4]) for name in names if name and name[4]}
    return counts.pop() if len(counts) == 1 else None


def cut_trace(trace: Trace, gate: str, *, inferences: int, windows: int | None = None) -> Cut:
    """Cut a recording into windows of `inferences` back-to-back inferences each.

    Args:
        gate: 'marker', a channel of the meter such as 'd0', texts of markers
            (`edgeq.bench.pulses.gate_marks`), or 'auto': the one channel whose pulses fit, else
            the markers.
        windows: how many there should be; None where that is not known.

    Raises:
        UsageError: no inferences, or the recording has no edges on such a channel.
        InputError: no window can be told from the markers or edges.
    """
    if inferences < 1 or (windows is not None and windows < 1):
        raise UsageError("a window holds no inference", hint="give at least 1")
    marked = marked_spans(trace, "window")
    if gate == "auto":
        return _cut_auto(trace, marked, inferences, windows)
    if gate == MARKER:
        return _cut_by_markers(trace, marked, inferences, windows)
    if not gate_marks(trace, gate):
        channels = edge_channels(trace)
        known = ", ".join(channels) or "none"
        raise UsageError(
            f"{trace.meter} has no edge of gate {gate[:100]!r}; edges on: {known}."
            f"{did_you_mean(gate, channels)}",
            hint="wire the board's gate pin to that channel, or use --gate marker",
        )
    return _cut_by_gate(trace, gate, marked, inferences, windows)


def _cut_auto(trace: Trace, marked: Sequence[Span], inferences: int, windows: int | None) -> Cut:
    found: list[Cut] = []
    for channel in edge_channels(trace):
        with contextlib.suppress(InputError):
            found.append(_cut_by_gate(trace, channel, marked, inferences, windows))
    fitting = [cut for cut in found if not marked or len(cut.windows) == len(marked)]
    if len(fitting) == 1:
        return fitting[0]
    cut = _cut_by_markers(trace, marked, inferences, windows)
    if not found:
        return cut
    names = ", ".join(c.source for c in fitting or found)
    what = "several channels" if len(fitting) > 1 else "a channel with faults"
    note = f"{what} could be the gate ({names}): markers were used; choose with --gate"
    return replace(cut, warnings=(*cut.warnings, note))


# --- markers ---------------------------------------------------------------------------------


def marked_spans(trace: Trace, kind: str) -> tuple[Span, ...]:
    """Return the spans between the markers 'KIND i begin' and 'KIND i end' of a recording.

    A begin without its end, or the reverse, gives no span.
    """
    found: dict[int, dict[str, Mark]] = {}
    for mark in trace.marks:
        name = _MARK.fullmatch(mark.channel) if mark.edge == "marker" else None
        if name and name[1] == kind:
            found.setdefault(int(name[2]), {})[name[3]] = mark
    whole = (ends for _, ends in sorted(found.items()) if len(ends) == 2)
    spans = (span_between(ends["begin"], ends["end"]) for ends in whole)
    return tuple(span for span in spans if span.duration_s > 0)


def idle_spans(trace: Trace) -> tuple[Span, ...]:
    """Return the marked idle windows, each end drawn in by its uncertainty: surely idle."""
    end = trace.end_s
    drawn = (
        Span(s.start_s + s.start_uncertainty_s, min(end, s.end_s - s.end_uncertainty_s))
        for s in marked_spans(trace, "idle")
    )
    return tuple(span for span in drawn if span.duration_s > 0)


def _cut_by_markers(
    trace: Trace, marked: Sequence[Span], inferences: int, windows: int | None
) -> Cut:
    kept = tuple(Window((span,), inferences) for span in marked if _is_recorded(trace, span))
    warnings = _count_warnings(trace, len(kept), windows or len(marked))
    if not kept:
        raise InputError(
            f"{trace.meter} has no window between markers",
            hint="record with `edgeq bench --meter`, which marks them, or give --gate a channel",
        )
    return Cut("marker", MARKER, kept, idle_spans(trace), warnings)


def _is_recorded(trace: Trace, span: Span) -> bool:
    """Tell whether a span ends within the recording.

    One that was stopped outlasts its last mark, which may only seem to lie behind its end.
    """
    doubt = 0.0 if trace.fault else span.end_uncertainty_s
    return span.end_s <= trace.end_s + doubt


def _count_warnings(trace: Trace, found: int, wanted: int) -> tuple[str, ...]:
    if found >= wanted:
        return ()
    why = trace.fault or "markers are missing"
    return (f"{wanted - found} of {wanted} windows are not in the recording: {why}",)


# --- pulses into windows ---------------------------------------------------------------------


def _cut_by_gate(
    trace: Trace, gate: str, marked: Sequence[Span], inferences: int, windows: int | None
) -> Cut:
    pulses = find_pulses(trace, gate)
    if marked:
        cuts = [_within(pulses, *reach, inferences) for reach in _reaches(trace, marked)]
        names = [f"window {i}" for i in range(len(marked))]
    else:
        cuts = _in_order(pulses, inferences, windows)
        names = ["the recording"]
    problems = [c for c in cuts if isinstance(c, str)]
    kept = tuple(c for c in cuts if isinstance(c, Window))
    if not kept:
        raise InputError(
            f"gate {gate} of {trace.meter} gives no window: {problems[0]}",
            hint="check the gate's wire and ground, and the number of inferences; or use "
            "--gate marker",
        )
    told = [
        f"{name} left out: gate {gate} has {c}"
        for name, c in zip(names, cuts, strict=False)
        if isinstance(c, str)
    ]
    told += [note for window in kept for note in _uneven(window, gate)]
    missing = _count_warnings(trace, len(marked), windows) if marked and windows else ()
    warnings = (*pulses.warnings, *told, *missing)
    return Cut(pulses.gating, gate, kept, idle_spans(trace), warnings)


def _uneven(window: Window, gate: str) -> tuple[str, ...]:
    """Return a warning where a pulse is much longer or shorter than the others of its window."""
    lengths = [span.duration_s for span in window.spans]
    usual = median(lengths)
    if all(0.5 * usual <= length <= 1.5 * usual for length in lengths):
        return ()
    least, most = format_seconds(min(lengths)), format_seconds(max(lengths))
    return (
        f"pulses of gate {gate} at {window.spans[0].start_s:.3f} s last from {least} to "
        f"{most}: edges may be lost or added",
    )


def _reaches(trace: Trace, marked: Sequence[Span]) -> Iterator[tuple[float, float]]:
    """Yield from when to when a window's pulses may lie: at most half-way to its neighbours.

    An idle window is a neighbour too: what ran before it was a trial.
    """
    spans = sorted((*marked, *marked_spans(trace, "idle")), key=lambda span: span.start_s)
    halves = [(a.end_s + b.start_s) / 2 for a, b in pairwise(spans)]
    between = dict(zip(spans, pairwise((-math.inf, *halves, math.inf)), strict=True))
    for span in marked:
        before, after = between[span]
        low = max(before, span.start_s - span.start_uncertainty_s)
        yield low, min(after, span.end_s + span.end_uncertainty_s)


def _within(pulses: Pulses, low: float, high: float, inferences: int) -> Window | str:
    """Return the window of the pulses whose middle is in [low, high], or what is wrong there."""
    at = bisect_left(pulses.faults, low, key=lambda fault: fault[0])
    for time_s, fault in pulses.faults[at : at + 1]:
        if time_s <= high:
            return f"{fault} at {time_s:.6f} s"
    first = bisect_left(pulses.spans, low, key=lambda span: span.middle_s)
    last = bisect_right(pulses.spans, high, key=lambda span: span.middle_s)
    return _window(pulses.spans[first:last], inferences)


def _window(spans: tuple[Span, ...], inferences: int) -> Window | str:
    if len(spans) in (1, inferences):
        return Window(spans, inferences)
    wanted = "1" if inferences == 1 else f"1 or {inferences}"
    return f"{len(spans)} pulses where {wanted} would fit {inferences} inferences"


def _in_order(pulses: Pulses, inferences: int, windows: int | None) -> list[Window | str]:
    """Return the windows of a recording without markers.

    Each pulse is a window, unless there are `inferences` times as many as wanted.
    """
    if pulses.faults:
        time_s, fault = pulses.faults[0]
        return [f"{fault} at {time_s:.6f} s"]
    spans = pulses.spans
    if windows is None or len(spans) == windows:
        return [Window((span,), inferences) for span in spans] or ["no pulses"]
    if len(spans) == windows * inferences:
        starts = range(0, len(spans), inferences)
        return [Window(spans[i : i + inferences], inferences) for i in starts]
    wanted = f"{windows} windows, or {windows * inferences} inferences"
    return [f"{len(spans)} pulses where {wanted} were to be seen"]
