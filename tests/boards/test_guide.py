"""docs/add-a-board.md, followed to the letter, ends in a firmware."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from edgeq.boards import registry
from edgeq.cli.app import run
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn

GUIDE = (Path(__file__).parents[2] / "docs" / "add-a-board.md").read_text("utf-8")
SECTION = re.compile(r"\[build\.settings\]\n(?:\w+ = \d+\n)+")


def _commands() -> list[list[str]]:
    lines = [line for line in GUIDE.splitlines() if line.startswith("edgeq ")]
    return [shlex.split(line)[1:] for line in lines]


def test_the_guide_ends_in_a_firmware(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(registry.USER_FOLDER, str(tmp_path / "boards"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model_int8.tflite").write_bytes(write_graph(small_cnn()))
    pytest.importorskip("ziglang")
    new, check, fit, build = _commands()
    assert run(new) == 0
    assert run(check) == 0
    assert run(fit) == 0
    assert run(build) == 4  # the PLL still has the numbers of the other board
    assert "build.settings" in capsys.readouterr().err
    path = tmp_path / "boards" / f"{new[2]}.toml"
    (said,) = SECTION.findall(GUIDE)
    text, count = SECTION.subn(said, path.read_text("utf-8"))
    assert count == 1
    path.write_text(text, "utf-8")
    assert run(check) == 0
    assert run(build) == 0
    assert list((tmp_path / "firmware").rglob("firmware.elf"))
