"""Models whose weights have few distinct values, as clustering or ternary training leaves them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from edgeq.graph.ir import Graph, Node
from tests.support.dsp_models import with_tensor
from tests.support.models import ModelBuilder, activation, constant

COUNTS = (1, 2, 3, 4, 5, 16)
TERNARY, BINARY = (-127, 0, 127), (-127, 127)


def with_values(graph: Graph, values: tuple[int, ...], seed: int) -> Graph:
    """Return a model of one operator whose weights are any of `values`."""
    weights = graph.tensor(graph.nodes[0].inputs[1])
    chosen = np.random.default_rng(seed).choice(np.array(values, np.int8), weights.shape)
    return with_tensor(graph, weights.index, replace(weights, data=chosen))


@st.composite
def coded(draw: st.DrawFn, models: st.SearchStrategy[Graph]) -> Graph:
    """Models of one operator whose weights have at most 16 values, extremes among them."""
    count = draw(st.sampled_from(COUNTS))
    least = draw(st.sampled_from((-127, -127, -128)))
    any_ = st.lists(st.integers(least, 127), min_size=count, max_size=count, unique=True).map(tuple)
    values = draw(st.one_of(any_, st.sampled_from((TERNARY, BINARY))))
    return with_values(draw(models), values, draw(st.integers(0, 1 << 16)))


def has_few_values(graph: Graph, node: Node) -> bool:
    """Stand in for the rule that codes save flash, which no model of one operator keeps to."""
    weights = graph.tensor(node.inputs[1])
    return (
        weights.dtype == "int8" and weights.data is not None and len(set(weights.data.flat)) <= 16
    )


def dense_network(values: tuple[int, ...], units: int = 64) -> Graph:
    """Return two layers of so many units, with weights of the given values."""
    rng, builder = np.random.default_rng(3), ModelBuilder()
    x = builder.input(activation((1, units), "int8", 0.1, 3))
    for _ in range(2):
        weights = rng.choice(np.array(values), (units, units))
        bias = constant(rng.integers(-99, 99, units), "int32", [0.001])
        x = builder.op(
            "FULLY_CONNECTED",
            [x, constant(weights, "int8", [0.01]), bias],
            activation((1, units), "int8", 0.1, 3),
            {"fused_activation_function": "NONE"},
        )
    return builder.build(x)
