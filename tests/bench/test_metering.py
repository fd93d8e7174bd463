"""The host's side: windows long enough, marked, and never a recording lost with its meter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from edgeq.bench import metering
from edgeq.bench.metering import meter_board, record_windows
from edgeq.bench.requests import MeterRequest
from edgeq.boards.registry import find_board
from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.meters.replay import read_trace
from tests.support.fake_meter import ACTIVE_W, IDLE_W, Clock, FakeMeter, TimedRunner

MCU = replace(find_board("virt-m4"), id="mcu", kind="mcu")
QUICK = MeterRequest("fake:", gate="marker", windows=3, window_s=0.1, idle_s=0.05)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock that the measurement goes by."""
    found = Clock()
    monkeypatch.setattr(metering, "time", found)
    return found


def truth(runner: TimedRunner) -> float:
    """Return the median joules of an inference, from how long the board was really busy."""
    each = sorted(ACTIVE_W * (b - a) / n for a, b, n in runner.busy[-3:])
    return each[1]


def test_windows_are_as_long_as_asked_for_and_hold_the_same_number_each(clock: Clock) -> None:
    runner = TimedRunner(clock, inference_s=2e-3)
    inferences = record_windows(runner, FakeMeter(runner), QUICK)
    windows = runner.busy[-3:]
    assert [n for _, _, n in windows] == [inferences] * 3
    assert all(0.1 <= b - a <= 0.104 for a, b, _ in windows)


def test_the_energy_is_what_the_board_really_took_within_the_stated_uncertainty(
    clock: Clock,
) -> None:
    runner = TimedRunner(clock, link_s=4e-3)
    record = meter_board(runner, FakeMeter(runner), QUICK, MCU)
    assert record.kind == "measured"
    assert record.gating == "marker"
    assert record.uncertainty_j is not None
    assert abs(record.per_inference_j - truth(runner)) <= record.uncertainty_j
    assert record.idle_w == pytest.approx(IDLE_W)
    assert len(record.windows) == 3


def test_a_gate_gives_the_energy_without_the_link(clock: Clock) -> None:
    runner = TimedRunner(clock, link_s=4e-3)
    request = MeterRequest("fake:", "auto", 3, 0.1, 0.05)
    record = meter_board(runner, FakeMeter(runner, gate=True), request, MCU)
    assert record.gating == "channel"
    assert record.per_inference_j == pytest.approx(truth(runner), rel=1e-3)


def test_a_virtual_board_is_never_measured(clock: Clock) -> None:
    runner = TimedRunner(clock)
    record = meter_board(runner, FakeMeter(runner), QUICK, find_board("virt-m4"))
    assert record.kind == "simulated"
    assert "(simulated)" in record.source


def test_a_recording_is_kept_and_gives_the_same_record_again(clock: Clock, tmp_path: Path) -> None:
    from edgeq import api

    keep = tmp_path / "kept.npz"
    runner = TimedRunner(clock)
    request = MeterRequest("fake:", "marker", 3, 0.1, 0.05, keep)
    record = meter_board(runner, FakeMeter(runner), request, MCU)
    assert api.energy(keep, gate="marker") == record


