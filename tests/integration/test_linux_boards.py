"""Whole runs on Linux boards: this computer, and a real OpenSSH server on the loopback."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeq import api
from edgeq.bench.oracles import EDGEQ_ORACLE
from edgeq.cli.app import run
from edgeq.core.errors import InputError, UsageError
from edgeq.graph.writer import write_graph
from tests.support.openssh import Server, needs_sshd, serve
from tests.support.small_cnn import small_cnn


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as running:
        yield running


def test_this_computer_gives_the_record_of_any_board(model: Path) -> None:
    result = api.bench(
        model, board="local", runs=20, linux=api.LinuxOptions(threads=(1, 2), xnnpack=False)
    )
    assert result.board.kind == "linux"
    assert result.latency.kind == "measured"
    assert result.host is not None
    assert [row.threads for row in result.host.scaling] == [1, 2]
    assert result.host.delegated == 0
    assert result.memory.peak_rss_bytes or sys.platform != "linux"
    assert sum(layer.time_s or 0 for layer in result.layers) > 0
    assert EDGEQ_ORACLE in {d.oracle for d in result.output.differences}


def test_the_command_prints_the_record(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", str(model), "--board", "local", "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["schema"], record["board"]["kind"]) == ("edgeq.result/1", "linux")
    assert run(["bench", str(model), "--board", "local", "--no-layers"]) == 0
    text = capsys.readouterr().out
    assert "measured" in text
    assert "Operators" not in text


def test_two_models_are_compared(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["bench", str(model), "--compare", str(model), "--board", "local", "--format", "json"]
    assert run(argv) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["schema"] == "edgeq.comparison/1"
    assert record["findings"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--board", "rpi4"], "--host"),
        (["--board", "local", "--host", "pi@board"], "leave out --host"),
        (["--board", "virt-m4", "--host", "pi@board"], "for those alone"),
        (["--board", "virt-m4", "--compare", "x.tflite"], "--compare is for Linux boards"),
        (["--board", "rpi4", "--host", "-oProxyCommand=touch x"], "ssh/config"),
        (["--board", "local", "--threads", "0"], "--threads 1,2,4"),
        (["--board", "local", "--python", "'"], "close the quotes"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    model: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", str(model), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_damaged_model_is_refused_before_any_board_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(b"TFL3" * 20)
    with pytest.raises(InputError):
        api.bench(path, board="rpi4", linux=api.LinuxOptions(host="nobody@nowhere.invalid"))


def test_options_of_linux_boards_are_refused_elsewhere(model: Path) -> None:
    with pytest.raises(UsageError, match="virt-m4 is no Linux board"):
        api.bench(model, board="virt-m4", linux=api.LinuxOptions(xnnpack=False))


@needs_sshd
def test_a_board_over_ssh_gives_what_this_computer_gives(model: Path, server: Server) -> None:
    options = api.LinuxOptions(
        host="board", ssh_config=server.config, python=shlex.quote(sys.executable)
    )
    result = api.bench(model, board="rpi4", runs=20, linux=options)
    assert result.board.id == "raspberry-pi-4b"
    assert result.output.bit_exact is True
    assert "on this computer" in (result.output.oracle or "")
    assert result.energy is not None
    assert result.energy.kind == "estimated"
    assert any("is it emulated" in warning for warning in result.warnings)
    assert not list(server.temporary.iterdir())
