"""Transpositions: joined, cancelled, or no more than a reshape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.compile.passes import run_passes
from edgeq.compile.passes.transposes import eliminate_transposes
from edgeq.graph.ir import Graph
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import EFFORT, assert_same, prove_on_random_graphs

SHAPE = (1, 3, 4, 5)
TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


@EFFORT
def test_random_graphs_keep_their_outputs(effort: str) -> None:
    steps = ("transpose", "transpose", "transpose", "relu", "leaky_relu", "add", "mul")
    prove_on_random_graphs(eliminate_transposes, effort, *steps, seen=15)


def _transpose(model: ModelBuilder, x: int, order: Sequence[int]) -> int:
    old = model.tensors[x]
    assert old.quantization is not None
    result = activation(
        [old.shape[i] for i in order], "int8", old.quantization.scale, old.quantization.zero_point
    )
    return model.op("TRANSPOSE", [x, constant(order, "int32")], result)


def _relu(model: ModelBuilder, x: int) -> int:
    return model.op(
        "LEAKY_RELU", [x], activation(model.tensors[x].shape, "int8", 0.03, -7), {"alpha": 0.3}
    )


def _ops(graph: Graph) -> list[str]:
    return [n.op for n in graph.nodes]


def test_a_pair_cancels() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    y = _transpose(model, _transpose(model, _relu(model, x), TO_LAST), TO_FIRST)
    graph = model.build(_relu(model, y))
    made, _ = run_passes(graph, ("elementwise-chains", "requantise-merging"))
    assert _ops(made) == ["LEAKY_RELU", "LEAKY_RELU"]
    assert_same(graph, made)


def test_two_orders_become_one() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    graph = model.build(_transpose(model, _transpose(model, x, TO_LAST), TO_LAST))
    made = eliminate_transposes(graph).graph
    assert _ops(made) == ["TRANSPOSE"]
    assert made.tensor(made.nodes[0].inputs[1]).data.tolist() == [0, 3, 1, 2]  # type: ignore[union-attr]
    assert_same(graph, made)


def test_dimensions_of_one_move_for_free() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 1, 4, 5)))
    graph = model.build(_relu(model, _transpose(model, x, TO_LAST)))
    made = eliminate_transposes(graph).graph
    assert _ops(made) == ["RESHAPE", "LEAKY_RELU"]
    assert_same(graph, made)


def test_functions_of_one_byte_let_a_transposition_pass() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    y = _relu(model, _relu(model, _transpose(model, x, TO_LAST)))
    graph = model.build(_relu(model, _transpose(model, y, TO_FIRST)))
    made, _ = run_passes(graph, ("elementwise-chains",))
    assert _ops(made) == ["LEAKY_RELU"] * 3
    assert_same(graph, made)


def test_a_single_transposition_stays_where_it_is() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    graph = model.build(_relu(model, _transpose(model, x, TO_LAST)))
    assert eliminate_transposes(graph).changes == 0


def test_a_sum_of_two_transposed_tensors_is_transposed_once() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    a, b = (_transpose(model, _relu(model, x), TO_LAST) for _ in range(2))
    graph = model.build(model.op("ADD", [a, b], activation((1, 4, 5, 3), "int8", 0.2, 4)))
    made = eliminate_transposes(graph).graph
    assert _ops(made) == ["LEAKY_RELU", "LEAKY_RELU", "ADD", "TRANSPOSE"]
    assert made.outputs == graph.outputs
    assert_same(graph, made)


def test_a_row_that_is_repeated_keeps_its_place() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    y = _transpose(model, x, TO_LAST)
    row = constant(np.arange(3), "int8", 0.1)
    graph = model.build(model.op("ADD", [y, row], activation((1, 4, 5, 3), "int8", 0.2, 4)))
    assert eliminate_transposes(graph).changes == 0
