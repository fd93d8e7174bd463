"""Equalised channels: the function is kept, for whole graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.equalization import equalize
from edgeq.convert.quantization.products import float_weights, multiply, products_of
from edgeq.convert.recipes.steps import Equalize
from edgeq.graph.ir import Graph
from tests.support.float_models import float_graphs, noise, outputs_of
from tests.support.separable_net import calibrated, separable


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
