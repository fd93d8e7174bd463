"""docs/ci.md says what is there: every option of check, and examples that are well-formed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from edgeq.cli.app import run

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "ci.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def test_every_option_of_check_stands_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--help"]) == 0
    options = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}
    rows = "".join(line for line in PAGE.splitlines() if line.startswith("| `--"))
    assert options == set(re.findall(r"`(--[a-z-]+)", rows))


def test_the_commands_on_the_page_name_options_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [line.strip(" -") for _, text in BLOCKS for line in text.splitlines()]
    commands = [line.split() for line in lines if line.startswith("edgeq ")]
    assert len(commands) >= 5
    for _, verb, *arguments in commands:
        assert run([verb, "--help"]) == 0
        known = capsys.readouterr().out
        assert all(a in known for a in arguments if a.startswith("--"))


def test_examples_are_well_formed() -> None:
    yaml = pytest.importorskip("yaml")
    kinds = [kind for kind, _ in BLOCKS]
    assert {"sh", "python", "yaml"} <= set(kinds)
    for kind, text in BLOCKS:
        if kind == "python":
            ast.parse(text)
        if kind == "yaml":
            assert isinstance(yaml.safe_load(text), dict)


def test_the_example_gives_the_action_inputs_that_it_has() -> None:
    yaml = pytest.importorskip("yaml")
    root = Path(__file__).resolve().parents[2]
    action = yaml.safe_load((root / ".ci" / "action" / "action.yml").read_text())
    example = next(yaml.safe_load(text) for kind, text in BLOCKS if "runs-on" in text)
    (step,) = (s for s in example["jobs"]["gate"]["steps"] if "edgeq" in s["uses"])
    assert set(step["with"]) <= set(action["inputs"])
    required = {name for name, spec in action["inputs"].items() if spec.get("required")}
    assert required <= set(step["with"])
