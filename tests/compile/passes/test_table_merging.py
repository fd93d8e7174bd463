"""Functions of one byte: chains, requantisations and constant scalars as tables."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.compile.passes.table_merging import (
    merge_elementwise,
    merge_requantizations,
    tabulate_pairs,
)
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import EFFORT, assert_same, prove_on_random_graphs

SHAPE = (1, 4, 64)
UNARY = ("relu", "relu6", "relu_n1_to_1", "leaky_relu", "quantize", "logistic", "tanh")


@EFFORT
@pytest.mark.parametrize("run", [merge_elementwise, merge_requantizations])
def test_random_chains_keep_their_outputs(run, effort: str) -> None:  # type: ignore[no-untyped-def]
    prove_on_random_graphs(run, effort, *UNARY, "quantize", "add", "scalar", seen=8)


@EFFORT
def test_random_operators_of_two_tensors_keep_their_outputs(effort: str) -> None:
    prove_on_random_graphs(tabulate_pairs, effort, "scalar", "relu", "add", "mul", "tanh", seen=8)


def _all_bytes(graph: Graph, made: Graph) -> None:
    """Hold both graphs against each other on every byte."""
    assert_same(graph, made)
    inputs = [np.arange(-128, 128, dtype=np.int8).reshape(SHAPE)]
    for theirs, ours in zip(
        Oracle(graph).run(inputs).outputs, Oracle(made).run(inputs).outputs, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def _chain(*ops: str) -> Graph:
    model = ModelBuilder()
    y = model.input(activation(SHAPE, "int8", 0.05, 3))
    for i, op in enumerate(ops):
        fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
        scale, zero = fixed.get(op, (0.03 + 0.01 * i, i - 2))
        options = {"alpha": 0.3} if op == "LEAKY_RELU" else {}
        y = model.op(op, [y], activation(SHAPE, "int8", scale, zero), options)
    return model.build(y)


def test_two_functions_become_one_table() -> None:
    graph = _chain("LEAKY_RELU", "TANH")
    made = merge_elementwise(graph)
    assert [n.op for n in made.graph.nodes] == ["BYTE_TABLE"]
    assert [n.index for n in made.graph.nodes] == [1]
    _all_bytes(graph, made.graph)


def test_a_requantisation_goes_into_the_function_before_or_behind_it() -> None:
    for ops in (("TANH", "QUANTIZE"), ("QUANTIZE", "TANH")):
        made = merge_requantizations(_chain(*ops))
        assert [n.op for n in made.graph.nodes] == ["BYTE_TABLE"]
        _all_bytes(_chain(*ops), made.graph)


def test_a_requantisation_alone_stays() -> None:
    assert merge_requantizations(_chain("TANH", "RELU")).changes == 0


def test_a_round_trip_through_floats_becomes_a_table() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    real = model.op("DEQUANTIZE", [x], activation(SHAPE, "float32"))
    graph = model.build(model.op("QUANTIZE", [real], activation(SHAPE, "int8", 0.07, -5)))
    made = merge_requantizations(graph)
    assert [n.op for n in made.graph.nodes] == ["BYTE_TABLE"]
    _all_bytes(graph, made.graph)


def test_a_tensor_that_others_read_stays() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    y = model.op("RELU", [x], activation(SHAPE, "int8", 0.05, 3))
    z = model.op("TANH", [y], activation(SHAPE, "int8", 1 / 128, 0))
    assert merge_elementwise(model.build([z, y])).changes == 0


@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize("left", [False, True])
def test_a_constant_scalar_makes_a_table(op: str, left: bool) -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    two = model.add(constant([[40]], "int8", 0.05, 1))
    y = model.op(op, [two, x] if left else [x, two], activation(SHAPE, "int8", 0.09, -7))
    graph = model.build(y)
    made = tabulate_pairs(graph)
    assert [n.op for n in made.graph.nodes] == ["BYTE_TABLE"]
    _all_bytes(graph, made.graph)


def test_a_constant_of_several_elements_makes_none() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    row = model.add(constant(np.arange(64), "int8", 0.05, 1))
    graph = model.build(model.op("ADD", [x, row], activation(SHAPE, "int8", 0.09, -7)))
    assert tabulate_pairs(graph).changes == 0


def test_bytes_without_a_sign_are_looked_up_as_they_are() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "uint8", 0.05, 120))
    y = model.op("QUANTIZE", [x], activation(SHAPE, "int8", 0.05, -8))
    graph = model.build(model.op("TANH", [y], activation(SHAPE, "int8", 1 / 128, 0)))
    made = merge_requantizations(graph).graph
    assert [n.op for n in made.nodes] == ["BYTE_TABLE"]
    inputs = [np.arange(256, dtype=np.uint8).reshape(SHAPE)]
    ours, theirs = (Oracle(g).run(inputs).outputs[0] for g in (made, graph))
    np.testing.assert_array_equal(ours, theirs)


def test_a_tensor_times_a_function_of_itself_is_a_table() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    y = model.op("LOGISTIC", [x], activation(SHAPE, "int8", 1 / 256, -128))
    graph = model.build(model.op("MUL", [x, y], activation(SHAPE, "int8", 0.05, -100)))
    made = tabulate_pairs(graph)
    assert [n.op for n in made.graph.nodes] == ["BYTE_TABLE"]
    _all_bytes(graph, made.graph)


def test_two_functions_of_one_tensor_are_a_table_together() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    y = model.op("TANH", [x], activation(SHAPE, "int8", 1 / 128, 0))
    z = model.op("RELU", [x], activation(SHAPE, "int8", 0.04, 3))
    graph = model.build([model.op("SUB", [y, z], activation(SHAPE, "int8", 0.05, -100)), y])
    made = tabulate_pairs(graph)
    assert [n.op for n in made.graph.nodes] == ["TANH", "BYTE_TABLE"]
    _all_bytes(graph, made.graph)


def test_two_tensors_make_no_table() -> None:
    model = ModelBuilder()
    a, b = (model.input(activation(SHAPE, "int8", 0.05, 3)) for _ in range(2))
    graph = model.build(model.op("ADD", [a, b], activation(SHAPE, "int8", 0.09, -7)))
    assert tabulate_pairs(graph).changes == 0
