"""Clamps fused into the layer before them."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.compile.passes.activation_fusion import fuse_activations
from edgeq.graph.ir import Graph
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import fused_range
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import EFFORT, assert_same, prove_on_random_graphs

CLAMPS = ("relu", "relu6", "relu_n1_to_1")
LAYERS = ("convolution", "depthwise", "dense", "add", "mul", "max_pool", "average_pool")


@EFFORT
def test_random_graphs_keep_their_outputs(effort: str) -> None:
    prove_on_random_graphs(fuse_activations, effort, *LAYERS, *CLAMPS * 3, seen=8)


def _clamped(op: str, in_zero: int, out_zero: int, fused: str = "NONE") -> Graph:
    model = ModelBuilder()
    x = model.input(activation((1, 4, 4, 2), "int8", 0.05, 3))
    weights = constant(np.arange(-8, 8).reshape(2, 2, 2, 2) * 15, "int8", 0.01)
    options = {
        "stride_h": 1, "stride_w": 1, "dilation_h_factor": 1, "dilation_w_factor": 1,
        "padding": "SAME", "fused_activation_function": fused,
    }  # fmt: skip
    y = model.op("CONV_2D", [x, weights], activation((1, 4, 4, 2), "int8", 0.02, in_zero), options)
    return model.build(model.op(op, [y], activation((1, 4, 4, 2), "int8", 0.02, out_zero)))


@pytest.mark.parametrize("fused", ["NONE", "RELU", "RELU_N1_TO_1"])
@pytest.mark.parametrize("op", ["RELU", "RELU6", "RELU_N1_TO_1"])
def test_a_clamp_becomes_the_layers_own(op: str, fused: str) -> None:
    graph = _clamped(op, -20, -20, fused)
    made = fuse_activations(graph)
    if fused == "NONE":
        assert [n.op for n in made.graph.nodes] == ["CONV_2D", "RESHAPE"]
        low = {"RELU": -20, "RELU6": -20, "RELU_N1_TO_1": -70}[op]
        assert fused_range(call_of(made.graph, made.graph.nodes[0]))[0] == low
    assert_same(graph, made.graph)


def test_a_clamp_that_requantises_stays() -> None:
    assert fuse_activations(_clamped("RELU", -20, 5)).changes == 0


def test_what_others_read_is_not_clamped() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 4), "int8", 0.05, -20))
    y = model.op("ADD", [x, x], activation((1, 4), "int8", 0.05, -20))
    z = model.op("RELU", [y], activation((1, 4), "int8", 0.05, -20))
    assert fuse_activations(model.build([z, y])).changes == 0
    last = model.op("ADD", [y, z], activation((1, 4), "int8", 0.05, -20))
    assert fuse_activations(model.build(last)).changes == 0


def test_a_function_that_is_no_clamp_stays() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 4), "int8", 0.05, -20))
    y = model.op("ADD", [x, x], activation((1, 4), "int8", 0.05, -20))
    z = model.op("LEAKY_RELU", [y], activation((1, 4), "int8", 0.05, -20), {"alpha": 0.5})
    assert fuse_activations(model.build(z)).changes == 0


@pytest.mark.parametrize("is_output", [False, True])
def test_a_fused_clamp_takes_no_other(is_output: bool) -> None:
    like = activation((1, 256), "int8", 0.05, -20)
    model = ModelBuilder()
    x = model.input(like)
    y = model.op("ADD", [x, x], like)
    nought = constant([-20], "int8", 0.05, -20)
    z = model.op("ADD", [y, nought], like, {"fused_activation_function": "RELU"})
    last = model.op("RELU_N1_TO_1", [z], like)
    graph = model.build([last, z] if is_output else last)
    made = fuse_activations(graph)
    assert [n.op for n in made.graph.nodes] == ["ADD", "RESHAPE", "RELU_N1_TO_1"]
    assert_same(graph, made.graph)
