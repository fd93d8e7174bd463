"""Recipes end to end: the same bytes again, gains that were measured, errors with their codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.convert.recipes import conversion
from edgeq.convert.recipes.conversion import convert_by_recipe, record_path
from edgeq.convert.recipes.materials import gather_materials
from edgeq.convert.recipes.recipe import Written, find_recipe, parse_recipe, read_text
from edgeq.convert.recipes.schedules import time_limit
from edgeq.core.errors import EdgeqError, InputError, ToolchainError, UsageError
from edgeq.core.records import ConversionRecord
from edgeq.data.dataset import Dataset, load_dataset
from edgeq.graph.reader import read_model
from tests.convert.recipes.conftest import blobs, write_data

pytestmark = [
    pytest.mark.convert,
    # Keras saves variables as NumPy 2 does not like it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:keras"),
]

TRAINING = """
name = "tiny"
[[steps]]
kind = "prune"
sparsity = 0.3
schedule = { epochs = 2, batch = 16 }
[[steps]]
kind = "calibrate"
method = "mse"
[[steps]]
kind = "quantize"
"""


def test_a_recipe_without_training_gives_a_model_and_its_record(
    model: Path, data: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "out.tflite"
    record = convert_by_recipe(model, out, dataset=data, recipe=find_recipe("int8"))
    assert record.sqnr_db > 25
    graph = read_model(out)
    assert {graph.tensor(i).dtype for i in (*graph.inputs, *graph.outputs)} == {"int8"}
    assert record.recipe is not None
    assert [step.kind for step in record.recipe.steps] == ["calibrate", "quantize"]
    stored = json.loads(record_path(out).read_text())
    assert parse_recipe(stored["recipe"]["text"]) == find_recipe("int8").recipe
    assert stored["recipe"]["data_sha256"] == gather_materials(data, 500).sha256


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("keep", ["always", "if-better"])
def test_steps_are_taken_back_by_samples_that_do_not_calibrate(
    keep: str, model: Path, data: Dataset, tmp_path: Path
) -> None:
    steps = f'[[steps]]\nkind = "calibrate"\nkeep = "{keep}"\n[[steps]]\nkind = "quantize"\n'
    recipe, out = read_text(f'name = "t"\n{steps}'), tmp_path / "out.tflite"
    record = convert_by_recipe(model, out, dataset=data, recipe=recipe)
    held = len(gather_materials(data, 500).held)
    assert record.calibration.samples == (96 if keep == "always" else 96 - held)
    assert not [words for words in record.warnings if "left to judge by" in words]


@pytest.mark.usefixtures("here")
def test_a_recipe_that_has_nothing_to_judge_by_warns(model: Path, tmp_path: Path) -> None:
    x = np.full((60, 8, 8, 1), 0.5, np.float32)
    data = write_data(tmp_path / "d.npz", x_calibration=x, y_calibration=np.zeros(60, int))
    record = convert_by_recipe(
        model,
        tmp_path / "out.tflite",
        dataset=load_dataset(str(data)),
        recipe=find_recipe("int8-best"),
    )
    assert [words for words in record.warnings if "left to judge by" in words]


@pytest.mark.slow
def test_training_gives_the_same_bytes_again_and_another_seed_others(
    model: Path, data: Dataset, tmp_path: Path
) -> None:
    made = []
    for name, seed in (("a", None), ("b", 0), ("c", 1)):
        out = tmp_path / f"{name}.tflite"
        record = convert_by_recipe(model, out, dataset=data, recipe=read_text(TRAINING), seed=seed)
        made.append(out.read_bytes())
        assert record.recipe is not None
        assert record.recipe.seed == (seed or 0)
    assert made[0] == made[1]
    assert made[0] != made[2]
    assert not list(tmp_path.glob("*checkpoints*"))
    steps = record.recipe.steps if record.recipe else ()
    assert [step.kind for step in steps] == ["prune", "calibrate", "quantize"]
    assert all(step.change is not None for step in steps)
    assert "no train split" in record.warnings[0]


@pytest.mark.slow
def test_dropout_drops_the_same_again(model: Path, data: Dataset, tmp_path: Path) -> None:
    import keras
    from keras import layers

    tiny, dropping = keras.models.load_model(model), tmp_path / "dropping.keras"
    outputs = tiny.layers[-1](layers.Dropout(0.5)(tiny.layers[-2].output))
    keras.Model(tiny.inputs, outputs).save(dropping)
    made = []
    for name in ("a", "b"):
        out = tmp_path / f"{name}.tflite"
        convert_by_recipe(dropping, out, dataset=data, recipe=read_text(TRAINING))
        made.append(out.read_bytes())
    assert made[0] == made[1]


class Interruption:
    """Progress that a user interrupts once an epoch is over."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def __call__(self, stage: str, share: float | None = None) -> None:
        self.stages.append(stage)
        epoch = re.search(r"epoch (\d+)/", stage)
        if epoch is not None and int(epoch[1]) > 1:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_an_interrupted_training_goes_on_from_its_checkpoint(
    model: Path, data: Dataset, tmp_path: Path
) -> None:
    recipe = read_text(TRAINING.replace("epochs = 2", "epochs = 100"))
    whole, out = tmp_path / "whole.tflite", tmp_path / "out.tflite"
    convert_by_recipe(model, whole, dataset=data, recipe=recipe)
    with pytest.raises(KeyboardInterrupt) as caught:
        convert_by_recipe(model, out, dataset=data, recipe=recipe, on_progress=Interruption())
    (kept,) = tmp_path.glob("out.checkpoints-*")
    assert str(kept) in str(caught.value)
    assert not out.exists()
    assert not record_path(out).exists()
    convert_by_recipe(model, out, dataset=data, recipe=recipe)
    assert out.read_bytes() == whole.read_bytes()
    assert not kept.exists()


