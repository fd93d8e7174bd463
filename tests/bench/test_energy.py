"""Energy of recordings of known integral: the right joules, and a word for each fault."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.budget import estimate_energy
from edgeq.bench.energy import label_trace, measure_energy
from edgeq.boards.registry import find_board
from edgeq.core.records import BoardKind, EnergyRecord
from edgeq.device.meters.replay import ReplayMeter
from edgeq.device.meters.trace import Mark, Trace
from tests.support.traces import VOLTS, edges, markers, square_wave, trace_of

N = 10


def wave(windows: int = 5, *, active: float = 4.0, idle: float = 1.0, **options: object) -> Trace:
    """Return windows of 0.1 s between markers, with idle windows before and after."""
    power, spans = square_wave(windows, active_w=active, idle_w=idle)
    last = len(power) * 1e-3
    marks = [*markers("window", spans), *markers("idle", [(0.0, 0.1), (last - 0.1, last)])]
    return trace_of(power, marks=marks, **options)  # type: ignore[arg-type]


def energy(trace: Trace, gate: str = "marker", windows: int = 5) -> EnergyRecord:
    return measure_energy(trace, gate, inferences=N, windows=windows)


def test_the_energy_of_a_known_trace() -> None:
    record = energy(wave())
    assert record.kind == "measured"
    assert record.per_inference_j == pytest.approx(4.0 * 0.1 / N)
    assert record.net_per_inference_j == pytest.approx(3.0 * 0.1 / N)
    assert record.charge_c == pytest.approx(4.0 / VOLTS * 0.1 / N)
    assert record.average_w == pytest.approx(4.0)
    assert record.idle_w == pytest.approx(1.0)
    assert (record.low_j, record.high_j) == pytest.approx((0.04, 0.04))
    assert (record.mad_j, record.uncertainty_j) == pytest.approx((0.0, 0.0), abs=1e-12)
    assert record.warnings == ()
    assert record.complete
    assert record.source == "Test Meter, host markers, 5 windows of 10 inferences"


@given(
    st.lists(st.floats(0.0, 100.0), min_size=40, max_size=60),
    st.tuples(st.integers(0, 39), st.integers(1, 20)),
)
def test_a_window_at_sample_boundaries_is_the_sum_of_its_samples(
    power: list[float], at: tuple[int, int]
) -> None:
    first, last = at[0], min(len(power), at[0] + at[1])
    marks = edges("d0", [first * 1e-3, last * 1e-3])
    record = measure_energy(trace_of(power, marks=marks), "d0", inferences=1)
    assert record.per_inference_j == pytest.approx(1e-3 * math.fsum(power[first:last]), abs=1e-12)


def test_a_pulse_for_each_inference_leaves_the_pauses_out() -> None:
    power = np.ones(1000)
    times = []
    for i in range(20):
        power[50 * i + 10 : 50 * i + 30] = 5.0
        times += [(50 * i + 10) * 1e-3, (50 * i + 30) * 1e-3]
    record = measure_energy(
        trace_of(power, marks=edges("d0", times)), "d0", inferences=4, windows=5
    )
    assert record.per_inference_j == pytest.approx(5.0 * 0.02)
    assert [w.duration_s for w in record.windows] == pytest.approx([0.08] * 5)


def test_windows_that_differ_give_a_spread_and_an_interval_around_the_median() -> None:
    power, spans = square_wave(9, active_w=0.0, idle_w=0.0)
    for i, (start, _) in enumerate(spans):
        power[round(start * 1e3) : round(start * 1e3) + 100] = 1.0 + 0.01 * ((i * 5) % 9)
    record = energy(trace_of(power, marks=markers("window", spans)), windows=9)
    assert record.per_inference_j == pytest.approx(1.04 * 0.1 / N)
    assert record.mad_j == pytest.approx(0.02 * 0.1 / N)
    assert record.low_j is not None
    assert record.high_j is not None
    assert record.low_j < record.per_inference_j < record.high_j


def test_the_uncertainty_is_that_of_both_edges_times_the_power_there() -> None:
    power, spans = square_wave(5, active_w=4.0, idle_w=1.0)
    record = energy(trace_of(power, marks=markers("window", spans, uncertainty_s=2e-3)))
    assert record.uncertainty_j == pytest.approx(2 * 2e-3 * 4.0 / N)
    assert any("the gating may be wrong by 4.0%" in w for w in record.warnings)


def test_a_window_with_a_gap_is_left_out_and_told() -> None:
    record = energy(wave(lost=range(310, 340)))
    assert [w.lost_samples for w in record.windows] == [0, 30, 0, 0, 0]
    assert [w.used for w in record.windows] == [True, False, True, True, True]
    assert "window 1 lost 30 samples: left out of the figures" in record.warnings
    assert record.meter is not None
    assert (record.meter.lost_samples, record.meter.gaps) == (30, 1)
    assert record.per_inference_j == pytest.approx(0.04)


@given(st.integers(1, 1090), st.integers(1, 200))
def test_each_gap_in_a_window_is_told_and_no_other(first: int, count: int) -> None:
    lost = range(first, min(first + count, 1099))
    record = energy(wave(lost=lost))
    for i, window in enumerate(record.windows):
        inside = range(max(lost.start, 200 * i + 100), min(lost.stop, 200 * i + 200))
        assert window.lost_samples == len(inside)
        assert any(w.startswith(f"window {i} lost") for w in record.warnings) == bool(inside)
        assert window.used or inside
    assert record.meter is not None
    assert record.meter.lost_samples == len(lost)


def test_where_too_few_windows_are_whole_a_gap_is_bridged_and_told() -> None:
    record = energy(wave(3, lost=range(340, 370)), windows=3)
    assert all(w.used for w in record.windows)
    assert record.windows[1].energy_j == pytest.approx(0.4)
    assert any("window 1 lost 30 samples: bridged" in w for w in record.warnings)
    assert any("3 windows are too few" in w for w in record.warnings)


def test_clipped_samples_make_the_energy_a_lower_bound() -> None:
    record = energy(wave(clipped=[120, 121]))
    assert record.windows[0].clipped_samples == 2
    assert "2 samples of the windows are clipped: the energy is at least this" in record.warnings


def test_a_lost_meter_leaves_an_incomplete_record() -> None:
    whole = wave()
    kept = 750
    cut = dataclasses.replace(
        whole,
        time_s=whole.time_s[:kept],
        current_a=whole.current_a[:kept],
        power_w=whole.power_w[:kept],
        clipped=whole.clipped[:kept],
        fault="the port is gone",
    )
    record = energy(cut)
    assert not record.complete
    assert len(record.windows) == 3
    assert any("2 of 5 windows are not in the recording" in w for w in record.warnings)
    assert "the recording is incomplete: the port is gone" in record.warnings


def test_a_baseline_that_drifts_is_told() -> None:
    power, spans = square_wave(5, active_w=4.0, idle_w=1.0)
    power[-100:] += 0.5
    marks = [*markers("window", spans), *markers("idle", [(0.0, 0.1), (1.0, 1.1)])]
    record = energy(trace_of(power, marks=marks))
    assert "baseline drift: idle power was 1 W before and 1.5 W after" in record.warnings


def test_windows_that_rise_from_first_to_last_are_told() -> None:
    power, spans = square_wave(5, active_w=4.0, idle_w=1.0)
    for i, (start, _) in enumerate(spans):
        power[round(start * 1e3) : round(start * 1e3) + 100] += 0.1 * i
    record = energy(trace_of(power, marks=markers("window", spans)))
    assert any("drifts by +10.0%" in w for w in record.warnings)


def test_without_an_idle_window_nothing_is_subtracted() -> None:
    power, spans = square_wave(5, active_w=4.0, idle_w=1.0)
    record = energy(trace_of(power, marks=markers("window", spans)))
    assert record.idle_w is None
    assert record.net_per_inference_j is None
    assert "no idle window: the idle power is not known" in record.warnings


def test_a_board_that_idles_as_high_as_it_infers_has_no_net_energy() -> None:
    record = energy(wave(active=1.0, idle=1.0))
    assert any("net energy is noise" in w for w in record.warnings)


def test_lost_samples_of_an_idle_window_are_told() -> None:
    record = energy(wave(lost=range(20, 30)))
    assert "idle window 0 lost 10 samples" in record.warnings


def test_the_meters_own_warnings_are_passed_on() -> None:
    trace = dataclasses.replace(wave(), warnings=("calibrate it",))
    assert energy(trace).warnings == ("calibrate it",)


@pytest.mark.parametrize(
    ("board", "kind"), [("mcu", "measured"), ("linux", "measured"), ("virtual", "simulated")]
)
def test_measured_is_what_a_real_meter_reads_on_a_real_board(board: BoardKind, kind: str) -> None:
    labelled = label_trace(wave(), board)
    assert labelled.kind == kind
    assert label_trace(labelled, board) == labelled
    assert energy(labelled).kind == kind
    assert label_trace(ReplayMeter(wave()).stop(), board).kind == "simulated"


def test_a_spike_of_one_sample_is_in_the_plot() -> None:
    power, spans = square_wave(5, active_w=4.0, idle_w=1.0, samples=1000)
    power[4321] = 60.0
    plot = energy(
        trace_of(power, marks=[Mark(a, f"window {i} {e}", "marker", 0.0)
                               for i, span in enumerate(spans)
                               for a, e in zip(span, ("begin", "end"), strict=True)])
    ).plot  # fmt: skip
    assert plot is not None
    assert len(plot.low_w) == len(plot.high_w) == 240
    assert max(plot.high_w) == 60.0
    assert plot.gates == tuple(pytest.approx(s) for s in spans)


def test_a_profiles_power_gives_an_estimate_with_its_source() -> None:
    board = find_board("nucleo-l4r5zi")
    record = estimate_energy(board, 0.1)
    assert record is not None
    assert record.kind == "estimated"
    assert record.per_inference_j == pytest.approx(0.0132 * 3.3 * 0.1)
    assert record.charge_c == pytest.approx(0.00132)
    assert "DS12023" in record.source


def test_a_board_without_power_figures_has_no_energy() -> None:
    assert estimate_energy(find_board("virt-m4"), 0.1) is None
