"""Equalised channels: the function is kept, for whole graphs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.draft import LayerNotes
from edgeq.convert.quantization.equalization import equalize
from edgeq.convert.quantization.products import float_weights, multiply, products_of
from edgeq.convert.recipes.steps import Equalize
from edgeq.graph.ir import Graph
from tests.support.float_models import float_graphs, noise, outputs_of
from tests.support.models import ModelBuilder, activation, constant
from tests.support.separable_net import STRIDE, calibrated, separable


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("function", ["NONE", "RELU", "RELU6", "RELU_N1_TO_1"])
def test_equalisation_keeps_the_function(function: str, residual: bool) -> None:
    graph = separable(function, residual=residual)
    inputs = noise(graph, samples=16)
    given = equalize(calibrated(graph, inputs), observer_of(inputs), Equalize())
    for real, other in zip(outputs_of(graph, inputs), outputs_of(given.graph, inputs), strict=True):
        assert np.max(np.abs(real - other)) <= 1e-4 * np.max(np.abs(real))
    if function in ("NONE", "RELU"):
        assert given.graph is not graph


@settings(max_examples=25, deadline=None)
@given(float_graphs())
def test_equalisation_keeps_the_function_of_random_graphs(graph: Graph) -> None:
    inputs = noise(graph)
    given = equalize(calibrated(graph, inputs), observer_of(inputs), Equalize())
    for real, other in zip(outputs_of(graph, inputs), outputs_of(given.graph, inputs), strict=True):
        assert np.max(np.abs(real - other)) <= 1e-4 * max(1e-3, float(np.max(np.abs(real))))


def flattened_sum(reader: str) -> Graph:
    """Return a plane, flattened, plus a dense layer's output; then dense or depthwise layers."""
    rng = np.random.default_rng(0)
    model = ModelBuilder()

    def weights(*shape: int) -> Any:
        uneven = np.exp(rng.normal(0, 1, shape[-1]))
        return constant((rng.normal(0, 0.4, shape) * uneven).astype(np.float32), "float32")

    def floats(*shape: int) -> Any:
        return activation(shape, "float32")

    plain = {"fused_activation_function": "NONE"}
    relu = {**STRIDE, "padding": "SAME", "fused_activation_function": "RELU"}
    x = model.input(floats(1, 2, 2, 3))
    y = model.op("CONV_2D", [x, weights(4, 1, 1, 3), weights(4)], floats(1, 2, 2, 4), relu)
    whole = constant(np.array([1, 16]), "int32")
    y = model.op("RESHAPE", [y, whole], floats(1, 16))
    if reader == "FULLY_CONNECTED":
        z = model.op("RESHAPE", [x, constant(np.array([1, 12]), "int32")], floats(1, 12))
        z = model.op(reader, [z, weights(16, 12), weights(16)], floats(1, 16), plain)
        y = model.op("ADD", [y, z], floats(1, 16), plain)
        return model.build(model.op(reader, [y, weights(5, 16), weights(5)], floats(1, 5), plain))
    y = model.op("RESHAPE", [y, constant(np.array([1, 1, 1, 16]), "int32")], floats(1, 1, 1, 16))
    row = [y, weights(1, 1, 1, 16), weights(16)]
    return model.build(model.op(reader, row, floats(1, 1, 1, 16), {**relu, "depth_multiplier": 1}))


@pytest.mark.parametrize("reader", ["FULLY_CONNECTED", "DEPTHWISE_CONV_2D"])
def test_flattened_channels_that_a_layer_makes_or_filters_singly_keep_the_function(
    reader: str,
) -> None:
    graph = flattened_sum(reader)
    inputs = noise(graph, samples=16)
    given = equalize(calibrated(graph, inputs), observer_of(inputs), Equalize())
    (real,), (other,) = outputs_of(graph, inputs), outputs_of(given.graph, inputs)
    assert np.max(np.abs(real - other)) <= 1e-4 * np.max(np.abs(real))


@pytest.mark.parametrize("decided", ["range", "codebook"])
def test_what_training_decided_is_not_scaled(decided: str) -> None:
    graph = separable()
    inputs = noise(graph, samples=64)
    draft = calibrated(graph, inputs)
    layers = {node.index: f"layer{node.index}" for node in graph.nodes}
    notes = {
        layers[node.index]: LayerNotes(output=draft.ranges[node.outputs[0]])
        if decided == "range"
        else LayerNotes(codebook=(-127, 0, 127))
        for node in graph.nodes
    }
    draft = replace(draft, layers=layers, notes=notes)
    assert equalize(draft, observer_of(inputs), Equalize()).graph is draft.graph


def test_a_relu6_below_6_becomes_relu_and_one_that_reaches_it_stays() -> None:
    graph = separable("RELU6")
    faint = tuple(x * 0.01 for x in noise(graph))
    loud = tuple(x * 100 for x in noise(graph))

    def functions(inputs: Any) -> list[Any]:
        draft = equalize(calibrated(graph, inputs), observer_of(inputs), Equalize())
        return [n.options.get("fused_activation_function") for n in draft.graph.nodes[:3]]

    assert "RELU" in functions(faint)
    assert functions(loud) == ["RELU6", "RELU6", "RELU6"]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_products_compute_what_the_graph_does(seed: int) -> None:
    graph = separable("NONE", seed=seed)
    inputs = noise(graph, seed)
    draft = calibrated(graph, inputs)
    for product in products_of(draft):
        matrix = float_weights(draft, product)
        bias = graph.tensor(product.bias).data
        wanted = observer_of(inputs)(graph, [product.input, product.output])
        for x, y in wanted:
            found = multiply(product.rows(x), matrix) + bias
            assert np.allclose(found.reshape(y.shape), y, rtol=1e-3, atol=1e-3)
        assert np.array_equal(
            product.layout(matrix), np.asarray(graph.tensor(product.weights).data)
        )