def test_other_data_or_another_seed_have_other_checkpoints(data: Dataset, tmp_path: Path) -> None:
    from edgeq.core.records import RecipeRecord

    facts: dict[str, Any] = {"name": "a", "text": "", "metric": None, "held": 1, "held_of": "train"}
    keys = ("sha256", "source_sha256", "data_sha256")
    base = RecipeRecord(**facts, **dict.fromkeys(keys, "0"), seed=0, steps=())
    places = {conversion.checkpoints_of(tmp_path / "m.tflite", base)}
    for key in keys:
        changed = RecipeRecord(**facts, **{**dict.fromkeys(keys, "0"), key: "1"}, seed=0, steps=())
        places.add(conversion.checkpoints_of(tmp_path / "m.tflite", changed))
    other = RecipeRecord(**facts, **dict.fromkeys(keys, "0"), seed=1, steps=())
    assert len(places | {conversion.checkpoints_of(tmp_path / "m.tflite", other)}) == 5


def test_training_may_take_as_long_as_its_schedule() -> None:
    limited = TRAINING.replace("batch = 16", "batch = 16, minutes = 20")
    assert time_limit(parse_recipe(TRAINING)) == 86_400
    assert 20 * 60 < time_limit(parse_recipe(limited)) < 2 * 3600
    assert time_limit(find_recipe("int8").recipe) < 2 * 3600


# --- errors --------------------------------------------------------------------------------------


def refusal(
    error: type[EdgeqError], code: int, source: Path, out: Path, recipe: Written, data: Dataset
) -> EdgeqError:
    """Convert, and return the error; it has this class and code, and nothing was written."""
    with pytest.raises(error) as caught:
        convert_by_recipe(source, out, dataset=data, recipe=recipe)
    assert caught.value.exit_code == code
    assert caught.value.hint
    assert not list(out.parent.glob("out*.tflite"))
    assert not record_path(out).exists()
    return caught.value


@pytest.mark.usefixtures("here")
def test_nan_weights_are_refused(model: Path, data: Dataset, tmp_path: Path) -> None:
    import keras

    broken = keras.models.load_model(model)
    kernel, bias = broken.get_layer("depthwise").get_weights()
    kernel[0, 0, 0, 0] = np.nan
    broken.get_layer("depthwise").set_weights([kernel, bias])
    broken.save(tmp_path / "broken.keras")
    for recipe in (find_recipe("int8"), read_text(TRAINING)):
        error = refusal(
            InputError, 3, tmp_path / "broken.keras", tmp_path / "out.tflite", recipe, data
        )
        assert "depthwise" in error.cause
        assert "NaN" in error.cause


