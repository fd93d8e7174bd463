"""Weights of few values end as such in the file, whatever batch norms stand beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.convert.quantization.rules import filter_input
from edgeq.convert.recipes.conversion import convert_by_recipe
from edgeq.convert.recipes.recipe import read_text
from edgeq.core.errors import InputError
from edgeq.data.dataset import Dataset
from edgeq.graph.reader import read_model

pytestmark = [
    pytest.mark.convert,
    pytest.mark.usefixtures("here"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:keras"),
]

RECIPE = """
name = "t"
[[steps]]
kind = "{kind}"
schedule = {{ epochs = 1, batch = 16 }}
[[steps]]
kind = "quantize"
scheme = "{scheme}"
"""
VALUES = {"cluster": 16, "ternary": 3, "binary": 2}


def save(model: Any, path: Path) -> Path:
    """Save a model whose batch norms have factors of either sign and very different sizes."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if "normalization" in layer.name:
            count = layer.gamma.shape[0]
            gamma = rng.uniform(0.2, 3.0, count) * rng.choice([-1, 1], count)
            variance = rng.uniform(0.1, 4.0, count)
            layer.set_weights([gamma, rng.normal(size=count), rng.normal(size=count), variance])
    model.save(path)
    return path


@pytest.fixture(scope="module")
def normed(folder: Path) -> Path:
    """Return a model with batch norms behind and before layers with weights."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 1))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, name="conv")(inputs)))
    x = layers.BatchNormalization()(layers.DepthwiseConv2D(3, name="depthwise")(x))
    x = layers.Dense(8, activation="relu", name="first")(layers.Flatten()(layers.ReLU()(x)))
    x = layers.Dense(8, activation="relu", name="second")(layers.BatchNormalization()(x))
    outputs = layers.Dense(3, activation="softmax", name="head")(x)
    return save(keras.Model(inputs, outputs), folder / "normed.keras")


@pytest.mark.parametrize("scheme", ["int8", "int8-per-tensor"])
@pytest.mark.parametrize("kind", VALUES)
def test_codes_survive_the_folding_of_batch_norms(
    kind: str, scheme: str, normed: Path, data: Dataset, tmp_path: Path
) -> None:
    out, recipe = tmp_path / "out.tflite", read_text(RECIPE.format(kind=kind, scheme=scheme))
    record = convert_by_recipe(normed, out, dataset=data, recipe=recipe)
    graph = read_model(out)
    weights = [
        graph.tensor(node.inputs[place])
        for node in graph.nodes
        if (place := filter_input(node)) is not None
    ]
    assert [len(np.unique(w.data)) <= VALUES[kind] for w in weights] == [True] * 5
    scales = [len(w.quantization.scales) for w in weights if w.quantization is not None]
    assert scales == ([1] * 5 if scheme == "int8-per-tensor" else [4, 4, 8, 8, 3])
    assert record.sqnr_db > 25  # against what training left, whose weights are the same
    assert not [words for words in record.warnings if "few values" in words]


def test_values_that_a_layer_behind_would_scale_are_refused(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras
    from keras import layers

    from edgeq.convert.training import loop

    inputs = keras.Input((8, 8, 1))
    x = layers.Dropout(0.1)(layers.Dense(8, name="inner")(layers.Flatten()(inputs)))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))
    source = save(model, tmp_path / "m.keras")
    monkeypatch.setattr(loop._Run, "advance", None)  # no step may train
    recipe = read_text(RECIPE.format(kind="ternary", scheme="int8-per-tensor"))
    with pytest.raises(InputError, match="layer inner: its few values would be lost"):
        convert_by_recipe(source, tmp_path / "out.tflite", dataset=data, recipe=recipe)
