"""The command line: exit codes, one cause and one hint, JSON alone on stdout, a quick start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeq import api
from edgeq.cli.app import run
from edgeq.cli.commands import COMMANDS, GROUPS
from edgeq.core import errors


def _fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(api, "inspect", fail)


@pytest.mark.parametrize("error", errors.EdgeqError.__subclasses__())
def test_every_error_leaves_with_its_code_a_cause_and_a_hint(
    error: type[errors.EdgeqError],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _fail_with(error("what is wrong", hint="what to do"), monkeypatch)
    assert run(["inspect", "m.tflite"]) == error.exit_code
    assert capsys.readouterr() == ("", "error: what is wrong\nhint: what to do\n")


def test_a_failure_is_valid_json_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail_with(errors.InputError("bad\x1b[0m", hint="h"), monkeypatch)
    assert run(["inspect", "m.tflite", "--format", "json"]) == 3
    failure = json.loads(capsys.readouterr().out)
    assert failure["schema"] == "edgeq.error/1"
    assert failure["cause"] == "bad\\x1b[0m"
    assert failure["exit_code"] == 3


def test_a_cause_of_any_length_is_one_short_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail_with(errors.InputError("x" * 1_000_000, hint="h"), monkeypatch)
    assert run(["inspect", "m.tflite"]) == 3
    assert capsys.readouterr().err.endswith("xx ...\nhint: h\n")


def test_an_unforeseen_exception_is_an_internal_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail_with(KeyError("x"), monkeypatch)
    assert run(["inspect", "m.tflite"]) == 6
    assert "EDGEQ_DEBUG" in capsys.readouterr().err


@pytest.mark.parametrize(("kept", "said"), [("", "interrupted"), ("a.npz", "interrupted: a.npz")])
def test_ctrl_c_leaves_with_130_and_what_was_kept(
    kept: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail_with(KeyboardInterrupt(*filter(None, [kept])), monkeypatch)
    assert run(["inspect", "m.tflite"]) == 130
    assert capsys.readouterr().err.strip() == said


@pytest.mark.parametrize(
    "line",
    [
        ["no-such-command"],
        ["inspect"],
        ["bench", "m.tflite"],
        ["bench", "m.tflite", "--board", "host", "--runs", "0"],
        ["convert", "m.keras", "--data", "digits", "--backend", "magic"],
        ["compile", "m.tflite", "--out", "c", "--optimize", "magic"],
    ],
)
def test_wrong_usage_leaves_with_2_and_a_hint(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line) == 2
    cause, hint = capsys.readouterr().err.splitlines()
    assert cause.startswith("error: ")
    assert "Value error" not in cause
    assert hint.startswith("hint: ")


def _all_commands() -> list[list[str]]:
    grouped = [[group, verb] for group, (_, verbs) in GROUPS.items() for verb in verbs]
    return [[name] for name in COMMANDS] + grouped


@pytest.mark.parametrize("command", _all_commands(), ids=" ".join)
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    assert "Usage: edgeq" in capsys.readouterr().out


@pytest.mark.parametrize("line", [[], *([group] for group in GROUPS)], ids=str)
def test_a_group_alone_shows_its_help(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line) == 0
    out = capsys.readouterr()
    assert "\n\nCommands:\n" in out.out
    assert out.err == ""


def test_a_keras_file_where_a_tflite_is_wanted_says_convert(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "m.keras"
    model.write_bytes(b"PK")
    assert run(["inspect", str(model)]) == 3
    assert "edgeq convert" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    heavy = ["tensorflow", "numpy", "rich", "msgspec", "serial", "jinja2", "ai_edge_litert"]
    code = (
        "import sys; from edgeq.cli.app import run; run(['--help']);"
        f"print('HEAVY', [m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize(
    ("line", "code"), [(["boards", "list"], 0), (["check", "no", "--format", "json"], 0)], ids=str
)
def test_a_reader_that_leaves_is_no_fault(line: list[str], code: int) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "edgeq", *line]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr
