"""Sums and products with a function of one byte behind them: one operator, the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.compile.passes import run_passes
from edgeq.compile.passes.table_joining import join_tables
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.support.models import ModelBuilder, activation
from tests.support.proofs import EFFORT, assert_same, prove_on_random_graphs

SHAPE = (1, 256, 256)
PAIRS = ("ADD", "SUB", "MUL")
FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
FUNCTIONS = ("LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "QUANTIZE", "RELU6")
M4 = Target("cortex-m4", dsp=True)


def _behind(model: ModelBuilder, x: int, op: str) -> int:
    scale, zero = FIXED.get(op, (0.06, 9))
    options = {"alpha": 0.3} if op == "LEAKY_RELU" else {}
    return model.op(op, [x], activation(model.tensors[x].shape, "int8", scale, zero), options)


def _chain(pair: str, *functions: str, fused: str = "NONE") -> Graph:
    model = ModelBuilder()
    a = model.input(activation((1, 256, 1), "int8", 0.05, 3))
    b = model.input(activation((1, 1, 256), "int8", 0.04, -60))
    options = {"fused_activation_function": fused}
    y = model.op(pair, [a, b], activation(SHAPE, "int8", 0.07, -9), options)
    for op in functions:
        y = _behind(model, y, op)
    return model.build(y)


def _all_pairs(graph: Graph, made: Graph) -> None:
    """Hold both graphs against each other on every two bytes."""
    levels = np.arange(-128, 128, dtype=np.int8)
    inputs = [levels.reshape(1, 256, 1), levels.reshape(1, 1, 256)]
    theirs, ours = (Oracle(g).run(inputs).outputs[0] for g in (graph, made))
    np.testing.assert_array_equal(ours, theirs)


@EFFORT
def test_random_graphs_keep_their_outputs(effort: str) -> None:
    steps = ("add", "mul", "sub", "relu6", "leaky_relu", "quantize", "logistic", "tanh")
    prove_on_random_graphs(join_tables, effort, *steps, seen=8)


@pytest.mark.parametrize("fused", ["NONE", "RELU6"])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("pair", PAIRS)
def test_a_function_joins_the_pair_before_it(pair: str, function: str, fused: str) -> None:
    graph = _chain(pair, function, fused=fused)
    made = join_tables(graph)
    assert made.changes == 1
    assert [n.op for n in made.graph.nodes] == [f"{pair}_TABLE"]
    _all_pairs(graph, made.graph)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_second_function_joins_in_the_next_round(pair: str) -> None:
    graph = _chain(pair, "LEAKY_RELU", "TANH")
    once = join_tables(graph)
    assert [n.op for n in once.graph.nodes] == [f"{pair}_TABLE", "TANH"]
    twice = join_tables(once.graph)
    assert [n.op for n in twice.graph.nodes] == [f"{pair}_TABLE"]
    _all_pairs(graph, twice.graph)


def test_what_others_read_stays() -> None:
    model = ModelBuilder()
    a, b = (model.input(activation((1, 8), "int8", 0.05, 3)) for _ in range(2))
    y = model.op("ADD", [a, b], activation((1, 8), "int8", 0.05, 3))
    z = _behind(model, y, "TANH")
    for outputs in ([z, y], [z, _behind(model, y, "LOGISTIC")]):
        assert join_tables(model.build(outputs)).changes == 0


def test_a_pair_of_other_dtypes_stays() -> None:
    model = ModelBuilder()
    a, b = (model.input(activation((1, 8), "int16", 0.001, 0)) for _ in range(2))
    y = model.op("ADD", [a, b], activation((1, 8), "int16", 0.002, 0))
    graph = model.build(model.op("QUANTIZE", [y], activation((1, 8), "int8", 0.05, 3)))
    assert join_tables(graph).graph is graph


def test_it_runs_for_cores_with_kernels_for_it() -> None:
    graph = _chain("MUL", "TANH")
    for target, op in ((M4, "MUL_TABLE"), (Target(), "MUL")):
        made, _ = run_passes(graph, target=target)
        assert made.nodes[0].op == op
        assert_same(graph, made)
