"""Hostile files and options of what measures: a cause, a hint, an exit code, never a fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.bench.metering import opened_meter
from edgeq.bench.requests import MeterRequest
from edgeq.cli.app import run
from edgeq.core.errors import InputError, UsageError
from edgeq.device.meters.replay import read_trace, write_trace
from edgeq.device.meters.trace import Mark, Trace
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn
from tests.support.traces import edges, square_wave, trace_of

HEAD = "time_s,current_a,voltage_v,d0\n"
ROWS = [f"{i / 1000:.3f},0.001,3,{int(i % 20 > 9)}" for i in range(100)]


def pulses(**changed: Any) -> Trace:
    """Return a recording with five pulses of 0.1 s on d0."""
    power, spans = square_wave(5, active_w=4.0, idle_w=1.0)
    marks = edges("d0", [edge for span in spans for edge in span])
    return replace(trace_of(power, marks=marks), **changed)


def doubtful(trace: Trace, uncertainty_s: float) -> tuple[Mark, ...]:
    return tuple(replace(mark, uncertainty_s=uncertainty_s) for mark in trace.marks)


HOSTILE_TRACES: Mapping[str, Callable[[], Trace]] = {
    "a period that counts to infinity": lambda: pulses(period_s=5e-324),
    "a period of an age": lambda: pulses(period_s=1e308),
    "edges known to an age": lambda: pulses(marks=doubtful(pulses(), 1e308)),
    "edges known to less than nothing": lambda: pulses(marks=doubtful(pulses(), -1.0)),
    "watts beyond all": lambda: pulses(power_w=pulses().power_w * 1e300),
    "volts beyond all": lambda: pulses(voltage_v=1e300),
    "more channels than any meter": lambda: pulses(
        marks=tuple(Mark(i * 1e-3, f"c{i}", "rising", 0.0) for i in range(100))
    ),
}


@pytest.mark.parametrize("what", HOSTILE_TRACES)
def test_a_recording_with_figures_that_no_meter_gives_is_refused(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.npz"
    write_trace(path, HOSTILE_TRACES[what]())
    line = ["energy", str(path), "--gate", "d0", "--inferences", "1", "--format", "json"]
    assert run(line) == 3
    assert "is no recording of a meter" in json.loads(capsys.readouterr().out)["cause"]


@pytest.mark.parametrize("word", ["inf", "-inf", "nan", "1e308"])
@pytest.mark.parametrize("column", range(3))
def test_a_csv_with_figures_that_no_meter_gives_is_refused(
    word: str, column: int, tmp_path: Path
) -> None:
    cells = ROWS[50].split(",")
    cells[column] = word
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "\n".join([*ROWS[:50], ",".join(cells), *ROWS[51:]]))
    with pytest.raises(InputError, match=r"not finite|no meter gives"):
        read_trace(path)


@pytest.mark.parametrize("line", ["1," * 5000, "1" * 5000])
def test_a_csv_with_an_endless_line_is_refused_before_it_is_parsed(
    line: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "\n".join([*ROWS, line]))
    with pytest.raises(InputError, match="more than 4,096 bytes"):
        read_trace(path)


def test_the_head_of_a_recording_is_bytes(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    write_trace(path, pulses())
    arrays = dict(np.load(path))
    np.savez(path, **{**arrays, "head": np.array([np.nan, 1e300])})
    with pytest.raises(InputError, match="its head is of float64, not of bytes"):
        read_trace(path)


def test_a_meter_that_is_wired_backwards_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = pulses()
    write_trace(
        tmp_path / "t.npz",
        replace(sound, power_w=-sound.power_w, current_a=-sound.current_a),
    )
    line = ["energy", str(tmp_path / "t.npz"), "--gate", "d0", "--inferences", "1"]
    assert run([*line, "--format", "json"]) == 0
    assert any("wired" in note for note in json.loads(capsys.readouterr().out)["warnings"])


@pytest.mark.parametrize("gate", ["d9", "text:" + "x" * 100_000, "\x1b[2J", ""])
def test_a_gate_that_is_not_there_is_told_of_on_one_short_line(
    gate: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trace(tmp_path / "t.npz", pulses())
    assert run(["energy", str(tmp_path / "t.npz"), "--gate", gate, "--inferences", "1"]) == 2
    cause = capsys.readouterr().err.splitlines()[0]
    assert len(cause) < 300
    assert cause.isprintable()


@pytest.mark.parametrize(
    "line",
    [
        ["check"],
        ["energy", "t.npz", "--inferences", "0"],
        ["mlperf", "run", "--mode", "speed"],
        ["meters", "record"],
        ["sweep", "s.toml", "--jobs", "-1"],
        ["bench", "m.tflite", "--board", "local", "--timeout", "0"],
        ["no-such-command"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_valid_json_too(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*line, "--format", "json"]) == 2
    failure = json.loads(capsys.readouterr().out)
    assert (failure["error"], failure["exit_code"]) == ("UsageError", 2)


@pytest.mark.parametrize("port", ["99999", "0", "65536", "１９０５"])
def test_a_tcp_port_that_is_none_is_refused_unopened(
    port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for spec in (f"otii:127.0.0.1:{port},voltage=3", f"ina:socket://127.0.0.1:{port}"):
        assert run(["meters", "record", spec, "--out", str(tmp_path / "t.npz")]) == 2
        assert "is not allowed" in capsys.readouterr().err


def test_a_file_name_that_no_folder_takes_is_refused_before_anything_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trace(tmp_path / "t.npz", pulses())
    out = tmp_path / ("x" * 300 + ".npz")
    assert run(["meters", "record", f"replay:{tmp_path / 't.npz'}", "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith("error: cannot write ")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_battery_that_lasts_for_ever_is_no_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trace(tmp_path / "t.npz", pulses())
    line = ["energy", str(tmp_path / "t.npz"), "--gate", "d0", "--inferences", "1"]
    battery = ["--battery", "1e300Ah@2V", "--every", "1e300s", "--sleep-current", "0A"]
    assert run([*line, *battery]) == 2
    assert "no battery life follows" in capsys.readouterr().err


def kws_labels(folder: Path, text: str) -> list[str]:
    """Return a run that reads these labels, and has no board behind its port."""
    folder.mkdir()
    (folder / "a.bin").write_bytes(bytes(490))
    (folder / "y_labels.csv").write_text(text)
    way = ["--port", "socket://127.0.0.1:1", "--task", "kws01", "--mode", "accuracy"]
    return ["mlperf", "run", *way, "--dataset", str(folder), "--out", str(folder / "out")]


def test_a_loop_of_links_in_the_labels_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = kws_labels(tmp_path / "d", "loop,12,3\n")
    (tmp_path / "d" / "loop").symlink_to("loop")
    assert run(line) == 3
    assert "'loop' leads outside" in capsys.readouterr().err


def test_a_million_labels_are_refused_at_the_first_too_many(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(kws_labels(tmp_path / "d", "a.bin,12,3\n" * 1_000_000)) == 3
    assert "line 100001: more than 100,000 files" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--script", "--devices"])
def test_a_yaml_that_nests_without_end_is_refused_at_once(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "deep.yaml").write_text("[" * 200_000)
    line = kws_labels(tmp_path / "d", "a.bin,12,3\n")
    assert run([*line, option, str(tmp_path / "deep.yaml")]) == 3
    assert "nests more than 32 deep" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_of_before_the_board_is_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = kws_labels(tmp_path / "d", "a.bin,12,3\n")
    assert run([*line[:-1], str(tmp_path / "d" / "a.bin")]) == 2
    assert "cannot write" in capsys.readouterr().err


SWEEP = """
name = "s"
action = "estimate"
boards = ["virt-m4"]
[[models]]
path = "m.tflite"
"""


def write_sweep(folder: Path, more: str = "") -> list[str]:
    (folder / "m.tflite").write_bytes(write_graph(small_cnn()))
    (folder / "s.toml").write_text(SWEEP + more)
    return ["sweep", str(folder / "s.toml"), "--out", str(folder)]


def test_a_sweep_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    mine = [tmp_path / name for name in ("results/base.json", "models/a.tflite", "cells/notes")]
    for path in mine:
        path.parent.mkdir()
        path.write_text("precious")
    line = write_sweep(tmp_path)
    assert run(line) == 0
    assert run([*line, "--fresh"]) == 0
    assert [path.read_text() for path in mine] == ["precious"] * 3


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(f'[[options]]\nname="o"\nruns={"9" * 5000}\n', id="digits"),
        pytest.param(f"x={'[' * 50_000}", id="depth"),
    ],
)
def test_a_sweep_without_bounds_is_refused(
    more: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*write_sweep(tmp_path, more), "--dry-run", "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["exit_code"] == 3


@pytest.mark.parametrize("more", [f"x={'[' * 50_000}", f"clock_hz={'9' * 5000}"], ids=len)
def test_a_board_file_without_bounds_is_refused(more: str, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(more)
    assert run(["boards", "show", str(tmp_path / "b.toml")]) == 3


@pytest.mark.parametrize("address", ["tcp://h:0", "tcp://h:99999", "tcp://h:１"])
def test_a_scheduler_at_no_port_is_refused_unasked(address: str, tmp_path: Path) -> None:
    assert run([*write_sweep(tmp_path), "--scheduler", address]) == 2


def test_a_trace_that_cannot_be_kept_is_told_of_before_the_meter_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeq.device.meters.table.open_meter", lambda spec: pytest.fail(spec))
    request = MeterRequest("replay:t.npz", keep=tmp_path / "no-folder.npz" / "t.npz")
    (tmp_path / "no-folder.npz").touch()
    with pytest.raises(UsageError, match="cannot write"), opened_meter(request):
        pass


@pytest.mark.parametrize("config", ["/dev/zero", "/no/config"])
def test_an_ssh_config_that_is_no_file_is_refused_before_ssh_reads_it(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.tflite").write_bytes(write_graph(small_cnn()))
    line = ["bench", str(tmp_path / "m.tflite"), "--board", "rpi4", "--host", "pi@127.0.0.1:1"]
    assert run([*line, "--ssh-config", config]) == 3
    assert "ssh_config" in capsys.readouterr().err
