"""`edgeq check`: verdicts on stdout, reasons on stderr, 1 where a gate fails."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edgeq.cli.app import run
from tests.support.results import changed, make_result, save

LIMITS = ["--max-latency", "5ms", "--max-flash", "64k", "--max-ram", "16k"]


@pytest.fixture
def result(tmp_path: Path) -> str:
    return str(save(make_result(), tmp_path / "result.json"))


def test_limits_that_hold_leave_with_0(result: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", result, *LIMITS]) == 0
    seen = capsys.readouterr()
    assert "Every gate passed" in seen.out
    assert "1 ms (estimated) is within the limit of 5 ms" in seen.out
    assert seen.err == ""


def test_a_limit_that_is_exceeded_leaves_with_1_and_says_why(
    result: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", result, "--max-latency", "900us", "--max-flash", "1k"]) == 1
    seen = capsys.readouterr()
    assert "2 gates failed" in seen.out
    assert "failed: latency of tiny on virt-m4: 1 ms (estimated) is 11.1 % above" in seen.err
    assert "failed: flash of tiny on virt-m4: 20,000 bytes is 20 times" in seen.err


@pytest.mark.parametrize(("share", "code"), [("3%", 1), ("0.03", 1), ("6%", 0)])
def test_a_regression_beyond_the_tolerance_leaves_with_1(
    result: str, tmp_path: Path, share: str, code: int
) -> None:
    slower = str(save(make_result((1.05e-3,) * 10), tmp_path / "slower.json"))
    assert run(["check", slower, "--against", result, "--max-regression", share]) == code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--max-latency", "5"], 2),
        (["--max-latency", "5kg"], 2),
        (["--max-flash", "lots"], 2),
        (["--max-regression", "3"], 2),
        (["--min-accuracy", "95"], 2),
        (["--allow", "everything"], 2),
        (["--format", "yaml"], 2),
        (["--against", "nowhere.json"], 3),
    ],
)
def test_what_cannot_be_understood_is_refused(
    result: str, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", result, *arguments]) == code
    seen = capsys.readouterr()
    assert "hint:" in seen.err
    assert "passed" not in seen.out


def test_json_is_the_record(result: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", result, *LIMITS, "--against", result, "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["schema"] == "edgeq.check/1"
    assert record["passed"] is True
    verdicts = {(g["gate"], g["verdict"]) for g in record["results"][0]["gates"]}
    assert {("latency", "holds"), ("latency", "same"), ("output", "sound")} <= verdicts


def test_csv_has_one_line_a_gate(result: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", result, *LIMITS, "--format", "csv"]) == 0
    names, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert names == ["model", "board", "gate", "verdict", "figures"]
    assert len(rows) == 4


def test_github_and_junit_are_for_ci(result: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", result, "--max-ram", "1k", "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error title=edgeq%3A ram of tiny on virt-m4::")
    assert run(["check", result, "--max-ram", "1k", "--format", "junit"]) == 1
    assert ElementTree.fromstring(capsys.readouterr().out.encode()).get("failures") == "1"


def test_a_models_name_cannot_write_a_workflow_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = make_result()
    model = type(result.model)(name="x\n::stop::y", sha256="00" * 32, bytes=1, macs=1)
    path = save(changed(result, model=model), tmp_path / "result.json")
    assert run(["check", str(path), "--max-ram", "1", "--format", "github"]) == 1
    seen = capsys.readouterr()
    commands = [line for line in (seen.out + seen.err).splitlines() if line.startswith("::")]
    assert len(commands) == 1
