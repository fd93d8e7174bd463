"""Two commits side by side: what became worse is named, and no checkout is left behind."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edgeq.core.processes import find_tool, run
from tests.support.benchmarks import benchmark, load_benchmark

compare = benchmark("engine_compare")


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Any:
    row = load_benchmark("engine_rows", monkeypatch).Row

    def build(model: str = "kws", instructions: int = 1000, **fields: Any) -> Any:
        known = {"title": model, "board": "virt-m4", "ram": 100, "flash": 200, "exact": True}
        return row(model=model, instructions=instructions, **(known | fields))

    return build


def test_what_grew_by_more_than_the_threshold_is_named(compare: ModuleType, make: Any) -> None:
    pairs = compare.pair_rows([make()], [make(instructions=1009, ram=102, flash=150)])
    assert compare.find_regressions(pairs, 1.0) == ["kws on virt-m4, balanced: ram +2.0 %"]
    assert compare.find_regressions(pairs, 3.0) == []


def test_a_wrong_output_is_named_whatever_it_costs(compare: ModuleType, make: Any) -> None:
    pairs = compare.pair_rows([make()], [make(fault="the output differs", exact=False)])
    assert compare.find_regressions(pairs, 1.0) == ["kws on virt-m4, balanced: the output differs"]


def test_a_model_without_figures_any_more_is_named(compare: ModuleType, make: Any) -> None:
    before = [make(), make("vww"), make(board="virt-m3")]
    after = [make(), make("vww", 0, fault="failed")]
    assert len(compare.pair_rows(before, after)) == 1
    assert compare.find_lost(before, after) == [
        "vww on virt-m4, balanced: no figures any more",
        "kws on virt-m3, balanced: no figures any more",
    ]


def test_the_table_has_both_figures(compare: ModuleType, make: Any) -> None:
    text = compare.comparison_table(compare.pair_rows([make()], [make(instructions=500)]))
    assert "| virt-m4 balanced kws | 1,000 | 500 | -50.0 % | 100 | 100 | +0.0 % |" in text


def test_a_checkout_is_removed_even_after_an_error(
    compare: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if find_tool("git") is None:
        pytest.skip("git is not installed")
    name = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    (tmp_path / "file").write_text("1")
    for command in (["init", "-q"], ["add", "file"], [*name, "commit", "-qm", "one"]):
        assert run(["git", "-C", str(tmp_path), *command], timeout_s=60).returncode == 0
    monkeypatch.setattr(compare, "ROOT", tmp_path)
    seen = []

    def fail() -> None:
        with compare.checked_out("HEAD") as folder:
            seen.append((folder, (folder / "file").read_text()))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    ((folder, text),) = seen
    assert text == "1"
    assert not folder.exists()
    assert len(compare.git("worktree", "list").stdout.splitlines()) == 1
    with compare.checked_out(".") as folder:
        assert folder == tmp_path