@pytest.mark.usefixtures("here")
def test_a_dataset_of_another_shape_is_refused(model: Path, tmp_path: Path) -> None:
    wide = np.zeros((40, 9, 9, 1), np.float32) + np.arange(40).reshape(-1, 1, 1, 1)
    path = write_data(tmp_path / "d.npz", x_calibration=wide, y_calibration=np.zeros(40, int))
    data = load_dataset(str(path))
    for recipe in (find_recipe("int8"), read_text(TRAINING)):
        error = refusal(InputError, 3, model, tmp_path / "out.tflite", recipe, data)
        assert "(9, 9, 1)" in error.cause


@pytest.mark.usefixtures("here")
def test_labels_that_the_model_has_no_output_for_are_refused(model: Path, tmp_path: Path) -> None:
    path = write_data(tmp_path / "d.npz", y_calibration=blobs(96, 1)[1] + 5)
    data = load_dataset(str(path))
    for recipe in (find_recipe("int8"), read_text(TRAINING)):
        error = refusal(InputError, 3, model, tmp_path / "out.tflite", recipe, data)
        assert "labels" in error.cause


@pytest.mark.usefixtures("here")
def test_training_needs_keras_layers(model: Path, data: Dataset, tmp_path: Path) -> None:
    convert_by_recipe(model, tmp_path / "a.tflite", dataset=data, recipe=find_recipe("int8"))
    floating = tmp_path / "a_float.tflite"
    error = refusal(InputError, 3, floating, tmp_path / "out.tflite", read_text(TRAINING), data)
    assert "Keras" in error.cause


@pytest.mark.usefixtures("here")
def test_a_step_whose_layers_are_not_there_is_refused(
    model: Path, data: Dataset, tmp_path: Path
) -> None:
    recipe = read_text(TRAINING.replace("sparsity = 0.3", 'layers = "block.*"'))
    error = refusal(InputError, 3, model, tmp_path / "out.tflite", recipe, data)
    assert "block.*" in error.cause


@pytest.mark.usefixtures("here")
def test_a_layer_that_cannot_be_quantised_is_named(data: Dataset, tmp_path: Path) -> None:
    import keras
    from keras import layers

    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(2, 3, name="conv")(inputs)
    x = layers.Activation("softsign", name="soft")(x)
    keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x))).save(tmp_path / "m.keras")
    out, recipe = tmp_path / "out.tflite", find_recipe("int16x8")
    error = refusal(ToolchainError, 4, tmp_path / "m.keras", out, recipe, data)
    assert "soft" in error.cause


@pytest.mark.usefixtures("here")
def test_an_unwritable_place_is_refused_before_any_work(model: Path, data: Dataset) -> None:
    with pytest.raises(UsageError) as caught:
        convert_by_recipe(model, Path("/proc/x.tflite"), dataset=data, recipe=find_recipe("int8"))
    assert caught.value.exit_code == 2


@pytest.mark.usefixtures("here")
def test_a_missing_model_and_a_missing_teacher_are_refused(
    model: Path, data: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "out.tflite"
    assert "no model" in refusal(
        InputError, 3, tmp_path / "none.keras", out, find_recipe("int8"), data
    ).cause  # fmt: skip
    teacher = '[[steps]]\nkind = "distil"\nteacher = "none.keras"\n[[steps]]\nkind = "quantize"\n'
    recipe = read_text(f'name = "t"\n{teacher}')
    assert "no teacher" in refusal(InputError, 3, model, out, recipe, data).cause


@pytest.mark.usefixtures("here")
def test_the_record_is_read_again(model: Path, data: Dataset, tmp_path: Path) -> None:
    import msgspec

    out = tmp_path / "out.tflite"
    record = convert_by_recipe(model, out, dataset=data, recipe=find_recipe("int8"))
    assert msgspec.json.decode(record_path(out).read_bytes(), type=ConversionRecord) == record
