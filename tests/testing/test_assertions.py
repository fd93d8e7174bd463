"""Assertions without pytest's fixture: they build once and explain their failures."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeq.bench import runs as bench_runs
from edgeq.core.errors import InputError, UsageError
from edgeq.core.records import MismatchRecord, Result, ValidationRecord
from edgeq.graph.writer import write_graph
from edgeq.testing import (
    EdgeBoard,
    assert_bit_exact,
    assert_faster_than,
    assert_fits,
    assert_within_energy,
)
from tests.support.results import changed, make_energy, make_result, save
from tests.support.small_cnn import small_cnn


class Measured(EdgeBoard):
    """A board whose measurements are known."""

    def __init__(self, folder: Path, *results: Result) -> None:
        super().__init__("virt-m4", folder)
        self.results = list(results)

    def bench(self, model: Any, **_: Any) -> Result:
        return self.results.pop(0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return path


def _failure(caught: pytest.ExceptionInfo[AssertionError]) -> list[str]:
    return str(caught.value).splitlines()


def test_a_model_that_fits_any_board_passes(model: Path) -> None:
    assert_fits(model)
    assert_fits(str(model), board="nucleo-l4r5zi", flash="64k", ram="16k")


@pytest.mark.parametrize(
    ("budget", "words"), [({"flash": "4k"}, "4.0 KiB"), ({"ram": "1k"}, "1.0 KiB")]
)
def test_a_budget_that_is_too_small_is_explained(
    model: Path, budget: dict[str, str], words: str
) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_fits(model, board="nucleo-l4r5zi", **budget)
    title, problem, largest, hint = _failure(caught)
    assert title == f"{model} does not fit nucleo-l4r5zi (estimated)"
    assert words in problem
    assert "largest tensors at the peak: " in largest
    assert hint.endswith(f"edgeq fit {model} --board nucleo-l4r5zi")


def test_a_budget_without_a_region_or_unit_is_refused(model: Path) -> None:
    with pytest.raises(UsageError, match="no memory regions"):
        assert_fits(model, board="host", ram="1k")
    with pytest.raises(UsageError, match="flash 'small'"):
        assert_fits(model, flash="small")


def test_a_limit_holds_or_fails_with_its_figures(model: Path, tmp_path: Path) -> None:
    board = Measured(tmp_path, make_result())
    assert_faster_than(model, "1ms", board=board)
    with pytest.raises(AssertionError) as caught:
        assert_faster_than(model, "0.8ms", board=board)  # from the same measurement
    assert _failure(caught)[1:] == [
        "  latency: 1 ms (estimated) is 25 % above the limit of 800 us",
        f"  hint: edgeq bench {model} --board virt-m4",
    ]


def test_a_baseline_is_a_result_or_a_file(model: Path, tmp_path: Path) -> None:
    slower = make_result((1.05e-3,) * 10)
    board = Measured(tmp_path, slower)
    for baseline in (
        make_result(),
        save(make_result(), tmp_path / "b.json"),
        str(tmp_path / "b.json"),
    ):
        with pytest.raises(AssertionError, match=r"\+5 %, more than 3 %"):
            assert_faster_than(model, baseline, board=board)
    assert_faster_than(model, make_result(), board=board, tolerance=0.1)
    with pytest.raises(InputError, match=r"none\.json"):
        assert_faster_than(model, "none.json", board=board)
    with pytest.raises(UsageError, match="no number"):
        assert_faster_than(model, "fast", board=board)


def test_a_changed_model_is_measured_again(model: Path, tmp_path: Path) -> None:
    board = Measured(tmp_path, make_result(), make_result((2e-3,) * 10))
    first = board.result(model)
    assert board.result(model) is first
    model.write_bytes(write_graph(small_cnn(seed=1)))
    assert board.result(model) is not first


def test_energy_is_held_where_it_is_known(model: Path, tmp_path: Path) -> None:
    known = changed(make_result(), energy=make_energy([1e-3] * 5))
    assert_within_energy(model, "1mJ", board=Measured(tmp_path, known))
    with pytest.raises(AssertionError, match="above the limit of 900 uJ"):
        assert_within_energy(model, "0.9mJ", board=Measured(tmp_path, known))
    with pytest.raises(AssertionError, match="has no energy"):
        assert_within_energy(model, "1J", board=Measured(tmp_path, make_result()))


def test_the_first_layer_that_differs_is_named(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    miss = MismatchRecord(
        input="lcg:1",
        layer=1,
        layer_name="conv",
        op="CONV_2D",
        differing=3,
        elements=8,
        examples=(),
    )
    wrong = ValidationRecord(inputs=8, matched=7, oracle="edgeq oracle", first_mismatch=miss)
    monkeypatch.setattr(EdgeBoard, "validate", lambda *a, **k: wrong)
    with pytest.raises(AssertionError) as caught:
        assert_bit_exact(model, board=EdgeBoard("virt-m4", tmp_path))
    assert _failure(caught)[1:3] == [
        "  7 of 8 inputs gave the bytes of edgeq oracle",
        "  first in layer 1 (CONV_2D conv), input lcg:1: 3 of 8 elements differ",
    ]


def test_a_board_measures_with_its_meter(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def run_bench(*_: Any, **options: Any) -> Result:
        seen.append(options["meter"])
        return make_result()

    ready = SimpleNamespace(compiled=SimpleNamespace(plan=SimpleNamespace(inputs=())))
    monkeypatch.setattr(bench_runs, "run_bench", run_bench)
    monkeypatch.setattr(EdgeBoard, "_prepare", lambda self, model: ready)
    EdgeBoard("virt-m4", tmp_path, meter="replay:x").bench(model)
    EdgeBoard("virt-m4", tmp_path).bench(model)
    assert [m and m.meter for m in seen] == ["replay:x", None]
