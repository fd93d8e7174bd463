"""PAD folded into windows: the same bytes, wherever it can be folded, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.compile.passes.pad_folding import fold_pads
from edgeq.core.errors import InputError, UsageError
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from edgeq.graph.writer import write_graph
from tests.support.models import ModelBuilder, activation, constant, window_output
from tests.support.proofs import EFFORT, assert_same, prove_on_random_graphs

STEPS = ("pad", "convolution", "pad", "depthwise")


@EFFORT
def test_random_graphs_keep_their_outputs(effort: str) -> None:
    prove_on_random_graphs(fold_pads, effort, *STEPS, seen=5)


def _padded(
    op: str,
    edges: tuple[int, int, int, int],
    kernel: int = 3,
    stride: int = 1,
    padding: str = "VALID",
    zero: int = -7,
) -> Graph:
    """A PAD by (top, bottom, left, right), and a window over it."""
    rng = np.random.default_rng(3)
    model = ModelBuilder()
    x = model.input(activation((1, 5, 6, 2), "int8", 0.05, zero))
    top, bottom, left, right = edges
    size = 5 + top + bottom, 6 + left + right
    paddings = constant([(0, 0), (top, bottom), (left, right), (0, 0)], "int32")
    y = model.op("PAD", [x, paddings], activation((1, *size, 2), "int8", 0.05, zero))
    out = [window_output(n, kernel, stride, padding) for n in size]
    options = {"padding": padding, "stride_h": stride, "stride_w": stride}
    if op == "CONV_2D":
        weights = constant(rng.integers(-127, 128, (3, kernel, kernel, 2)), "int8", 0.01)
        options |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
        return model.build(
            model.op(op, [y, weights], activation((1, *out, 3), "int8", 0.5, 4), options)
        )
    options |= {"filter_height": kernel, "filter_width": kernel}
    return model.build(model.op(op, [y], activation((1, *out, 2), "int8", 0.05, zero), options))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("edges", [(1, 1, 1, 1), (0, 1, 0, 1), (2, 2, 2, 2), (2, 0, 1, 2)])
def test_a_convolution_pads_for_itself(edges: tuple[int, int, int, int], stride: int) -> None:
    graph = _padded("CONV_2D", edges, stride=stride)
    made = fold_pads(graph)
    assert [n.op for n in made.graph.nodes] == ["CONV_2D"]
    options = made.graph.nodes[0].options
    assert (options["pad_top"], options["pad_left"]) == (edges[0], edges[2])
    assert_same(graph, made.graph)


@pytest.mark.parametrize("stride", [1, 2])
def test_padding_of_the_window_itself_comes_on_top(stride: int) -> None:
    graph = _padded("CONV_2D", (1, 0, 1, 1), stride=stride, padding="SAME")
    made = fold_pads(graph)
    assert [n.op for n in made.graph.nodes] == ["CONV_2D"]
    assert_same(graph, made.graph)


def test_a_window_that_lies_in_the_padding_alone_is_left() -> None:
    assert fold_pads(_padded("CONV_2D", (3, 0, 0, 0))).changes == 0


def test_a_maximum_ignores_padding_below_everything() -> None:
    graph = _padded("MAX_POOL_2D", (1, 1, 1, 1), zero=-128)
    made = fold_pads(graph)
    assert [n.op for n in made.graph.nodes] == ["MAX_POOL_2D"]
    assert_same(graph, made.graph)


def test_a_maximum_keeps_padding_that_can_win() -> None:
    assert fold_pads(_padded("MAX_POOL_2D", (1, 1, 1, 1), zero=0)).changes == 0


def test_an_average_counts_its_padding() -> None:
    assert fold_pads(_padded("AVERAGE_POOL_2D", (1, 1, 1, 1), zero=-128)).changes == 0


def test_no_file_can_say_explicit_padding() -> None:
    made = fold_pads(_padded("CONV_2D", (1, 1, 1, 1))).graph
    Oracle(made)
    with pytest.raises(UsageError, match="EXPLICIT"):
        write_graph(made)


def test_explicit_padding_beyond_the_window_is_refused() -> None:
    made = fold_pads(_padded("CONV_2D", (1, 1, 1, 1))).graph
    node = replace(made.nodes[0], options={**made.nodes[0].options, "pad_top": 3})
    with pytest.raises(InputError, match="windows of 3"):
        Oracle(replace(made, nodes=(node,)))
