"""`edgeq emit`: files, arena, the check of a version, and exit codes."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from edgeq.cli.app import run
from edgeq.graph.writer import write_graph
from tests.support.micro_models import dense
from tests.support.npu_board import npu_board
from tests.support.small_cnn import small_cnn

FILES = {"net_model.c", "net_model.h", "net_op_resolver.h"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return path


@pytest.fixture
def per_channel(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_graph(dense((1, 12), 9, axis=0)))
    return path


def test_the_files_are_written_and_the_arena_is_told(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["emit", str(model), "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert {p.name for p in out.iterdir()} == FILES
    assert "arena_used_bytes()" in printed.out
    assert "estimated" in printed.out
    assert f"wrote {out / 'net_model.c'}" in printed.err


def test_json_stands_alone_on_stdout(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["emit", str(model), "--out", str(tmp_path / "o"), "--board", "virt-m4"]
    assert run([*argv, "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record["files"]) == FILES
    assert [a["core"] for a in record["arenas"]] == ["cortex-m4", "cortex-m4"]
    assert record["npu"] is None


def test_a_version_that_computes_other_values_fails_the_gate(
    per_channel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["emit", str(per_channel), "--out", str(tmp_path / "o"), "--format", "json"]
    assert run([*argv, "--tflm-version", "2024-01-01"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["problems"][0]["effect"] == "wrong"
    assert "wrong: operators[0] (FULLY_CONNECTED" in printed.err
    assert "hint:" in printed.err


def test_a_version_that_fails_openly_is_a_warning(
    per_channel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["emit", str(per_channel), "--out", str(tmp_path / "o")]
    assert run([*argv, "--tflm-version", "2024-07-01"]) == 0
    assert "fails: operators[0] (FULLY_CONNECTED" in capsys.readouterr().err


def test_an_unknown_version_is_a_usage_error_and_writes_nothing(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["emit", str(model), "--out", str(out), "--tflm-version", "2.4"]) == 2
    assert "hint: give the day" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.skipif(find_spec("ethosu") is None, reason="ethos-u-vela is not installed")
def test_a_board_with_an_npu_gets_the_model_that_vela_makes(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board, out = npu_board(tmp_path), tmp_path / "out"
    assert run(["emit", str(model), "--out", str(out), "--board", str(board)]) == 0
    assert "ethos-u55-128" in capsys.readouterr().out
    assert "AddEthosU" in (out / "net_op_resolver.h").read_text()


def test_an_npu_that_vela_does_not_know_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = npu_board(tmp_path, "edge-tpu")
    assert run(["emit", str(model), "--out", str(tmp_path / "o"), "--board", str(board)]) == 2
    assert "core.npu" in capsys.readouterr().err
