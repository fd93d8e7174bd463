"""Pulses of a gate: edges of a digital channel, or markers with certain texts, paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeq.core.records import Gating
from edgeq.device.meters.trace import Edge, Mark, Trace

# A contact or a slow edge bounces for some microseconds; no inference is as short as this.
BOUNCE_S = 20e-6
TEXT, TO = "text:", ".."

Fault = tuple[float, str]  # the moment of an edge, and what is wrong with it


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
class Pulses:
    """The pulses of a channel in their order, and the moments at which its edges do not fit."""

    gating: Gating
    spans: tuple[Span, ...]
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()


def edge_channels(trace: Trace) -> tuple[str, ...]:
    """Return the channels that have edges in the recording, in alphabetical order."""
    return tuple(sorted({m.channel for m in trace.marks if m.edge != "marker"}))


def gate_marks(trace: Trace, gate: str) -> list[Mark]:
    """Return the edges of a gate in their order.

    Args:
        gate: a channel; or 'text:BEGIN..END', markers whose text begins with BEGIN as rising edges
            and with END as falling ones; or 'text:EACH', where each marker is an event.
    """
    if not gate.startswith(TEXT):
        return [m for m in trace.marks if m.channel == gate and m.edge != "marker"]
    first, to, last = gate.removeprefix(TEXT).partition(TO)
    edges: dict[str, Edge] = {last: "falling", first: "rising"} if to else {first: "falling"}
    return [
        Mark(mark.time_s, gate, edge, mark.uncertainty_s)
        for mark in trace.marks
        for text, edge in edges.items()
        if mark.edge == "marker" and text and mark.channel.startswith(text)
    ]


def find_pulses(trace: Trace, gate: str, bounce_s: float = BOUNCE_S) -> Pulses:
    """Pair the edges of a gate (`gate_marks`).

    Rising to falling is a pulse. A meter that reports one edge alone (an event) gives a pulse
    from each odd event to the next. Pulses and pauses shorter than `bounce_s` are bounce. A pulse
    that the recording does not hold from edge to edge is a fault.
    """
    marks = sorted(gate_marks(trace, gate), key=lambda m: m.time_s)
    kinds = {m.edge for m in marks}
    events = len(kinds) == 1 and len(marks) > 1
    spans, faults = (_pair_events if events else _pair_edges)(marks, trace)
    merged, count = _without_bounce(spans, bounce_s)
    held, outside = _held(merged, trace)
    notes = (f"gate {gate} bounced: {count} edges within {bounce_s * 1e6:g} us taken out",)
    told = notes if count else ()
    gating: Gating = "edge" if events else "channel"
    return Pulses(
        "marker" if gate.startswith(TEXT) else gating,
        held,
        tuple(sorted([*faults, *outside])),
        told,
    )


def _held(spans: Sequence[Span], trace: Trace) -> tuple[tuple[Span, ...], list[Fault]]:
    """Part the pulses that the recording holds from those that it does not hold whole."""
    end = trace.end_s + trace.period_s
    held = tuple(s for s in spans if s.start_s >= 0 and s.end_s <= end)
    why = _because(trace, "a pulse that the recording does not hold")
    return held, [(s.start_s, why) for s in spans if s.start_s < 0 or s.end_s > end]


def _pair_events(marks: Sequence[Mark], trace: Trace) -> tuple[list[Span], list[Fault]]:
    spans = [span_between(a, b) for a, b in zip(marks[::2], marks[1::2], strict=False)]
    odd = [(marks[-1].time_s, _because(trace, "an event without its second"))]
    return spans, odd if len(marks) % 2 else []


def _pair_edges(marks: Sequence[Mark], trace: Trace) -> tuple[list[Span], list[Fault]]:
    spans: list[Span] = []
    faults: list[Fault] = []
    opened: Mark | None = None
    for mark in marks:
        if mark.edge == "rising":
            if opened is not None:
                faults.append((opened.time_s, "a rising edge without its falling one"))
            opened = mark
        elif opened is None:
            faults.append((mark.time_s, "a falling edge without its rising one"))
        else:
            spans.append(span_between(opened, mark))
            opened = None
    if opened is not None:
        faults.append((opened.time_s, _because(trace, "a rising edge without its falling one")))
    return spans, faults


def _because(trace: Trace, what: str) -> str:
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


def span_between(first: Mark, last: Mark) -> Span:
    """Return the span from one mark to another, with their uncertainties."""
    return Span(first.time_s, last.time_s, first.uncertainty_s, last.uncertainty_s)
