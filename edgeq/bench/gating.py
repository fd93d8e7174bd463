"""Gating: which parts of a recording hold the inferences, and which the idle board.

The host surrounds each window of back-to-back inferences, and each idle window, with markers. A
board with a gate pin tells more exactly: a pulse of the pin holds a window, or one inference of it.
Edges that do not fit (missing, extra, bouncing, unpaired) never give a number: the bounce is
filtered and told, and a window with any other fault is left out and told.
"""

from __future__ import annotations

import contextlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from edgeq.core.errors import InputError, UsageError, did_you_mean
from edgeq.core.records import Gating
from edgeq.core.units import format_seconds
from edgeq.device.meters.trace import Mark, Trace

# A contact or a slow edge bounces for some microseconds; no inference is as short as this.
BOUNCE_S = 20e-6
MARKER = "marker"
_MARK = re.compile(r"(window|idle) (\d{1,6}) (begin|end)(?: of (\d{1,7}) inferences)?")


@dataclass(frozen=True, slots=True)
class Span:
    """An interval of the meter's clock; each end may be off by its uncertainty, either way."""

    start_s: float
    end_s: float
    start_uncertainty_s: float = 0.0
    end_uncertainty_s: float = 0.0

    @property
    def middle_s(self) -> float:
        """The moment half-way between both ends."""
        return (self.start_s + self.end_s) / 2

    @property
    def duration_s(self) -> float:
        """Seconds between both ends."""
        return self.end_s - self.start_s


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


@dataclass(frozen=True, slots=True)
class Pulses:
    """The pulses of a channel in their order, and the moments at which its edges do not fit."""

    gating: Gating
    spans: tuple[Span, ...]
    faults: tuple[tuple[float, str], ...] = ()
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
        gate: 'marker', a channel of the meter such as 'd0', or 'auto': the one channel whose
            pulses fit, else the markers.
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
    channels = edge_channels(trace)
    if gate not in channels:
        known = ", ".join(channels) or "none"
        raise UsageError(
            f"no edge on channel {gate!r} of {trace.meter}; edges on: {known}."
            f"{did_you_mean(gate, channels)}",
            hint="wire the board's gate pin to that channel, or use --gate marker",
        )
    return _cut_by_channel(trace, gate, marked, inferences, windows)


def edge_channels(trace: Trace) -> tuple[str, ...]:
    """Return the channels that have edges in the recording, in alphabetical order."""
    return tuple(sorted({m.channel for m in trace.marks if m.edge != "marker"}))


def _cut_auto(trace: Trace, marked: Sequence[Span], inferences: int, windows: int | None) -> Cut:
    found: list[Cut] = []
    for channel in edge_channels(trace):
        with contextlib.suppress(InputError):
            found.append(_cut_by_channel(trace, channel, marked, inferences, windows))
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
    spans = (_span(ends["begin"], ends["end"]) for ends in whole)
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
    end = trace.end_s
    kept = tuple(Window((s,), inferences) for s in marked if s.end_s <= end + s.end_uncertainty_s)
    warnings = _count_warnings(trace, len(kept), windows or len(marked))
    if not kept:
        raise InputError(
            f"the recording of {trace.meter} holds no window between markers",
            hint="record with `edgeq bench --meter`, which marks them, or give --gate a channel",
        )
    return Cut("marker", MARKER, kept, idle_spans(trace), warnings)


def _count_warnings(trace: Trace, found: int, wanted: int) -> tuple[str, ...]:
    if found >= wanted:
        return ()
    why = trace.fault or "markers are missing"
    return (f"{wanted - found} of {wanted} windows are not in the recording: {why}",)


# --- edges of a channel ----------------------------------------------------------------------


def find_pulses(trace: Trace, channel: str, bounce_s: float = BOUNCE_S) -> Pulses:
    """Pair the edges of a channel.

    Rising to falling is a pulse. A meter that reports one edge alone (an event) gives a pulse
    from each odd event to the next. Pulses and pauses shorter than `bounce_s` are bounce.
    """
    marks = sorted(
        (m for m in trace.marks if m.channel == channel and m.edge != "marker"),
        key=lambda m: m.time_s,
    )
    kinds = {m.edge for m in marks}
    if len(kinds) == 1 and len(marks) > 1:
        return _pair_events(marks, trace)
    spans, faults = _pair_edges(marks, trace)
    merged, count = _without_bounce(spans, bounce_s)
    notes = (f"channel {channel} bounced: {count} edges within {bounce_s * 1e6:g} us taken out",)
    return Pulses("channel", merged, faults, notes if count else ())


