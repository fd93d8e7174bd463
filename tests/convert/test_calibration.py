"""Every calibrator on one model: one pass over the samples, one record, no unearned winner."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from edgeq.cli.app import run
from edgeq.convert import child
from edgeq.convert.calibration import METHODS, _Judge, compare_calibrators
from edgeq.convert.examples import train_example
from edgeq.convert.recipes.steps import CalibrationMethod
from edgeq.core.errors import InputError, UsageError
from edgeq.core.records import CalibrationComparisonRecord
from edgeq.data.dataset import load_dataset
from edgeq.graph.ir import Graph, Node, Tensor
from edgeq.graph.writer import write_graph
from edgeq.report.calibration import calibration_tables
from edgeq.report.formats import to_csv
from tests.support.quantization import run_here


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float .tflite that gives digits to the nearest of the classes' means."""
    digits = load_dataset("digits").samples("train")
    assert digits.y is not None
    x = digits.x.reshape(len(digits.x), -1)
    means = np.stack([x[digits.y == digit].mean(axis=0) for digit in range(10)]).astype(np.float32)
    tensors = (
        Tensor(0, "image", (1, 8, 8, 1), "float32"),
        Tensor(1, "means", (10, 64), "float32", data=means),
        Tensor(2, "sizes", (10,), "float32", data=-np.square(means).sum(axis=1) / 2),
        Tensor(3, "nearness", (1, 10), "float32"),
        Tensor(4, "shares", (1, 10), "float32"),
    )
    nodes = (
        Node(0, "FULLY_CONNECTED", 1, (0, 1, 2), (3,)),
        Node(1, "SOFTMAX", 1, (3,), (4,), {"beta": 1.0}),
    )
    path = tmp_path_factory.mktemp("means") / "means.tflite"
    path.write_bytes(write_graph(Graph("means", tensors, nodes, (0,), (4,))))
    return path


@pytest.fixture(scope="module")
def record(source: Path) -> CalibrationComparisonRecord:
    return compare_calibrators(source, load_dataset("digits"), samples=100, limit=200)


def test_all_calibrators_are_judged_on_the_same_samples(
    record: CalibrationComparisonRecord,
) -> None:
    assert tuple(m.method for m in record.methods) == tuple(METHODS)
    assert (record.samples, record.calibration.samples, record.metric) == (200, 100, "top1")
    assert record.float_value is not None
    assert record.float_value > 0.8
    for method in record.methods:
        assert method.interval.low <= method.value <= method.interval.high
        assert method.interval.method == "Wilson"
        assert method.sqnr_interval.low <= method.sqnr_db <= method.sqnr_interval.high
    by_name = {m.method: m for m in record.methods}
    assert by_name["min-max"].clipped is None
    assert by_name["min-max"].sqnr_db > 25
    assert by_name["moving-average"].clipped is not None


def test_samples_of_one_kind_show_no_drift(record: CalibrationComparisonRecord) -> None:
    assert {t.layer for t in record.drift.tensors} == {"image", "nearness", "shares"}
    assert (record.drift.first, record.drift.second) == ("representative", "evaluation")
    assert record.drift.samples == (100, 100)
    assert record.warnings == ()


def test_tables_say_every_calibrator_and_who_is_best(record: CalibrationComparisonRecord) -> None:
    calibrators, drift = calibration_tables(record)
    assert [row[0] for row in calibrators.rows] == ["none (float)", *METHODS]
    assert calibrators.notes[0].startswith("best: ")
    assert len(drift.rows) == 3
    assert to_csv(calibrators).count("\n") == 2 + len(METHODS)
    assert msgspec.json.decode(msgspec.json.encode(record), type=type(record)) == record


def test_the_command_prints_csv(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["calibrate-compare", str(source), "--data", "digits", "--samples", "20"]
    assert run([*words, "--limit", "20", "--scheme", "int16x8", "--format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("calibrator,top1,against float,SQNR")
    assert len(lines) > len(METHODS)


@pytest.mark.slow
@pytest.mark.convert
def test_layers_of_a_keras_model_bear_their_names(tmp_path: Path) -> None:
    if find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    demo = train_example("digits", tmp_path / "digits.keras")
    found = compare_calibrators(demo, load_dataset("digits"), samples=50, limit=50)
    assert "digit" in {t.layer for t in found.drift.tensors}


def test_every_method_of_the_recipes_is_compared() -> None:
    known = set(msgspec.json.schema(CalibrationMethod)["enum"])
    assert {params.method for params in METHODS.values()} == known


def test_a_scheme_without_ranges_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no ranges"):
        compare_calibrators(tmp_path / "x.keras", load_dataset("digits"), scheme="float16")


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.keras"):
        compare_calibrators(tmp_path / "x.keras", load_dataset("digits"))


def _digits_with(change: Any) -> Any:
    """Return digits whose evaluation labels are changed."""
    digits = load_dataset("digits")
    judged = digits.parts["evaluation"]
    assert judged.y is not None
    return replace(
        digits, parts={**digits.parts, "evaluation": replace(judged, y=change(judged.y))}
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: y + 5, "labels go from 5 to 14"),
        (lambda y: np.stack([y, y], axis=1), "labels have 2 values a sample"),
    ],
)
def test_labels_are_looked_at_before_anything_is_calibrated(
    source: Path, change: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeq.convert import calibrating

    runs: list[str] = []
    monkeypatch.setattr(child, "run", run_here)
    monkeypatch.setattr(calibrating, "run_model", lambda *_: runs.append("model"))
    monkeypatch.setattr(calibrating, "observe_activations", lambda *_: runs.append("statistics"))
    with pytest.raises(InputError, match=words):
        compare_calibrators(source, _digits_with(change), limit=20)
    assert not runs


# --- who is best ---------------------------------------------------------------------------------


def judged(right: dict[str, float], count: int) -> tuple[Any, dict[str, Any]]:
    """Return a judge, and outputs of which a share is right, of two classes."""
    random = np.random.default_rng(0)
    y = np.zeros(count, np.int64)
    real = np.tile(np.array([[0.9, 0.1]], np.float32), (count, 1))
    outputs = {}
    for name, share in right.items():
        wrong = random.random(count) >= share
        noise = random.normal(0, 0.01, (count, 2))
        outputs[name] = np.where(wrong[:, None], real[:, ::-1], real) + noise
    return _Judge("top1", np.zeros((count, 3)), y, real), outputs


def test_a_calibrator_that_is_better_beyond_chance_is_best() -> None:
    judge, outputs = judged({"a": 0.7, "b": 0.95, "c": 0.6}, 400)
    assert judge.best(outputs) == ("b", "top1")


def test_calibrators_that_chance_could_have_ordered_have_no_best() -> None:
    judge, outputs = judged({"a": 0.90, "b": 0.91, "c": 0.89}, 100)
    assert judge.best(outputs) == (None, None)


def test_equal_accuracy_leaves_the_sqnr_to_decide() -> None:
    judge, outputs = judged({"a": 1.0, "b": 1.0}, 200)
    outputs["a"] = judge.real + (outputs["a"] - judge.real) / 10
    assert judge.best(outputs) == ("a", "SQNR")


def test_the_same_outputs_are_no_rivals() -> None:
    judge, outputs = judged({"a": 0.9}, 100)
    assert judge.best({"a": outputs["a"], "b": outputs["a"].copy()}) == (None, None)
