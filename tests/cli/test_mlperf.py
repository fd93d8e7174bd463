"""edgeq mlperf run and check, as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeq.cli.app import run
from tests.bench.mlperf.rig import by_first_byte, make_dataset
from tests.device.mlperf.fake_board import FakeDut
from tests.support.meters.wire import Wire, plugged_in


@dataclass
class DutPort:
    """A board behind a serial port."""

    dut: FakeDut

    def serve(self, wire: Wire) -> None:
        """Answer commands, each ended by '%', until the cable is pulled."""
        heard = b""
        while True:
            heard += wire.read(1.0)
            *commands, heard = heard.split(b"%")
            for command in commands:
                wire.write(self.dut.obey(command.decode()).encode())


@contextmanager
def board_at_a_port(**options) -> Iterator[str]:
    with plugged_in(DutPort(FakeDut(**options))) as plug:
        yield plug.path


def test_a_board_at_a_port_is_run_and_its_folder_passes_the_check(tmp_path, capsys):
    data = make_dataset(tmp_path / "data", "kws01", list(range(12)))
    out = tmp_path / "out"
    with board_at_a_port(model="kws01", us=200_000, results=by_first_byte(12)) as port:
        call = ["--port", port, "--dataset", str(data), "--out", str(out), "--format", "json"]
        assert run(["mlperf", "run", "--mode", "accuracy", *call]) == 0
        record = json.loads(capsys.readouterr().out)
        assert record["schema"] == "edgeq.mlperf/1"
        assert record["accuracy"]["top1"] == 100.0
        assert record["kind"] == "measured"
        assert run(["mlperf", "run", "--mode", "performance", *call[:-2]]) == 0
        text = capsys.readouterr().out
        assert "5 inferences/s (measured)" in text
        assert "the clock of the windows and the host's differ" in text
    assert sorted(p.name for p in (out / "kws/performance").iterdir()) == [
        "log.txt", "results.json", "results.txt",
    ]  # fmt: skip
    assert run(["mlperf", "check", str(out)]) == 0
    assert "every rule holds" in capsys.readouterr().out


def test_a_broken_rule_is_exit_code_1(tmp_path, capsys):
    data = make_dataset(tmp_path / "data", "kws01", list(range(12)))
    with board_at_a_port(model="kws01", results=by_first_byte(12, lambda label: label < 6)) as port:
        call = ["--port", port, "--dataset", str(data), "--out", str(tmp_path / "out")]
        assert run(["mlperf", "run", "--mode", "accuracy", *call]) == 1
    assert "BROKEN" in capsys.readouterr().out
    check = ["mlperf", "check", str(tmp_path / "out/kws/accuracy"), "--format", "csv"]
    assert run(check) == 1
    assert run([*check, "--division", "open"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--port", "/etc/passwd"], 2, "is not a serial port"),
        (["--port", "spy://x?file=y"], 2, "not allowed"),
        (["--io-manager", "$(true)"], 2, "is not a serial port"),
        ([], 2, "no way to the board"),
        (["--task", "kws"], 2, "no MLPerf Tiny task"),
        (["--task", "sww01"], 2, "streaming wake word"),
        (["--task", "kws01", "--dataset", "gone"], 3, "no y_labels.csv"),
        (["--task", "kws01", "--script", "gone.yaml"], 3, "cannot read test script"),
        (["--devices", "gone.yaml"], 3, "cannot read device list"),
        (["model.tflite"], 2, "a model needs a board"),
        (["--mode", "energy", "--port", "socket://127.0.0.1:1"], 2, "needs a power meter"),
    ],
)
def test_what_cannot_be_run_is_refused_and_leaves_nothing(
    tmp_path, capsys, arguments, code, complaint
):
    make_dataset(tmp_path / "data", "kws01", [0])
    call = ["--mode", "accuracy", "--dataset", str(tmp_path / "data"), "--out", str(tmp_path / "o")]
    assert run(["mlperf", "run", *call, *arguments]) == code
    error = capsys.readouterr().err
    assert complaint in error
    assert "hint: " in error
    assert not Path(tmp_path / "o").exists()


def test_a_folder_that_is_no_submission_is_exit_code_3(tmp_path, capsys):
    assert run(["mlperf", "check", str(tmp_path)]) == 3
    assert "holds no submission" in capsys.readouterr().err