def test_a_meter_lost_in_mid_run_leaves_what_it_recorded(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner = TimedRunner(clock, link_s=1e-3)
    record = meter_board(runner, FakeMeter(runner, lost_at="window 1 begin"), QUICK, MCU)
    assert not record.complete
    assert len(record.windows) == 1
    assert record.recording == "edgeq-mcu-incomplete.npz"
    assert read_trace(tmp_path / "edgeq-mcu-incomplete.npz").fault == "the port is gone"


def test_a_meter_lost_before_the_first_window_is_an_error_that_names_the_recording(
    clock: Clock,
    tmp_path: Path,
) -> None:
    keep = tmp_path / "kept.npz"
    runner = TimedRunner(clock)
    request = MeterRequest("fake:", "marker", 3, 0.1, 0.05, keep)
    with pytest.raises(DeviceError, match=r"kept\.npz") as caught:
        meter_board(runner, FakeMeter(runner, lost_at="window 0 begin"), request, MCU)
    assert caught.value.exit_code == 5
    assert read_trace(keep).fault == "the port is gone"


def test_a_board_lost_in_mid_run_leaves_the_recording(clock: Clock, tmp_path: Path) -> None:
    keep = tmp_path / "kept.npz"
    runner = TimedRunner(clock, dies_at_run=4)
    request = MeterRequest("fake:", "marker", 3, 0.1, 0.05, keep)
    with pytest.raises(DeviceError, match="fell silent; what was recorded is kept in"):
        meter_board(runner, FakeMeter(runner), request, MCU)
    assert read_trace(keep).fault is None


def test_an_interrupt_in_mid_run_leaves_the_recording_marked_as_such(
    clock: Clock, tmp_path: Path
) -> None:
    keep = tmp_path / "kept.npz"
    runner = TimedRunner(clock, dies_at_run=4, dies_of=KeyboardInterrupt())
    request = MeterRequest("fake:", "marker", 3, 0.1, 0.05, keep)
    with pytest.raises(KeyboardInterrupt, match=r"kept in .*kept\.npz"):
        meter_board(runner, FakeMeter(runner), request, MCU)
    assert read_trace(keep).fault == "interrupted"


def test_a_channel_without_pulses_is_a_device_error_that_keeps_the_recording(
    clock: Clock,
    tmp_path: Path,
) -> None:
    runner = TimedRunner(clock)
    request = MeterRequest("fake:", "d3", 3, 0.1, 0.05, tmp_path / "kept.npz")
    with pytest.raises(DeviceError, match="no edge of gate 'd3'"):
        meter_board(runner, FakeMeter(runner, gate=True), request, MCU)
    assert (tmp_path / "kept.npz").exists()


def test_a_gate_that_the_meter_does_not_have_is_refused_before_it_records(clock: Clock) -> None:
    runner = TimedRunner(clock)
    with pytest.raises(UsageError, match="no channel 'd9'") as caught:
        meter_board(runner, FakeMeter(runner), MeterRequest("fake:", "d9"), MCU)
    assert "marker, d0, d3" in caught.value.hint
    assert runner.busy == []


def test_a_kept_recording_is_never_written_over(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("edgeq-mcu-incomplete.npz", "edgeq-mcu-incomplete-2.npz"):
        runner = TimedRunner(clock, link_s=1e-3)
        lost = FakeMeter(runner, lost_at="window 1 begin")
        assert meter_board(runner, lost, QUICK, MCU).recording == name


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows": 0},
        {"window_s": 0.0},
        {"window_s": float("nan")},
        {"idle_s": -1.0},
        {"windows": 1000, "window_s": 10.0},
    ],
)
def test_windows_that_cannot_be_are_no_request(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="windows"):
        MeterRequest("ppk2:", **wrong)


@pytest.mark.parametrize("inference_s", [2e-5, 1e-3, 0.03, 0.5])
@pytest.mark.parametrize("link_s", [0.0, 1e-3, 0.016])
def test_trials_take_little_time_and_fill_the_window(
    clock: Clock, inference_s: float, link_s: float
) -> None:
    runner = TimedRunner(clock, inference_s=inference_s, link_s=link_s)
    began = clock.now
    watch = metering.Stopwatch(runner, FakeMeter(runner))
    inferences, each = metering.choose_inferences(watch, 0.5, 120.0)
    assert each == pytest.approx(inference_s)
    assert 0.5 <= inferences * inference_s < 0.5 + 2 * inference_s
    assert clock.now - began < 0.4 + 20 * link_s + 2 * inference_s


def test_a_window_of_too_many_inferences_is_refused(clock: Clock) -> None:
    runner = TimedRunner(clock, inference_s=0.0)
    request = MeterRequest("fake:", windows=1, window_s=2000.0)
    with pytest.raises(UsageError, match="more than 1,000,000"):
        record_windows(runner, FakeMeter(runner), request)
