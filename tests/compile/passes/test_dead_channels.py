"""Dead channels: what is left out never changes a byte of the outputs."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.compile.passes.dead_channels import remove_dead_channels
from edgeq.compile.passes.rewriting import total_macs
from edgeq.graph.ir import Graph
from edgeq.graph.ops import macs
from edgeq.graph.reader import read_model
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import EFFORT, assert_same, prove_on_random_graphs
from tests.support.shared import needs_shared, shared_model

_POINTWISE = {"stride_h": 1, "stride_w": 1, "dilation_h_factor": 1, "dilation_w_factor": 1}


@EFFORT
def test_random_graphs_keep_their_outputs(effort: str) -> None:
    prove_on_random_graphs(remove_dead_channels, effort, seen=2)


@EFFORT
def test_graphs_of_layers_with_weights_keep_their_outputs(effort: str) -> None:
    steps = ("convolution", "depthwise", "dense", "add", "concatenation", "relu", "resize", "row")
    prove_on_random_graphs(remove_dead_channels, effort, *steps, seen=8)


def _conv(
    model: ModelBuilder, x: int, weights: np.ndarray, bias: list[int], zero: int = -128,
    **options: str,
) -> int:  # fmt: skip
    _, height, width, _ = model.tensors[x].shape
    return model.op(
        "CONV_2D",
        [x, constant(weights, "int8", 0.01), constant(bias, "int32", 0.01 * 0.05)],
        activation((1, height, width, len(weights)), "int8", 0.05, zero),
        {**_POINTWISE, "padding": "SAME", "fused_activation_function": "RELU", **options},
    )


def _two_layers(values: list[int], kernel: int, zero: int = -128) -> Graph:
    """A layer of 3 channels, of which the biases decide, and one that reads them."""
    rng = np.random.default_rng(1)
    model = ModelBuilder()
    x = model.input(activation((1, 4, 4, 2), "int8", 0.05, 3))
    y = _conv(model, x, rng.integers(-127, 128, (3, 1, 1, 2)), values, zero)
    z = _conv(model, y, rng.integers(-127, 128, (2, kernel, kernel, 3)), [5, 7], 0)
    return model.build(z)


def test_a_channel_that_its_bias_holds_down_is_removed() -> None:
    graph = _two_layers([0, -(10**7), 0], kernel=3)
    made = remove_dead_channels(graph)
    assert made.graph.tensor(graph.nodes[0].outputs[0]).shape == (1, 4, 4, 2)
    assert made.graph.tensor(made.graph.nodes[1].inputs[1]).shape == (2, 3, 3, 2)
    assert made.changes == 1
    assert "1 of 5 channels of 2 layers" in made.note
    assert_same(graph, made.graph)


def test_a_constant_channel_goes_into_the_bias() -> None:
    graph = _two_layers([0, 10**7, 0], kernel=1)
    made = remove_dead_channels(graph)
    assert made.changes == 1
    assert total_macs(made.graph) == 16 * (2 * 2 + 2 * 2)
    assert_same(graph, made.graph)


def test_a_constant_that_is_not_zero_stays_where_windows_are_padded() -> None:
    graph = _two_layers([0, 10**7, 0], kernel=3)
    assert remove_dead_channels(graph).changes == 0


def test_a_channel_that_nobody_reads_is_removed() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 4, 4, 2), "int8", 0.05, 3))
    y = _conv(model, x, np.full((3, 1, 1, 2), 50), [0, 0, 0], 0)
    weights = np.full((2, 3, 3, 3), 9)
    weights[..., 2] = 0
    graph = model.build(_conv(model, y, weights, [0, 0], 0))
    made = remove_dead_channels(graph)
    assert made.graph.tensor(y).shape[-1] == 2
    assert_same(graph, made.graph)


def test_an_addition_loses_a_channel_only_where_both_sides_do() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 2, 2, 2), "int8", 0.05, 3))
    dead = -(10**7)
    a = _conv(model, x, np.full((3, 1, 1, 2), 50), [0, dead, dead])
    b = _conv(model, x, np.full((3, 1, 1, 2), 70), [0, 0, dead])
    total = model.op("ADD", [a, b], activation((1, 2, 2, 3), "int8", 0.1, -128))
    graph = model.build(_conv(model, total, np.full((2, 1, 1, 3), 50), [0, 0], 0))
    made = remove_dead_channels(graph)
    assert [made.graph.tensor(t).shape[-1] for t in (a, b, total)] == [2, 2, 2]
    assert_same(graph, made.graph)


def test_one_channel_stays_where_all_are_dead() -> None:
    graph = _two_layers([-(10**7)] * 3, kernel=3)
    made = remove_dead_channels(graph)
    assert made.graph.tensor(graph.nodes[0].outputs[0]).shape[-1] == 1
    assert_same(graph, made.graph)


def test_outputs_of_the_model_keep_every_channel() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 2, 2, 2), "int8", 0.05, 3))
    y = _conv(model, x, np.full((3, 1, 1, 2), 50), [0, -(10**7), 0])
    graph = model.build([y, _conv(model, y, np.full((2, 1, 1, 3), 50), [0, 0], 0)])
    assert remove_dead_channels(graph).changes == 0


@needs_shared
@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_real_models_keep_their_outputs(name: str) -> None:
    graph = read_model(shared_model(name))
    assert_same(graph, remove_dead_channels(graph).graph)


@needs_shared
def test_half_of_person_detection_is_dead() -> None:
    graph = read_model(shared_model("vww"))
    made = remove_dead_channels(graph).graph
    assert sum(macs(made, n) for n in made.nodes) == 3_727_313
    weights = sum(made.tensor(n.inputs[1]).bytes for n in made.nodes if len(n.inputs) > 2)
    assert weights < 32_000
