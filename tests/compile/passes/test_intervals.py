"""Interval analysis: every value that the oracle computes lies within its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.compile.passes.intervals import Interval, find_intervals
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import EFFORT, EFFORTS, SOME, hard_inputs
from tests.support.random_graphs import STEPS, random_graphs


def _check(graph: Graph, seed: int) -> None:
    bounds, oracle = find_intervals(graph), Oracle(graph)
    for inputs in hard_inputs(graph, seed):
        for index, values in oracle.run(inputs, keep=True).tensors.items():
            if index in bounds:
                rows = values.reshape(-1, len(bounds[index].low))
                assert (rows >= bounds[index].low).all()
                assert (rows <= bounds[index].high).all()


@EFFORT
@pytest.mark.parametrize("steps", [(), ("convolution", "depthwise", "dense", "row", "mul", "sub")])
def test_random_graphs_keep_to_their_bounds(steps: tuple[str, ...], effort: str) -> None:
    @EFFORTS[effort]
    @given(random_graphs(steps), st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        _check(graph, seed)

    holds()


@pytest.mark.parametrize("step", STEPS)
def test_every_operator_keeps_to_its_bounds(step: str) -> None:
    @SOME
    @given(random_graphs(("convolution", step, step)), st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        _check(graph, seed)

    holds()


def test_bounds_of_a_layer_are_reached() -> None:
    """With inputs at the ends that the signs of the weights ask for."""
    model = ModelBuilder()
    x = model.input(activation((1, 4), "int8", 0.05, 3))
    weights = np.array([[5, -7, 0, 2], [-1, 1, -1, 1]])
    y = model.op(
        "FULLY_CONNECTED", [x, constant(weights, "int8", 0.01)], activation((1, 2), "int8", 0.1, -9)
    )
    graph = model.build(y)
    bounds, oracle = find_intervals(graph)[y], Oracle(graph)
    for channel in range(2):
        highest = np.where(weights[channel] > 0, 127, -128).astype(np.int8)
        for values, end in ((highest, bounds.high), (-1 - highest, bounds.low)):
            got = oracle.run([values.astype(np.int8).reshape(1, 4)]).outputs[0]
            assert got[0, channel] == end[channel]


def test_accumulators_that_may_wrap_have_any_result() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 1), "int8", 0.05, 0))
    bias = constant([2**31 - 1], "int32", 0.0005)
    y = model.op(
        "FULLY_CONNECTED", [x, constant([[127]], "int8", 0.01), bias],
        activation((1, 1), "int8", 1000.0, 0),
    )  # fmt: skip
    bounds = find_intervals(model.build(y))[y]
    assert (bounds.low[0], bounds.high[0]) == (-128, 127)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 12, 4])
def test_elements_in_other_rows_keep_their_bounds(count: int) -> None:
    low, high = np.arange(6), np.arange(6) + 3
    found = Interval(low, high).over(count)
    elements = np.tile(np.arange(6), 2).reshape(-1, count)
    assert (elements >= found.low).all()
    assert (elements + 3 <= found.high).all()
