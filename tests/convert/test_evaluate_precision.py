"""Mean average precision from a dataset to the tables, of sets of labels and of boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq import api
from edgeq.cli.app import run
from edgeq.convert.evaluation import evaluate
from edgeq.core.records import EvaluationRecord
from edgeq.data.dataset import load_dataset
from edgeq.graph.writer import write_graph
from tests.support.detectors import CANDIDATES, cell_detector, postprocess_bytes, write_squares
from tests.support.models import activation, constant, one_op

# pycocotools 2.0.11 of images 30 to 59, their boxes.json, and what LiteRT finds by this model.
COCO_MAP, COCO_MAP_50 = 0.50218201, 0.63787254
RECIPE = """
name = "qat"
[[steps]]
kind = "qat"
[steps.schedule]
epochs = 1
[[steps]]
kind = "quantize"
"""
needs_images = pytest.mark.usefixtures("pillow")
ignore_warnings = pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own


@pytest.fixture
def pillow() -> None:
    pytest.importorskip("PIL.Image")


def write_detector(folder: Path, order: tuple[int, ...] = (0, 1, 2, 3)) -> Path:
    path = folder / f"{'-'.join(map(str, order))}.tflite"
    path.write_bytes(postprocess_bytes(order))
    return path


@needs_images
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1)])
def test_boxes_are_judged_as_cocos_own_evaluation_judges_them(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    data = load_dataset(str(write_squares(tmp_path / "squares")))
    record = evaluate(write_detector(tmp_path, order), data)
    assert (record.metric, record.samples) == ("coco_map", 30)
    assert record.int8_value == pytest.approx(COCO_MAP, abs=1e-7)
    (half,) = record.also
    assert half.metric == "coco_map_50"
    assert half.int8_value == pytest.approx(COCO_MAP_50, abs=1e-7)
    for figure in (record, half):
        assert figure.int8_interval is not None
        assert 0 < figure.int8_interval.low < figure.int8_value < figure.int8_interval.high < 1
    found = {c.label: c for c in record.classes}
    assert found.keys() == {"red", "green"}
    values = [c.int8_value for c in found.values() if c.int8_value is not None]
    assert np.mean(values) == pytest.approx(record.int8_value)


@needs_images
def test_ap_50_may_judge_and_two_detectors_are_compared(tmp_path: Path) -> None:
    data = load_dataset(str(write_squares(tmp_path / "squares", metric="coco_map_50")))
    model, other = write_detector(tmp_path), write_detector(tmp_path, (2, 0, 3, 1))
    record = evaluate(model, data, reference=other)
    assert record.int8_value == record.float_value == pytest.approx(COCO_MAP_50, abs=1e-7)
    assert record.change is not None
    assert record.change.verdict == "no significant difference"
    assert record.also[0].change is not None
    assert (record.sqnr_db, record.agreement) == (None, None)  # the order of lists is no signal


@needs_images
def test_the_command_prints_both_precisions_and_the_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_squares(tmp_path / "squares")
    line = ["evaluate", str(write_detector(tmp_path)), "--data", str(data)]
    assert run(line) == 0
    text = capsys.readouterr().out
    for words in ("coco_map, int8", "coco_map_50, int8", "Average precision by class", "green"):
        assert words in text
    assert run([*line, "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["also"][0]["metric"] == "coco_map_50"
    assert {c["label"]: c["positives"] > 0 for c in record["classes"]} == {
        "red": True, "green": True,
    }  # fmt: skip


def change_json(folder: Path, change: Any) -> None:
    path = folder / "boxes.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def drop_boxes(content: dict[str, Any]) -> None:
    content["annotations"] = []


def widen_box(content: dict[str, Any]) -> None:
    content["annotations"][0]["bbox"][2] = 99


@needs_images
@pytest.mark.parametrize(
    ("change", "detection", "words"),
    [
        (drop_boxes, "", "needs a box that is no crowd"),
        (widen_box, "", "does not lie in its 32 x 32 pixels"),
        (None, CANDIDATES, "candidates of 2 classes are rows of 6 values"),
    ],
)
def test_boxes_that_cannot_judge_end_with_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, detection: str, words: str
) -> None:
    data = write_squares(tmp_path / "squares", detection=detection)
    if change is not None:
        change_json(data.parent, change)
    assert run(["evaluate", str(write_detector(tmp_path)), "--data", str(data)]) == 3
    _, cause, hint = ("", *capsys.readouterr().err.splitlines()[-2:])
    assert words in cause
    assert hint.startswith("hint: ")


@pytest.fixture
def cells(tmp_path: Path) -> tuple[Path, str]:
    """Return a Keras detector of one output, and its dataset."""
    pytest.importorskip("tensorflow")
    source = tmp_path / "cells.keras"
    cell_detector().save(source)
    return source, str(write_squares(tmp_path / "squares", detection=CANDIDATES))


@needs_images
@pytest.mark.convert
@ignore_warnings
def test_a_detector_of_candidates_is_quantised_and_judged(cells: tuple[Path, str]) -> None:
    source, data = cells
    model, _ = api.convert(source, data=data)
    record = api.evaluate(model, data=data, reference=source)
    assert record.float_value == pytest.approx(COCO_MAP, abs=1e-6)  # it sees the same cells
    assert record.int8_value == pytest.approx(COCO_MAP, abs=0.05)
    assert record.sqnr_db is not None
    assert record.sqnr_db > 40


@needs_images
@pytest.mark.slow
@pytest.mark.convert
@ignore_warnings
def test_layers_calibrators_and_steps_are_judged_by_boxes(cells: tuple[Path, str]) -> None:
    source, data = cells
    layers = api.sensitivity(source, data=data, scheme="int4")
    assert layers.metric == "coco_map"
    assert layers.base.value is not None
    assert layers.base.interval is not None
    compared = api.compare_calibrators(source, data=data)
    assert compared.float_value == pytest.approx(COCO_MAP, abs=1e-6)
    assert {method.agreement for method in compared.methods} == {None}
    recipe = source.with_name("qat.toml")
    recipe.write_text(RECIPE)
    _, record = api.convert(source, data=data, recipe=str(recipe))
    assert record.recipe is not None
    assert record.recipe.metric == "coco_map"
    assert [step.value is not None for step in record.recipe.steps] == [True, True]
    assert any("imitates" in warning for warning in record.warnings)


# --- sets of labels ------------------------------------------------------------------------------


def write_linear(folder: Path) -> tuple[Path, np.ndarray]:
    """Write a model of 4 inputs that are its 4 outputs; return it and samples (60, 4)."""
    options = {"fused_activation_function": "NONE"}
    weights = constant(np.eye(4), "float32")
    graph = one_op(
        "FULLY_CONNECTED",
        [activation((1, 4), "float32"), weights, constant(np.zeros(4), "float32")],
        activation((1, 4), "float32"),
        options,
    )
    path = folder / "linear.tflite"
    path.write_bytes(write_graph(graph))
    return path, np.random.default_rng(0).random((60, 4)).astype(np.float32)


def judge_sets(folder: Path, y: np.ndarray) -> EvaluationRecord:
    model, x = write_linear(folder)
    np.savez(folder / "sets.npz", x_calib=x[:10], x_test=x[10:], y_test=y[10:], y_calib=y[:10])
    return evaluate(model, load_dataset(str(folder / "sets.npz")))


def test_sets_of_labels_are_judged_class_by_class(tmp_path: Path) -> None:
    _, x = write_linear(tmp_path)
    y = (x > [0.5, 0.7, 0.4, 2.0]).astype(np.int64)
    y[::7, 2] ^= 1
    record = judge_sets(tmp_path, y)
    assert record.metric == "map"
    perfect, also, worse, none = (c.int8_value for c in record.classes)
    assert perfect == also == 1.0
    assert worse is not None
    assert worse < 1
    assert none is None
    assert [c.positives for c in record.classes] == [int(n) for n in y[10:].sum(axis=0)]
    assert record.int8_value == pytest.approx((2 + worse) / 3)
    assert record.int8_interval is not None
    assert record.int8_interval.low <= record.int8_value <= record.int8_interval.high
    assert judge_sets(tmp_path, y) == record  # the bootstrap's seed is fixed


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.eye(3, dtype=int)[np.arange(60) % 3], "labels have 3 values a sample"),
        (np.full((60, 4), 2), "must be 0 or 1 for each class"),
        (np.zeros((60, 4), int), "needs a class with positives"),
    ],
)
def test_sets_that_cannot_judge_end_with_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], y: np.ndarray, words: str
) -> None:
    model, x = write_linear(tmp_path)
    np.savez(tmp_path / "sets.npz", x_calib=x[:10], x_test=x[10:], y_test=y[10:])
    assert run(["evaluate", str(model), "--data", str(tmp_path / "sets.npz")]) == 3
    assert words in capsys.readouterr().err
