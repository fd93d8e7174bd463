"""`edgeq estimate` informs: a table for every board, exit 0 whatever it says."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from edgeq.boards.registry import list_boards
from edgeq.cli.app import run
from edgeq.core.processes import run as run_program
from edgeq.graph.ir import Graph
from edgeq.graph.writer import write_graph
from tests.support.models import activation, conv_model, one_op
from tests.support.small_cnn import small_cnn

UNTRAINED = """
import sys, keras
model = keras.Sequential([
    keras.Input(tuple(int(n) if n != "?" else None for n in sys.argv[2].split("x"))),
    keras.layers.Conv2D(4, 3, activation="relu"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(3),
])
model.save(sys.argv[1])
"""


def _write(folder: Path, graph: Graph) -> str:
    path = folder / "small.tflite"
    path.write_bytes(write_graph(graph))
    return str(path)


def test_every_board_stands_in_one_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["estimate", _write(tmp_path, small_cnn()), "--all-boards"]) == 0
    out = capsys.readouterr().out
    assert "small (estimated)" in out
    assert all(board.id in out for board in list_boards())


def test_json_has_the_range_and_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _write(tmp_path, small_cnn())
    assert run(["estimate", model, "--board", "nucleo-l4r5zi", "--format", "json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["kind"] == "estimated"
    assert record["fits"] is True
    latency = record["latency"]
    assert 0 < latency["low_s"] < latency["typical_s"] < latency["high_s"]
    assert "MLPerf Tiny" in latency["source"]


def test_the_goal_is_the_compilers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "square.tflite"
    path.write_bytes(write_graph(conv_model(height=16, width=16, in_channels=16, out_channels=16)))
    flash = []
    for goal in ("balanced", "speed"):
        command = ["estimate", str(path), "--board", "virt-m4", "--optimize", goal]
        assert run([*command, "--format", "json"]) == 0
        (record,) = json.loads(capsys.readouterr().out)
        assert not [note for note in record["notes"] if "eq_" in note]  # no kernel is guessed
        flash.append(record["flash"]["used"])
    assert flash[1] > flash[0] + 16 * 16 * 9  # Winograd's weights


def test_csv_has_one_line_a_board_and_distinct_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["estimate", _write(tmp_path, small_cnn()), "--format", "csv"]) == 0
    names, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert len(rows) == len(list_boards())
    assert {len(row) for row in rows} == {len(names)}
    assert len(set(names)) == len(names)


def test_what_is_not_supported_is_said_and_leaves_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = one_op("EXP", [activation((1, 8))], activation((1, 8)), {})
    assert run(["estimate", _write(tmp_path, graph), "--board", "virt-m4"]) == 0
    out = capsys.readouterr().out
    assert "operators[0] (EXP)" in out
    assert " no " in out


def test_one_board_and_all_boards_contradict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _write(tmp_path, small_cnn())
    assert run(["estimate", model, "--board", "virt-m4", "--all-boards"]) == 2
    assert "contradict" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["estimate", "nowhere.keras", "--board", "virt-m4"]) == 3
    assert "nowhere.keras" in capsys.readouterr().err


def _save_untrained(path: Path, shape: str) -> None:
    pytest.importorskip("keras")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = run_program(
        [sys.executable, "-c", UNTRAINED, str(path), shape], timeout_s=240, env=quiet
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.convert
def test_a_model_is_estimated_before_it_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "untrained.keras"
    _save_untrained(path, "16x16x3")
    assert run(["estimate", str(path), "--board", "nucleo-l4r5zi", "--format", "json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["model_name"] == "untrained"
    # 14 x 14 outputs of 4 channels, 27 products each, and at least one instruction for each
    assert record["instructions"] > 14 * 14 * 4 * 27
    assert any("accuracy is not considered" in note for note in record["notes"])


@pytest.mark.slow
@pytest.mark.convert
def test_an_open_shape_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "open.keras"
    _save_untrained(path, "?x16x3")
    assert run(["estimate", str(path), "--board", "virt-m4"]) == 3
    assert "open shape" in capsys.readouterr().err
