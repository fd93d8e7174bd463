"""Operators without an effect: found by what they do to every byte that can come."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.compile.passes.no_ops import remove_no_ops
from edgeq.graph.ir import Graph
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import EFFORT, assert_same, prove_on_random_graphs

SHAPE = (1, 4, 4, 3)
STEPS = ("relu", "quantize", "reshape", "slice", "pad", "concatenation", "add", "mean", "max_pool")


@EFFORT
def test_random_graphs_keep_their_outputs(effort: str) -> None:
    prove_on_random_graphs(remove_no_ops, effort, *STEPS, seen=8)


def _between(op: str, extra: list[np.ndarray], options: dict[str, object], **out: int) -> Graph:
    """An operator between two additions, so that it is neither first nor last."""
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    y = model.op("ADD", [x, x], activation(SHAPE, "int8", 0.05, 3))
    zero = out.get("zero", 3)
    constants = [constant(e, "int32") for e in extra]
    z = model.op(op, [y, *constants], activation(SHAPE, "int8", 0.05, zero), options)  # type: ignore[arg-type]
    return model.build(model.op("ADD", [z, x], activation(SHAPE, "int8", 0.05, 3)))


WHOLE = {
    "PAD": ([np.zeros((4, 2))], {}),
    "SLICE": ([np.zeros(4), np.array(SHAPE)], {}),
    "STRIDED_SLICE": ([np.zeros(4), np.array(SHAPE), np.ones(4)], {}),
    "CONCATENATION": ([], {"axis": 3}),
    "RESHAPE": ([np.array(SHAPE)], {}),
    "QUANTIZE": ([], {}),
    "MAX_POOL_2D": (
        [],
        {"padding": "SAME", "stride_h": 1, "stride_w": 1, "filter_height": 1, "filter_width": 1},
    ),
}


@pytest.mark.parametrize("op", WHOLE)
def test_an_operator_without_effect_goes(op: str) -> None:
    extra, options = WHOLE[op]
    graph = _between(op, extra, options)
    made = remove_no_ops(graph)
    assert [n.op for n in made.graph.nodes] == ["ADD", "ADD"]
    assert_same(graph, made.graph)


def test_the_same_bytes_with_another_meaning_become_a_reshape() -> None:
    graph = _between("MAX_POOL_2D", [], WHOLE["MAX_POOL_2D"][1], zero=-10)
    made = remove_no_ops(graph)
    assert [n.op for n in made.graph.nodes] == ["ADD", "RESHAPE", "ADD"]
    assert_same(graph, made.graph)


def test_a_requantisation_that_changes_bytes_stays() -> None:
    assert remove_no_ops(_between("QUANTIZE", [], {}, zero=-10)).changes == 0


def test_a_clamp_goes_where_no_byte_reaches_it() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, -20))
    clamp = {"fused_activation_function": "RELU"}
    y = model.op("ADD", [x, x], activation(SHAPE, "int8", 0.05, -20), clamp)
    z = model.op("RELU", [y], activation(SHAPE, "int8", 0.05, -20))
    graph = model.build(model.op("ADD", [z, x], activation(SHAPE, "int8", 0.05, 3)))
    made = remove_no_ops(graph)
    assert [n.op for n in made.graph.nodes] == ["ADD", "ADD"]
    assert_same(graph, made.graph)


def test_a_clamp_stays_where_a_byte_reaches_it() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, -20))
    y = model.op("ADD", [x, x], activation(SHAPE, "int8", 0.05, -20))
    z = model.op("RELU", [y], activation(SHAPE, "int8", 0.05, -20))
    graph = model.build(model.op("ADD", [z, x], activation(SHAPE, "int8", 0.05, 3)))
    assert remove_no_ops(graph).changes == 0


def test_an_operator_before_the_models_result_hands_its_name_on() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    y = model.op("ADD", [x, x], activation(SHAPE, "int8", 0.05, 3))
    z = model.op("QUANTIZE", [y], activation(SHAPE, "int8", 0.05, 3))
    graph = model.build(z)
    made = remove_no_ops(graph).graph
    assert [(n.op, n.outputs) for n in made.nodes] == [("ADD", (z,))]
    assert_same(graph, made)


def test_between_an_input_and_a_result_a_reshape_stays() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    graph = model.build(model.op("QUANTIZE", [x], activation(SHAPE, "int8", 0.05, 3)))
    made = remove_no_ops(graph).graph
    assert [n.op for n in made.nodes] == ["RESHAPE"]
    assert_same(graph, made)


def test_a_reshape_of_a_reshape_reads_through_it() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE, "int8", 0.05, 3))
    y = model.op("RESHAPE", [x, constant([1, 48], "int32")], activation((1, 48), "int8", 0.05, 3))
    z = model.op("RESHAPE", [y, constant(SHAPE, "int32")], activation(SHAPE, "int8", 0.05, 3))
    graph = model.build(model.op("ADD", [z, x], activation(SHAPE, "int8", 0.1, 3)))
    made = remove_no_ops(graph).graph
    assert [n.op for n in made.nodes] == ["ADD"]
    assert_same(graph, made)
