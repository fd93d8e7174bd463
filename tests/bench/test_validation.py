"""The first diverging layer: found on the graph that the layers compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from edgeq.bench.inputs import ModelInput
from edgeq.bench.validation import find_divergence
from edgeq.compile import compile_graph, computed_graph
from edgeq.core.records import Plan
from edgeq.device.session import BoardSession, LayerTrace
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.support.models import ModelBuilder, activation, constant

SHAPE = (1, 4, 4, 2)
OPTIONS = {
    "padding": "SAME", "stride_h": 1, "stride_w": 1, "dilation_h_factor": 1,
    "dilation_w_factor": 1, "fused_activation_function": "RELU",
}  # fmt: skip
BYTES = np.arange(32, dtype=np.int8).reshape(SHAPE)
ITEM = ModelInput(name="ramp", ports=(BYTES.tobytes(),))


class _Board:
    """A board that computes every layer right, but for byte 1 of layer `wrong`."""

    def __init__(self, graph: Graph, plan: Plan, wrong: int | None) -> None:
        self.graph, self.plan, self.wrong = graph, plan, wrong

    def write_input(self, port: int, raw: bytes) -> None:
        assert raw == ITEM.ports[port]

    def trace(self, *, with_bytes: bool) -> Sequence[LayerTrace]:
        assert with_bytes
        tensors = Oracle(computed_graph(self.graph, self.plan)).run([BYTES], keep=True).tensors
        return [self._trace(layer.index, tensors[layer.output]) for layer in self.plan.layers]

    def _trace(self, layer: int, values: np.ndarray[Any, Any]) -> LayerTrace:
        data = bytearray(values.tobytes())
        assert len(data) == self.plan.layers[layer].output_bytes
        data[1] ^= layer == self.wrong
        return LayerTrace(layer, bytes(data), {})


def _half_dead() -> Graph:
    """Two convolutions, of which the first has a dead channel in the middle."""
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    y = x
    for seed, outputs, bias in ((1, 3, [5, -(10**7), 7]), (2, 2, [3, 4])):
        rng, depth = np.random.default_rng(seed), model.tensors[y].shape[3]
        weights = constant(rng.integers(-127, 128, (outputs, 3, 3, depth)), "int8", 0.01)
        result = activation((1, 4, 4, outputs), "int8", 0.05, -128)
        y = model.op("CONV_2D", [y, weights, constant(bias, "int32", 0.01 * 0.05)], result, OPTIONS)
    return model.build(y)


def test_layers_without_dead_channels_are_compared_as_they_are_computed() -> None:
    graph = _half_dead()
    plan = compile_graph(graph, name="half").plan
    assert plan.layers[0].output_shape == (1, 4, 4, 2)
    assert plan.computed_macs is not None
    assert plan.computed_macs == sum(layer.macs for layer in plan.layers) < plan.macs
    board = cast(BoardSession, _Board(graph, plan, None))
    assert find_divergence(board, graph, plan, ITEM) is None


def test_the_first_layer_that_differs_is_named() -> None:
    graph = _half_dead()
    plan = compile_graph(graph, name="half").plan
    board = cast(BoardSession, _Board(graph, plan, 1))
    found = find_divergence(board, graph, plan, ITEM)
    assert found is not None
    assert (found.layer, found.differing, found.elements) == (1, 1, 32)
