"""Cutting a recording: what fits gives windows, what does not fit is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.gating import cut_trace, mark_name
from edgeq.bench.pulses import find_pulses
from edgeq.core.errors import InputError, UsageError
from edgeq.device.meters.trace import Mark, Trace
from tests.support.traces import edges, markers, square_wave, trace_of

POWER, SPANS = square_wave(3, active_w=4.0, idle_w=1.0)
FLAT = [edge for span in SPANS for edge in span]


def spans_of(trace: Trace, gate: str, inferences: int, windows: int | None = None) -> object:
    cut = cut_trace(trace, gate, inferences=inferences, windows=windows)
    return [(w.spans[0].start_s, w.spans[-1].end_s) for w in cut.windows]


def test_the_names_of_markers_are_those_that_the_bench_writes() -> None:
    assert mark_name("window", 2, "begin") == "window 2 begin"


def test_markers_of_the_host_are_windows() -> None:
    trace = trace_of(POWER, marks=markers("window", SPANS))
    assert spans_of(trace, "marker", 7, 3) == SPANS


def test_a_pulse_is_a_window() -> None:
    trace = trace_of(POWER, marks=edges("d0", FLAT))
    cut = cut_trace(trace, "d0", inferences=7)
    assert cut.gating == "channel"
    assert spans_of(trace, "d0", 7) == SPANS
    assert [w.inferences for w in cut.windows] == [7, 7, 7]


def test_a_pulse_for_each_inference_makes_windows_of_several_spans() -> None:
    times = [0.1, 0.12, 0.13, 0.15, 0.3, 0.32, 0.33, 0.35]
    cut = cut_trace(trace_of(POWER, marks=edges("d0", times)), "d0", inferences=2, windows=2)
    assert [len(w.spans) for w in cut.windows] == [2, 2]
    marked = [*edges("d0", times), *markers("window", [(0.09, 0.16), (0.29, 0.36)])]
    cut = cut_trace(trace_of(POWER, marks=marked), "d0", inferences=2, windows=2)
    assert [len(w.spans) for w in cut.windows] == [2, 2]


def test_falling_events_are_taken_in_pairs() -> None:
    marks = [Mark(t, "d7", "falling", 0.0) for t in FLAT]
    cut = cut_trace(trace_of(POWER, marks=marks), "d7", inferences=7)
    assert cut.gating == "edge"
    assert [(w.spans[0].start_s, w.spans[0].end_s) for w in cut.windows] == SPANS


def test_pulses_outside_of_every_marked_window_are_not_counted() -> None:
    marks = [*edges("d0", [0.01, 0.02, *FLAT]), *markers("window", SPANS)]
    assert spans_of(trace_of(POWER, marks=marks), "d0", 7, 3) == SPANS


@pytest.mark.parametrize("lost", range(6))
def test_a_lost_edge_is_never_a_number(lost: int) -> None:
    times = edges("d0", FLAT)
    del times[lost]
    with pytest.raises(InputError, match=r"an? \w+ edge without") as caught:
        cut_trace(trace_of(POWER, marks=times), "d0", inferences=7)
    assert "gate" in caught.value.hint


@pytest.mark.parametrize("lost", range(6))
def test_between_markers_a_lost_edge_costs_its_window_alone(lost: int) -> None:
    times = edges("d0", FLAT)
    del times[lost]
    trace = trace_of(POWER, marks=[*times, *markers("window", SPANS)])
    cut = cut_trace(trace, "d0", inferences=7, windows=3)
    assert len(cut.windows) == 2
    assert f"window {lost // 2} left out: gate d0 has" in cut.warnings[0]


PULSES = [(0.1 * w + 0.01 * i, 0.1 * w + 0.01 * i + 0.007) for w in range(1, 5) for i in range(6)]
AROUND = [(0.1 * w - 0.005, 0.1 * w + 0.062) for w in range(1, 5)]


@given(st.sets(st.integers(0, 2 * len(PULSES) - 1), min_size=1, max_size=6))
def test_whatever_edges_are_lost_no_window_that_is_left_is_wrong(lost: set[int]) -> None:
    gate = edges("d0", [edge for pulse in PULSES for edge in pulse])
    kept = [mark for i, mark in enumerate(gate) if i not in lost]
    trace = trace_of(POWER, marks=[*kept, *markers("window", AROUND)])
    try:
        cut = cut_trace(trace, "d0", inferences=6, windows=4)
    except InputError:
        assert len({i // 12 for i in lost}) == 4
        return
    whole = [w for w in range(4) if not any(i // 12 == w for i in lost)]
    found = [tuple((s.start_s, s.end_s) for s in window.spans) for window in cut.windows]
    assert found == [tuple(PULSES[6 * w : 6 * w + 6]) for w in whole]
    assert len(cut.warnings) == 4 - len(whole)


def test_a_pulse_near_an_uncertain_marker_is_in_one_window_alone() -> None:
    gate = edges("d0", [edge for pulse in PULSES for edge in pulse])
    doubtful = markers("window", AROUND, uncertainty_s=0.06)
    cut = cut_trace(trace_of(POWER, marks=[*gate, *doubtful]), "d0", inferences=6, windows=4)
    assert [len(window.spans) for window in cut.windows] == [6, 6, 6, 6]
    assert cut.warnings == ()


def test_a_pulse_before_an_idle_window_is_in_no_window_however_uncertain_its_markers_are() -> None:
    gate = edges("d0", [0.02, 0.04, *(edge for pulse in PULSES for edge in pulse), 0.58, 0.59])
    doubtful = markers("window", AROUND, uncertainty_s=0.2)
    idle = markers("idle", [(0.05, 0.09), (0.5, 0.55)], uncertainty_s=0.2)
    trace = trace_of(POWER, marks=[*gate, *doubtful, *idle])
    cut = cut_trace(trace, "auto", inferences=6, windows=4)
    assert cut.source == "d0"
    assert [len(window.spans) for window in cut.windows] == [6, 6, 6, 6]


@pytest.mark.parametrize("times", [[0.65, 0.8], [-0.1, 0.05]])
def test_a_pulse_that_the_recording_does_not_hold_is_a_fault(times: list[float]) -> None:
    trace = trace_of(POWER, marks=edges("d0", times), fault="unplugged")
    with pytest.raises(InputError, match=r"a pulse that the recording does not hold \(unplugged\)"):
        cut_trace(trace, "d0", inferences=1)


@pytest.mark.parametrize(("fault", "left"), [(None, 3), ("unplugged", 2)])
def test_an_uncertain_marker_saves_no_window_behind_the_end_of_a_lost_meter(
    fault: str | None, left: int
) -> None:
    end_s = trace_of(POWER).end_s
    spans = [*SPANS[:2], (end_s - 0.01, end_s + 0.1)]
    marks = markers("window", spans, uncertainty_s=0.2)
    cut = cut_trace(trace_of(POWER, marks=marks, fault=fault), "marker", inferences=7, windows=3)
    assert len(cut.windows) == left


def test_two_events_at_one_moment_are_no_window() -> None:
    marks = [Mark(0.1, "d7", "falling", 0.0)] * 2
    with pytest.raises(InputError, match="no pulses"):
        cut_trace(trace_of(POWER, marks=marks), "d7", inferences=1)


def texts(*names: str) -> list[Mark]:
    """Return markers with these texts in turn at the edges of the windows."""
    return [Mark(t, names[i % len(names)], "marker", 1e-3) for i, t in enumerate(FLAT)]


@pytest.mark.parametrize("gate", ["text:infer start..infer end", "text:infer"])
def test_lines_of_the_boards_uart_are_a_gate(gate: str) -> None:
    trace = trace_of(POWER, marks=texts("infer start 1", "infer end 1"))
    cut = cut_trace(trace, gate, inferences=7)
    assert (cut.gating, cut.source) == ("marker", gate)
    assert [(w.spans[0].start_s, w.spans[0].end_s) for w in cut.windows] == SPANS
    assert cut.windows[0].spans[0].start_uncertainty_s == 1e-3


def test_a_line_without_its_partner_is_told() -> None:
    trace = trace_of(POWER, marks=texts("start", "end")[1:])
    with pytest.raises(InputError, match=r"a falling edge without its rising one at 0\.2"):
        cut_trace(trace, "text:start..end", inferences=7)
    with pytest.raises(UsageError, match="no edge of gate 'text:other'"):
        cut_trace(trace, "text:other", inferences=7)


def test_a_lost_pulse_and_an_added_one_are_told_by_their_length() -> None:
    pulses = [*PULSES[:5], (0.152, 0.1521), *PULSES[6:]]
    gate = edges("d0", [edge for pulse in pulses for edge in pulse])
    trace = trace_of(POWER, marks=[*gate, *markers("window", AROUND)])
    cut = cut_trace(trace, "d0", inferences=6, windows=4)
    assert len(cut.windows) == 4
    assert "last from 100 us to 7 ms: edges may be lost or added" in cut.warnings[0]


def test_an_odd_event_is_told() -> None:
    marks = [Mark(t, "d7", "falling", 0.0) for t in FLAT[:-1]]
    with pytest.raises(InputError, match="an event without its second"):
        cut_trace(trace_of(POWER, marks=marks), "d7", inferences=7)


@pytest.mark.parametrize("windows", [2, 4])
def test_another_number_of_pulses_than_wanted_is_told(windows: int) -> None:
    trace = trace_of(POWER, marks=edges("d0", FLAT))
    with pytest.raises(InputError, match=f"3 pulses where {windows} windows"):
        cut_trace(trace, "d0", inferences=7, windows=windows)


def test_an_extra_pulse_in_a_window_is_told() -> None:
    inside = [0.11, 0.12, *FLAT[2:]]
    times = edges("d0", [0.1, 0.105, *inside])
    trace = trace_of(POWER, marks=[*times, *markers("window", SPANS)])
    cut = cut_trace(trace, "d0", inferences=7, windows=3)
    assert len(cut.windows) == 2
    assert "2 pulses where 1 or 7 would fit 7 inferences" in cut.warnings[0]


@given(st.lists(st.floats(1e-7, 9e-6), min_size=1, max_size=3), st.integers(0, 5))
def test_bounce_is_taken_out_and_told(steps: list[float], edge: int) -> None:
    times = list(FLAT)
    moment = times[edge]
    for step in steps:
        bounce = [moment, moment + step / 2, moment + step]
        at = times.index(moment)
        times[at : at + 1] = bounce
        moment = bounce[-1]
    pulses = find_pulses(trace_of(POWER, marks=edges("d0", times)), "d0")
    assert len(pulses.spans) == 3
    assert not pulses.faults
    assert f"bounced: {2 * len(steps)} edges" in pulses.warnings[0]
    found = [t for s in pulses.spans for t in (s.start_s, s.end_s)]
    assert found == pytest.approx(FLAT, abs=3e-5)


def test_a_recording_that_ends_in_a_window_says_why() -> None:
    marks = [*markers("window", SPANS[:2]), Mark(SPANS[2][0], "window 2 begin", "marker", 0.0)]
    trace = trace_of(POWER[:520], marks=marks, fault="the port is gone")
    cut = cut_trace(trace, "marker", inferences=7, windows=3)
    assert len(cut.windows) == 2
    assert cut.warnings == ("1 of 3 windows are not in the recording: the port is gone",)


def test_a_window_that_ends_after_the_last_sample_is_left_out() -> None:
    trace = trace_of(POWER[:550], marks=markers("window", SPANS), fault="unplugged")
    cut = cut_trace(trace, "marker", inferences=7, windows=3)
    assert len(cut.windows) == 2
    assert "unplugged" in cut.warnings[0]


def test_auto_takes_the_channel_that_fits_and_else_the_markers() -> None:
    noise = edges("d1", [0.11, 0.12, 0.13, 0.14, 0.31, 0.32])
    gate, marked = edges("d0", FLAT), markers("window", SPANS)
    both = cut_trace(trace_of(POWER, marks=[*noise, *gate, *marked]), "auto", inferences=7)
    assert (both.gating, both.source) == ("channel", "d0")
    none = cut_trace(trace_of(POWER, marks=[*noise, *marked]), "auto", inferences=7, windows=3)
    assert none.gating == "marker"
    twins = [*gate, *edges("d2", FLAT), *marked]
    two = cut_trace(trace_of(POWER, marks=twins), "auto", inferences=7, windows=3)
    assert two.gating == "marker"
    assert "d0, d2" in two.warnings[0]
    torn = cut_trace(trace_of(POWER, marks=[*gate[:-1], *marked]), "auto", inferences=7, windows=3)
    assert torn.gating == "marker"
    assert "a channel with faults could be the gate (d0)" in torn.warnings[0]


def test_idle_windows_are_drawn_in_by_their_uncertainty() -> None:
    marks = [*markers("window", SPANS), *markers("idle", [(0.0, 0.1), (0.6, 0.9)], 0.01)]
    cut = cut_trace(trace_of(POWER, marks=marks), "marker", inferences=7)
    found = [(s.start_s, s.end_s) for s in cut.idle]
    assert found[0] == pytest.approx((0.01, 0.09))
    assert found[1] == pytest.approx((0.61, 0.7))


def test_a_channel_without_edges_is_a_usage_error_that_names_those_with() -> None:
    with pytest.raises(UsageError, match="edges on: d0") as caught:
        cut_trace(trace_of(POWER, marks=edges("d0", FLAT)), "d3", inferences=1)
    assert "--gate marker" in caught.value.hint


def test_a_recording_without_markers_has_no_marked_window() -> None:
    with pytest.raises(InputError, match="no window between markers"):
        cut_trace(trace_of(POWER, marks=edges("d0", FLAT)), "marker", inferences=1)


@pytest.mark.parametrize(("inferences", "windows"), [(0, None), (1, 0)])
def test_a_window_of_nothing_is_a_usage_error(inferences: int, windows: int | None) -> None:
    with pytest.raises(UsageError, match="no inference"):
        cut_trace(trace_of(POWER), "marker", inferences=inferences, windows=windows)


def test_edges_in_any_order_of_any_channel_never_crash() -> None:
    marks = [Mark(0.1, "d0", "falling", 0.0), Mark(0.1, "d0", "rising", 0.0)]
    with pytest.raises(InputError):
        cut_trace(trace_of(POWER, marks=marks), "d0", inferences=1)
