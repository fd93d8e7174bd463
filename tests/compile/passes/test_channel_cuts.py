"""Dead channels go through operators that cut tensors into parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgeq.compile.passes.dead_channels import remove_dead_channels
from edgeq.graph.ir import Graph, Node, Tensor
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import EFFORT, assert_same, prove_on_random_graphs

_UNIT = {"stride_h": 1, "stride_w": 1, "dilation_h_factor": 1, "dilation_w_factor": 1}
DEAD = -(10**7)
BIASES = [0, DEAD, 3, DEAD, DEAD, 5]
LIVE = 3
Cut = Callable[[ModelBuilder, int], list[int]]


def _layer(model: ModelBuilder, x: int, biases: list[int], function: str = "RELU") -> int:
    _, height, width, depth = model.tensors[x].shape
    weights = np.random.default_rng(len(biases)).integers(-127, 128, (len(biases), 1, 1, depth))
    return model.op(
        "CONV_2D",
        [x, constant(weights, "int8", 0.01), constant(biases, "int32", 0.01 * 0.05)],
        activation((1, height, width, len(biases)), "int8", 0.05, -128),
        {**_UNIT, "padding": "SAME", "fused_activation_function": function},
    )


def _part(channels: int, height: int = 4) -> Tensor:
    return activation((1, height, 4, channels), "int8", 0.05, -128)


def _parts(
    model: ModelBuilder, op: str, inputs: list[int | Tensor], parts: list[Tensor], **options: int
) -> list[int]:
    first = model.op(op, inputs, parts, options)
    return [first + i for i in range(len(parts))]


def _slice(begin: int, size: int) -> Cut:
    def cut(model: ModelBuilder, x: int) -> list[int]:
        given = [constant([0, 0, 0, begin], "int32"), constant([1, -1, 4, size], "int32")]
        left = 6 - begin if size == -1 else size
        return _parts(model, "SLICE", [x, *given], [_part(left)])

    return cut


def _strided(begin: int, end: int, channels: int, step: int = 1, **options: int) -> Cut:
    def cut(model: ModelBuilder, x: int) -> list[int]:
        given = [[0, 1, 0, begin], [1, 4, 4, end], [1, 2, 1, step]]
        constants = [constant(values, "int32") for values in given]
        return _parts(model, "STRIDED_SLICE", [x, *constants], [_part(channels, 2)], **options)

    return cut


def _split(model: ModelBuilder, x: int) -> list[int]:
    parts = [_part(3), _part(3)]
    return _parts(model, "SPLIT", [constant(3, "int32"), x], parts, num_splits=2)


def _split_rows(model: ModelBuilder, x: int) -> list[int]:
    parts = [_part(6, 2), _part(6, 2)]
    return _parts(model, "SPLIT", [constant(1, "int32"), x], parts, num_splits=2)


def _split_v(model: ModelBuilder, x: int) -> list[int]:
    given = [constant([1, -1, 2], "int32"), constant(-1, "int32")]
    return _parts(model, "SPLIT_V", [x, *given], [_part(n) for n in (1, 3, 2)], num_splits=3)


def _around(cut: Cut) -> Graph:
    """A layer of six channels, of which three live, its parts, and a layer for each part."""
    model = ModelBuilder()
    x = model.input(activation((1, 4, 4, 2), "int8", 0.05, 3))
    parts = cut(model, _layer(model, x, BIASES))
    return model.build([_layer(model, part, [1, 2], "NONE") for part in parts])


def _first(graph: Graph, op: str) -> Node:
    return next(n for n in graph.nodes if n.op == op)


# A cut, the operator that makes it once channels are gone, and how many channels it reads.
# fmt: off
_CASES: list[tuple[Cut, str, int]] = [
    (_slice(0, 4), "SLICE", 2), (_slice(2, 4), "SLICE", 2), (_slice(1, 3), "SLICE", 1),
    (_slice(2, -1), "SLICE", 2),
    (_strided(1, 6, 5), "STRIDED_SLICE", 2), (_strided(-4, 3, 1), "STRIDED_SLICE", 1),
    (_strided(5, 3, 3, begin_mask=8), "STRIDED_SLICE", 2),
    (_strided(2, 0, 4, end_mask=8), "STRIDED_SLICE", 2),
    (_split, "SPLIT_V", LIVE), (_split_rows, "SPLIT", LIVE), (_split_v, "SPLIT_V", LIVE),
]
# fmt: on


@pytest.mark.parametrize(("cut", "op", "left"), _CASES)
def test_channels_that_are_dead_are_not_cut(cut: Cut, op: str, left: int) -> None:
    graph = _around(cut)
    made = remove_dead_channels(graph)
    assert made.changes == 6 - left
    source = made.graph.tensor(_first(made.graph, op).inputs[op == "SPLIT"])
    assert source.shape[3] == left
    assert_same(graph, made.graph)


def test_a_slice_with_gaps_keeps_its_channels() -> None:
    assert remove_dead_channels(_around(_strided(0, 6, 3, step=2))).changes == 0


@EFFORT
def test_random_graphs_keep_their_outputs(effort: str) -> None:
    steps = ("convolution", "dense", "slice", "split", "relu", "concatenation")
    prove_on_random_graphs(remove_dead_channels, effort, *steps, seen=8)
