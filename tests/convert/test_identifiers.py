"""Ids for embeddings are integers, whatever type the Keras model's Input was given."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.convert.samples import Inputs
from edgeq.core.errors import InputError
from edgeq.graph.reader import read_model

pytestmark = [
    pytest.mark.convert,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's and Keras' own
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]

WORDS, LENGTH = 40, 5


def convert(model: Any, inputs: Inputs, folder: Path) -> dict[str, Any]:
    """Save and convert a Keras model in this process."""
    from edgeq.convert.backends import convert_source

    model.save(folder / "model.keras")
    job = {"backend": "edgeq", "input_dtype": "int8", "output_dtype": "int8"}
    task = {"source": str(folder / "model.keras"), **job}
    answer: dict[str, Any] = convert_source(task, inputs, folder, lambda stage, share: None)
    return answer


def ids(dtype: type) -> Inputs:
    """Return samples of which each word is one."""
    return (np.random.default_rng(1).integers(0, WORDS, (50, LENGTH)).astype(dtype),)


def functional() -> Any:
    import keras
    from keras import layers

    words = keras.Input((LENGTH,), name="words")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(WORDS, 8)(words))
    return keras.Model(words, layers.Dense(3, activation="softmax")(x))


def sequential() -> Any:
    import keras
    from keras import layers

    model = keras.Sequential([layers.Embedding(WORDS, 8), layers.Flatten(), layers.Dense(3)])
    model(np.zeros((1, LENGTH)))
    return model


@pytest.mark.parametrize(
    ("build", "dtype"), [(functional, np.float32), (functional, np.int32), (sequential, np.int32)]
)
def test_an_input_that_an_embedding_alone_reads_becomes_int32(
    build: Any, dtype: type, tmp_path: Path
) -> None:
    import keras

    keras.utils.set_random_seed(5)
    model = build()
    assert model.inputs[0].dtype == "float32"
    answer = convert(model, ids(dtype), tmp_path)
    assert answer["sqnr_db"] > 30
    assert answer["float_max_error"] < 1e-5
    graph = read_model(tmp_path / "int8.tflite")
    assert [graph.tensor(i).dtype for i in graph.inputs] == ["int32"]
    assert graph.nodes[0].op == "GATHER"


def test_fractions_are_no_ids(tmp_path: Path) -> None:
    (words,) = ids(np.float32)
    with pytest.raises(InputError, match="words"):
        convert(functional(), (words + 0.5,), tmp_path)


def test_an_embedding_of_computed_floats_is_refused_by_name(tmp_path: Path) -> None:
    import keras
    from keras import layers

    words = keras.Input((LENGTH,), name="words")
    rows = layers.Embedding(2 * WORDS, 8, name="table")(layers.Rescaling(2.0)(words))
    model = keras.Model(words, layers.Flatten()(rows))
    with pytest.raises(InputError, match="embedding 'table' reads floats") as caught:
        convert(model, ids(np.float32), tmp_path)
    assert "int32" in caught.value.hint
    assert not (tmp_path / "int8.tflite").exists()


def test_a_sequential_model_converts(tmp_path: Path) -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, "relu"), layers.Dense(3)])
    x = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    assert convert(model, (x,), tmp_path)["sqnr_db"] > 20
