"""The GitHub Action: its YAML is safe, and its scripts do what they say on a virtual board."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from edgeq.core.processes import Completed, run
from edgeq.graph.writer import write_graph
from tests.support.hostile import CANARY
from tests.support.small_cnn import small_cnn

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".ci" / "action"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")

HOSTILE_INPUTS = [
    f"$(touch {CANARY})",
    f"`touch {CANARY}`",
    f"x; touch {CANARY}",
    f'x"; touch {CANARY}; "',
    "--help",
    f"a[$(touch {CANARY})]",
]


def _action() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    return dict(yaml.safe_load((ACTION / "action.yml").read_text()))


def _step(name: str) -> dict[str, Any]:
    return next(s for s in _action()["runs"]["steps"] if s.get("name") == name)


def test_no_input_stands_in_a_script() -> None:
    scripts = [step["run"] for step in _action()["runs"]["steps"] if "run" in step]
    assert len(scripts) == 2
    assert not any("${{" in script for script in scripts)


def test_every_input_is_described_and_every_variable_has_one() -> None:
    action = _action()
    assert all(spec["description"] for spec in action["inputs"].values())
    used = re.findall(r"inputs\.([\w-]+)", (ACTION / "action.yml").read_text())
    assert set(used) == set(action["inputs"])


def test_actions_are_pinned_by_commit_with_their_version() -> None:
    pages = (ACTION / "action.yml", ROOT / "docs" / "ci.md")
    lines = [line for page in pages for line in page.read_text().splitlines() if "uses:" in line]
    assert len(lines) >= 4
    for line in lines:
        target = line.split("uses:")[1].split("#")[0].strip()
        if "edgeq" not in target:
            assert PINNED.fullmatch(target), line
            assert re.search(r"# v\d+\.\d+\.\d+$", line), line


def test_scripts_are_what_a_shell_reads() -> None:
    for script in ACTION.glob("*.sh"):
        assert script.read_text().startswith("#!/usr/bin/env bash\n")
        assert os.access(script, os.X_OK)
        assert run(["bash", "-n", str(script)], timeout_s=10).returncode == 0
        if shutil.which("shellcheck"):
            done = run(["shellcheck", str(script)], timeout_s=60)
            assert done.returncode == 0, done.stdout


class Step:
    """The action's measuring step in a folder of its own, with the environment GitHub gives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.summary = folder / "summary.md"
        self.outputs = folder / "outputs"
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        edgeq = bin_folder / "edgeq"
        edgeq.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m edgeq "$@"\n')
        edgeq.chmod(0o755)
        self.path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"

    def __call__(self, **inputs: str) -> Completed:
        step = _step("Measure and check")
        defaults = {name: spec.get("default", "") for name, spec in _action()["inputs"].items()}
        values = {**defaults, **{name.replace("_", "-"): text for name, text in inputs.items()}}
        env = {
            variable: values[found[1]] if (found := re.search(r"inputs\.([\w-]+)", source)) else ""
            for variable, source in step["env"].items()
        }
        env |= {
            "EDGEQ_OUT": str(self.out),
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.outputs),
            "PATH": self.path,
            "PYTHONPATH": str(ROOT),
        }
        return run(["bash", "-c", step["run"]], cwd=self.folder, env=env, timeout_s=240)


@pytest.fixture
def step(tmp_path: Path) -> Step:
    if shutil.which("bash") is None or os.name != "posix":
        pytest.skip("the action runs on Linux and macOS")
    return Step(tmp_path)


def test_the_step_measures_checks_and_leaves_its_results(step: Step) -> None:
    pytest.importorskip("ziglang")
    pytest.importorskip("unicorn")
    (step.folder / "small.tflite").write_bytes(write_graph(small_cnn()))
    limits = {"max_latency": "5ms", "max_flash": "64k", "max_ram": "16k"}
    done = step(model="small.tflite", **limits)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("::notice title=edgeq::all 4 gates passed")
    assert json.loads((step.out / "result.json").read_text())["model"]["name"] == "small"
    assert json.loads((step.out / "check.json").read_text())["passed"] is True
    assert ElementTree.parse(step.out / "junit.xml").getroot().get("tests") == "4"
    assert "### Every gate passed" in step.summary.read_text()
    assert "passed=true" in step.outputs.read_text()

    baseline = step.out.rename(step.folder / "earlier") / "result.json"
    done = step(model="small.tflite", against=str(baseline), max_latency="1us")
    assert done.returncode == 1
    assert done.stdout.startswith("::error title=edgeq%3A latency of small on virt-m4::")
    assert "passed=false" in step.outputs.read_text()
    assert "bytes against" in step.summary.read_text()


@pytest.mark.parametrize("text", HOSTILE_INPUTS)
def test_no_input_becomes_a_command(step: Step, text: str) -> None:
    (step.folder / "small.tflite").write_bytes(b"no model")
    for name in ("model", "board", "runs", "port"):
        values = {"model": "small.tflite", name: text}
        assert step(**values).returncode in (2, 3)
    assert not (step.folder / CANARY).exists()


@pytest.mark.parametrize("text", HOSTILE_INPUTS)
def test_a_version_is_a_version(step: Step, text: str) -> None:
    env = {"EDGEQ_VERSION": text, "GITHUB_ACTION_PATH": str(ACTION), "PATH": step.path}
    script = _step("Install edgeq")["run"]
    done = run(["bash", "-c", script], cwd=step.folder, env=env, timeout_s=30)
    assert done.returncode == 2
    assert "no version" in done.stderr
    assert not (step.folder / CANARY).exists()
