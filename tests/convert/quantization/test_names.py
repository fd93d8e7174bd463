"""Operators of a float export get the names of the Keras layers that they compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.convert.quantization.names import LayerCall, match_layers
from edgeq.graph.ir import Graph
from tests.support.models import ModelBuilder, activation


def _chain(*ops: str) -> Graph:
    model = ModelBuilder()
    last = model.input(activation((1, 3), "float32"))
    for op in ops:
        last = model.op(op, [last], activation((1, 3), "float32"))
    return model.build(last)


def _calls(*rows: tuple[str, int, list[float]]) -> list[LayerCall]:
    return [LayerCall(name, (source,), np.array(value)) for name, source, value in rows]


def test_what_is_fused_belongs_to_the_first_of_its_layers() -> None:
    graph = _chain("ABS", "NEG")
    values = {1: np.array([[1.0, 2, 3]]), 2: np.array([[4.0, 5, 6]])}
    calls = _calls(
        ("conv", -1, [9, 9, 9]), ("norm", 0, [8, 8, 8]), ("act", 1, [1, 2, 3]),
        ("drop", 2, [1, 2, 3]), ("dense", 3, [4, 5, 6]),
    )  # fmt: skip
    assert match_layers(graph, values, calls) == {0: "conv", 1: "dense"}


def test_a_kernel_names_what_it_is_fused_with_before_a_batch_norm_does() -> None:
    graph = _chain("ABS", "NEG")
    values = {1: np.array([[1.0, 2, 3]]), 2: np.array([[4.0, 5, 6]])}
    rows = _calls(("pad", -1, [9, 9, 9]), ("norm", 0, [8, 8, 8]), ("dense", 1, [1, 2, 3]),
                  ("shape", 2, [7, 7, 7]), ("lone", 3, [4, 5, 6]))  # fmt: skip
    ranks = (0, 1, 2, 0, 1)
    calls = [row._replace(weights=rank) for row, rank in zip(rows, ranks, strict=True)]
    assert match_layers(graph, values, calls) == {0: "dense", 1: "lone"}


def test_an_operator_between_layers_belongs_to_the_later_one() -> None:
    graph = _chain("ABS", "NEG", "SQUARE")
    values = {1: np.array([1.0, 2, 3]), 2: np.array([7.0, 7, 7]), 3: np.array([4.0, 5, 6])}
    calls = _calls(("first", -1, [1, 2, 3]), ("second", 0, [4, 5, 6]))
    assert match_layers(graph, values, calls) == {0: "first", 1: "second", 2: "second"}


def test_equal_values_are_given_to_one_operator_each() -> None:
    graph = _chain("ABS", "RELU")
    values = {1: np.ones(3), 2: np.ones(3)}
    calls = _calls(("pool", -1, [1, 1, 1]), ("flatten", 0, [1, 1, 1]))
    assert match_layers(graph, values, calls) == {0: "pool", 1: "flatten"}


def _keras_model() -> Any:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [layers.Conv2D(4, 3, padding="same", name="inner_conv"), layers.BatchNormalization(),
         layers.ReLU(name="inner_act")], name="block",
    )  # fmt: skip
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = inner(x)
    x = layers.ReLU()(layers.Add(name="sum")([x, y]))
    x = layers.SeparableConv2D(6, 3, name="separable")(x)
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D(name="pool")(x))
    return keras.Model(inputs, layers.Dense(5, activation="softmax", name="head")(x))


@pytest.mark.convert
def test_nested_models_and_fused_layers_are_found(tmp_path: Path) -> None:
    model = _keras_model()
    import keras
    import tensorflow as tf

    from edgeq.convert.quantization.scheme import Scheme
    from edgeq.convert.road import draft_model

    archive = keras.export.ExportArchive()
    archive.track(model)
    spec = tf.TensorSpec((1, 8, 8, 3), tf.float32)
    archive.add_endpoint("serve", lambda x: model(x, training=False), input_signature=[spec])
    archive.write_out(str(tmp_path / "saved"), verbose=False)
    floating = tmp_path / "float.tflite"
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
    floating.write_bytes(converter.convert())
    x = np.random.default_rng(0).normal(0, 1, (2, 8, 8, 3)).astype(np.float32)
    draft = draft_model(floating, Scheme(), model=model, inputs=(x,))
    named = [(node.op, draft.layers.get(node.index)) for node in draft.graph.nodes]
    assert named == [
        ("CONV_2D", "stem"),
        ("CONV_2D", "inner_conv"),
        ("ADD", "sum"),
        ("DEPTHWISE_CONV_2D", "separable"),
        ("CONV_2D", "separable"),
        ("MEAN", "pool"),
        ("FULLY_CONNECTED", "head"),
        ("SOFTMAX", "head"),
    ]
