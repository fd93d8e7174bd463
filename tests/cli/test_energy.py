"""Energy on the command line: with a meter, from a kept recording, and from the profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.cli.app import run
from edgeq.device.meters.replay import read_trace, write_trace
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn
from tests.support.traces import edges, markers, square_wave, trace_of

BATTERY = ["--battery", "230mAh@2V", "--every", "10s"]


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return str(path)


def pulses(folder: Path, *, fault: str | None = None) -> str:
    """Return the file of a recording with five pulses of 0.1 s on d0."""
    power, spans = square_wave(5, active_w=4.0, idle_w=1.0)
    marks = edges("d0", [edge for span in spans for edge in span])
    path = folder / "pulses.npz"
    write_trace(path, trace_of(power, marks=marks, fault=fault))
    return str(path)


def read_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def bench(model: str, recording: str, *more: str) -> int:
    """Bench on the virtual board with short windows and no layers."""
    quick = ["--window-seconds", "0.05", "--idle-seconds", "0.02", "--no-layers"]
    meter = ["--meter", f"replay:{recording}"]
    return run(["bench", model, "--board", "virt-m4", *meter, *quick, "--format", "json", *more])


def test_a_virtual_board_with_a_replayed_meter_is_simulated(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ziglang")
    more = ["--gate", "d0", *BATTERY, "--sleep-current", "2uA"]
    assert bench(model, pulses(tmp_path), *more) == 0
    energy = read_json(capsys)["energy"]
    (inferences,) = {w["inferences"] for w in energy["windows"]}
    assert energy["kind"] == "simulated"
    assert energy["gating"] == "channel"
    assert energy["per_inference_j"] == pytest.approx(0.4 / inferences)
    assert energy["battery"]["kind"] == "estimated"
    assert "Test Meter (simulated)" in energy["battery"]["sources"]["active"]


def test_a_deploy_refuses_an_unknown_current_before_it_does_anything(
    tmp_path: Path,
    model: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["deploy", model, "--data", "digits", "--board", "virt-m4", *BATTERY]) == 2
    assert "current, which battery life needs" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_recording_without_marks_gets_those_of_the_host(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ziglang")
    flat, kept = tmp_path / "flat.npz", tmp_path / "kept.npz"
    write_trace(flat, trace_of(np.full(600_000, 0.02)))
    assert bench(model, str(flat), "--keep-trace", str(kept)) == 0
    energy = read_json(capsys)["energy"]
    assert energy["gating"] == "marker"
    assert energy["average_w"] == pytest.approx(0.02)
    assert energy["idle_w"] == pytest.approx(0.02)
    assert run(["energy", str(kept), "--format", "json"]) == 0
    again = read_json(capsys)
    assert again == energy


def test_a_meter_lost_in_mid_run_leaves_with_5_and_the_recording(
    tmp_path: Path,
    model: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("ziglang")
    monkeypatch.chdir(tmp_path)
    recording = pulses(tmp_path, fault="the port is gone")
    assert bench(model, recording, "--gate", "d0") == 5
    out = capsys.readouterr()
    assert json.loads(out.out)["energy"]["complete"] is False
    assert "edgeq-virt-m4-incomplete.npz" in out.err
    assert "hint:" in out.err
    assert read_trace(tmp_path / "edgeq-virt-m4-incomplete.npz").fault == "the port is gone"


def test_a_battery_without_figures_is_refused_before_anything_runs(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", model, "--board", "virt-m4", *BATTERY]) == 2
    assert "active and sleep current" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", [["--gate", "d0"], ["--windows", "3"], ["--idle-seconds", "0"], ["--keep-trace", "x"]]
)
def test_options_of_a_meter_need_a_meter(
    model: str, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", model, "--board", "virt-m4", *option]) == 2
    assert "--meter" in capsys.readouterr().err


def test_a_kept_recording_is_analysed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["energy", pulses(tmp_path), "--gate", "d0", "--inferences", "10"]
    assert run([*arguments, "--format", "json"]) == 0
    assert read_json(capsys)["per_inference_j"] == pytest.approx(0.04)
    assert run(arguments) == 0
    text = capsys.readouterr().out
    assert "40 mJ (40 mJ to 40 mJ), measured" in text
    assert "no idle window" in text
    assert run([*arguments, "--format", "csv"]) == 0
    assert "window,start,lasts" in capsys.readouterr().out


def test_the_profile_of_a_board_gives_the_sleep_current(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["energy", pulses(tmp_path), "--inferences", "10", "--board", "nucleo-l4r5zi"]
    assert run([*arguments, *BATTERY, "--format", "json"]) == 0
    battery = read_json(capsys)["battery"]
    assert "DS12023" in battery["sources"]["sleep"]
    assert battery["active_s"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ([], 2, "--inferences"),
        (["--gate", "d5", "--inferences", "1"], 2, "edges on: d0"),
        (["--gate", "marker", "--inferences", "1"], 3, "no window between markers"),
        (["--inferences", "1", "--windows", "4"], 3, "no window"),
        (["--gate", "d0", "--inferences", "1", "--windows", "4"], 3, "5 pulses where 4"),
        (["--inferences", "1", *BATTERY], 2, "sleep current"),
        (["--inferences", "1", "--every", "10s"], 2, "without --battery"),
    ],
)
def test_what_does_not_fit_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: int, says: str
) -> None:
    assert run(["energy", pulses(tmp_path), *more]) == code
    err = capsys.readouterr().err
    assert says in err
    assert "hint:" in err


def test_a_file_that_is_no_recording_is_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"no zip")
    assert run(["energy", str(path), "--inferences", "1"]) == 3
    assert "x.npz" in capsys.readouterr().err


def test_a_marked_recording_knows_its_inferences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    power, spans = square_wave(5, active_w=4.0, idle_w=1.0)
    path = tmp_path / "marked.npz"
    write_trace(path, trace_of(power, marks=markers("window", spans, inferences=20)))
    assert run(["energy", str(path), "--format", "json"]) == 0
    assert read_json(capsys)["per_inference_j"] == pytest.approx(0.02)


def test_an_estimate_has_energy_and_battery_life_where_the_profile_has_figures(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["estimate", model, "-b", "nucleo-l4r5zi", *BATTERY, "--format", "json"]) == 0
    (record,) = read_json(capsys)
    energy, latency = record["energy"], record["latency"]
    assert energy["typical_j"] == pytest.approx(0.0132 * 3.3 * latency["typical_s"])
    assert energy["low_j"] < energy["typical_j"] < energy["high_j"]
    assert "DS12023" in energy["source"]
    assert record["battery"]["life_s"] > 0
    assert any("2 V" in note for note in record["notes"])
    assert run(["estimate", model, "-b", "virt-m4", *BATTERY, "--format", "json"]) == 0
    (bare,) = read_json(capsys)
    assert bare["energy"] is None
    assert any("battery life unknown" in note for note in bare["notes"])
