"""edgeq sweep at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeq.cli.app import run
from tests.support.sweeps import write_sweep


def test_json_stands_alone_on_stdout_and_progress_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, models=2, action="estimate", boards="virt-m4 nucleo-f446re")
    out = tmp_path / "out"
    code = run(["sweep", str(path), "--out", str(out), "--jobs", "1", "--format", "json"])
    printed = capsys.readouterr()
    assert code == 0
    record = json.loads(printed.out)
    assert record["schema"] == "edgeq.sweep/1"
    assert len(record["rows"]) == 4
    assert {row["outcome"]["latency"]["kind"] for row in record["rows"]} == {"estimated"}
    assert "4 of 4 cells" in printed.err
    assert "ran: 4 estimate" in printed.err
    assert printed.out.encode() == (out / "sweep.json").read_bytes()


def test_a_dry_run_says_what_is_to_do_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, models=2, boards="virt-m4 virt-m3")
    out = tmp_path / "out"
    before = sorted(tmp_path.rglob("*"))
    assert run(["sweep", str(path), "--out", str(out), "--dry-run", "--format", "json"]) == 0
    preview = json.loads(capsys.readouterr().out)
    assert preview["work"] == {"build": 4, "bench": 4}
    assert [c["finished"] for c in preview["cells"]] == [False] * 4
    assert sorted(tmp_path.rglob("*")) == before


def test_a_cell_without_a_result_is_exit_1_and_its_cause_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sweep(tmp_path, models=2, action="fit")
    (tmp_path / "net1.tflite").write_bytes(b"no model")
    out = str(tmp_path / "out")
    assert run(["sweep", str(path), "--out", out, "--jobs", "1"]) == 1
    printed = capsys.readouterr()
    assert "Without a result" in printed.out
    assert "InputError" in printed.out


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--scheduler", "nowhere"], 2),
        (["--jobs", "0"], 2),
        (["--scheduler", "tcp://a:1", "-j2"], 2),
    ],
)
def test_what_is_wrong_at_the_command_line_is_usage(
    more: list[str], code: int, tmp_path: Path
) -> None:
    path = write_sweep(tmp_path, action="fit")
    assert run(["sweep", str(path), "--out", str(tmp_path / "out"), *more]) == code


def test_a_folder_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edgeq.sweep.store import Store

    path, out = write_sweep(tmp_path, action="fit"), tmp_path / "out"
    with Store(out):
        assert run(["sweep", str(path), "--out", str(out)]) == 2
    assert "another sweep works in" in capsys.readouterr().err