def _pair_events(marks: Sequence[Mark], trace: Trace) -> Pulses:
    spans = tuple(_span(a, b) for a, b in zip(marks[::2], marks[1::2], strict=False))
    odd = ((marks[-1].time_s, _unpaired(trace, "an event without its second")),)
    return Pulses("edge", spans, odd if len(marks) % 2 else ())


def _pair_edges(
    marks: Sequence[Mark], trace: Trace
) -> tuple[list[Span], tuple[tuple[float, str], ...]]:
    spans: list[Span] = []
    faults: list[tuple[float, str]] = []
    opened: Mark | None = None
    for mark in marks:
        if mark.edge == "rising":
            if opened is not None:
                faults.append((opened.time_s, "a rising edge without its falling one"))
            opened = mark
        elif opened is None:
            faults.append((mark.time_s, "a falling edge without its rising one"))
        else:
            spans.append(_span(opened, mark))
            opened = None
    if opened is not None:
        faults.append((opened.time_s, _unpaired(trace, "a rising edge without its falling one")))
    return spans, tuple(faults)


def _unpaired(trace: Trace, what: str) -> str:
    return f"{what} ({trace.fault})" if trace.fault else what


def _without_bounce(spans: Sequence[Span], bounce_s: float) -> tuple[tuple[Span, ...], int]:
    """Merge pulses that a short pause parts, drop short pulses; return how many edges went."""
    merged: list[Span] = []
    for span in spans:
        if merged and span.start_s - merged[-1].end_s < bounce_s:
            last = merged.pop()
            span = Span(last.start_s, span.end_s, last.start_uncertainty_s, span.end_uncertainty_s)
        merged.append(span)
    kept = tuple(s for s in merged if s.duration_s >= bounce_s)
    return kept, 2 * (len(spans) - len(kept))


def _span(first: Mark, last: Mark) -> Span:
    return Span(first.time_s, last.time_s, first.uncertainty_s, last.uncertainty_s)


# --- pulses into windows ---------------------------------------------------------------------


def _cut_by_channel(
    trace: Trace, channel: str, marked: Sequence[Span], inferences: int, windows: int | None
) -> Cut:
    pulses = find_pulses(trace, channel)
    if marked:
        cuts = [_within(pulses, span, inferences) for span in marked]
        names = [f"window {i}" for i in range(len(marked))]
    else:
        cuts = _in_order(pulses, inferences, windows)
        names = ["the recording"]
    problems = [c for c in cuts if isinstance(c, str)]
    kept = tuple(c for c in cuts if isinstance(c, Window))
    if not kept:
        raise InputError(
            f"channel {channel} of {trace.meter} gives no window: {problems[0]}",
            hint="check the gate's wire and ground, and the number of inferences; or use "
            "--gate marker",
        )
    told = [
        f"{name} left out: channel {channel} has {c}"
        for name, c in zip(names, cuts, strict=False)
        if isinstance(c, str)
    ]
    told += [note for window in kept for note in _uneven(window, channel)]
    missing = _count_warnings(trace, len(marked), windows) if marked and windows else ()
    warnings = (*pulses.warnings, *told, *missing)
    return Cut(pulses.gating, channel, kept, idle_spans(trace), warnings)


def _uneven(window: Window, channel: str) -> tuple[str, ...]:
    """Return a warning where a pulse is much longer or shorter than the others of its window."""
    lengths = [span.duration_s for span in window.spans]
    usual = median(lengths)
    if all(0.5 * usual <= length <= 1.5 * usual for length in lengths):
        return ()
    least, most = format_seconds(min(lengths)), format_seconds(max(lengths))
    return (
        f"pulses of channel {channel} at {window.spans[0].start_s:.3f} s last from {least} to "
        f"{most}: edges may be lost or added",
    )


def _within(pulses: Pulses, span: Span, inferences: int) -> Window | str:
    """Return the window of the pulses in a marked span, or what is wrong with them."""
    low = span.start_s - span.start_uncertainty_s
    high = span.end_s + span.end_uncertainty_s
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
