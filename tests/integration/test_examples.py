"""The pages of docs/examples hold: their commands run, and give the figures that they show."""

from __future__ import annotations

import json
import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edgeq.cli.app import run
from edgeq.convert.examples import EXAMPLES
from edgeq.data.catalog import find_dataset
from tests.support.shared import SHARED, shared_model

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "examples"
PAGES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.md"))}
TOLERANCE = 0.02  # of an accuracy or AUC: another processor trains other weights
SIZES = 0.02  # of a flash size: what was trained decides which kernels are linked
JSON = ("evaluate", "deploy")
# A model's name, its metric, how sure that is, and the flash of one that is deployed.
ROW = re.compile(r"^\| ([\w-]+) \| ([0-9.]+)(?: \([^|]*\))? \|(?: ([0-9,]+|-) \|)?", re.MULTILINE)


class Figures(NamedTuple):
    """What a page shows of its models: the metric, and the flash bytes of those deployed."""

    values: dict[str, float]
    flash: dict[str, float]


def commands(text: str) -> list[list[str]]:
    """Return the page's commands, as words behind `edgeq`."""
    (block,) = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    return [words[1:] for words in lines if words and words[0] == "edgeq"]


def shown(text: str) -> Figures:
    """Return the page's figures: | float | 0.9967 (0.9814 to 0.9994) | - | and one row a model."""
    rows = ROW.findall(text)
    flash = {name: float(size.replace(",", "")) for name, _, size in rows if size not in ("", "-")}
    return Figures({name: float(value) for name, value, _ in rows}, flash)


def row_of(model: str, page: str) -> str:
    """Return the row of a model's file: fsdd.tflite is int8, fsdd-clustered.tflite clustered."""
    return Path(model).stem.removeprefix(page).removeprefix("-") or "int8"


def follow(page: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Run a command; return the record that it prints, or nothing."""
    wanted = ["--format", "json"] if words[0] in JSON else []
    assert run([*words, *wanted]) == 0, words
    printed = capsys.readouterr().out
    record: dict[str, Any] = json.loads(printed) if wanted else {}
    return record


def test_every_example_has_a_page_and_every_page_its_figures() -> None:
    assert set(EXAMPLES) <= set(PAGES)
    for name, text in PAGES.items():
        figures = shown(text)
        assert {"float", "int8"} <= set(figures.values)
        ran = {(words[0], row_of(words[1], name)) for words in commands(text) if len(words) > 1}
        assert {row for verb, row in ran if verb == "evaluate"} == set(figures.values) - {"float"}
        assert {row for verb, row in ran if verb == "deploy"} == set(figures.flash)


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_exist(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in commands(PAGES[name]):
        verb = words[:2] if words[0] == "examples" else words[:1]
        assert run([*verb, "--help"]) == 0
        known = capsys.readouterr().out
        assert all(word in known for word in words if word.startswith("--"))


@pytest.mark.slow
@pytest.mark.examples
@pytest.mark.timeout(3600)
@pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")
@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_give_its_figures(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("EDGEQ_DATA_DIR", str(SHARED / "data"))
    monkeypatch.chdir(tmp_path)
    if not find_dataset(name).found:
        pytest.skip(f"the data of {name} are not at {SHARED / 'data'} (set EDGEQ_SHARED)")
    if name not in EXAMPLES:
        source = shared_model("pretrainedResnet.h5")
        (tmp_path / source.name).write_bytes(source.read_bytes())
    values: dict[str, float] = {}
    flash: dict[str, float] = {}
    for words in commands(PAGES[name]):
        record = follow(name, words, capsys)
        if words[0] == "evaluate":
            values["float"] = record["float_value"]
            values[row_of(words[1], name)] = record["int8_value"]
        if words[0] == "deploy":
            validation = record["validation"]
            assert validation["matched"] == validation["inputs"] > 0
            flash[row_of(words[1], name)] = record["result"]["memory"]["flash_bytes"]
    figures = shown(PAGES[name])
    assert values == pytest.approx(figures.values, abs=TOLERANCE)
    assert flash == pytest.approx(figures.flash, rel=SIZES)
