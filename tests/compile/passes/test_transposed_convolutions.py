"""Transposed convolutions as convolutions: the same bytes for every stride, kernel and padding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgeq.compile.passes import run_passes
from edgeq.compile.passes.rewriting import Rewrite
from edgeq.compile.passes.transposed_convolutions import expand_transposed, turn_transposed
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph
from tests.graph.oracle.test_weighted import transposed_convolutions
from tests.support.models import activation, constant, one_op
from tests.support.proofs import EFFORT, EFFORTS, assert_same


def _transposed(kernel: int, stride: int, padding: str, extra: int = 0) -> Graph:
    """Upsampling of 4x5 with 3 channels to 2; `extra` rows and columns come behind."""
    rng = np.random.default_rng(1)
    sizes = [n * stride if padding == "SAME" else (n - 1) * stride + kernel for n in (4, 5)]
    shape = (1, sizes[0] + extra, sizes[1] + extra, 2)
    weights = constant(rng.integers(-127, 128, (2, kernel, kernel, 3)), "int8", [0.01, 0.02])
    bias = constant([100, -900], "int32", [0.0005, 0.001])
    options = {"padding": padding, "stride_h": stride, "stride_w": stride}
    x = activation((1, 4, 5, 3), "int8", 0.05, 9)
    inputs = [constant(shape, "int32"), weights, x, bias]
    return one_op("TRANSPOSE_CONV", inputs, activation(shape, "int8", 0.3, -4), options)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (4, 2), (5, 2), (3, 3), (5, 3)])
def test_an_upsampling_becomes_a_convolution(kernel: int, stride: int, padding: str) -> None:
    graph = _transposed(kernel, stride, padding)
    made = expand_transposed(graph)
    assert [n.op for n in made.graph.nodes][:2] == ["CONV_2D", "DEPTH_TO_SPACE"]
    assert made.changes == 1
    assert_same(graph, made.graph)


@pytest.mark.parametrize("extra", [1, 2])
def test_rows_behind_the_last_tap_are_kept(extra: int) -> None:
    graph = _transposed(3, 3, "VALID", extra)
    assert_same(graph, expand_transposed(graph).graph)


@EFFORT
def test_random_layers_keep_their_outputs(effort: str) -> None:
    @EFFORTS[effort]
    @given(transposed_convolutions(), st.integers(0, 1000))
    def holds(graph: Graph, seed: int) -> None:
        assume(not unsupported_nodes(graph))
        for run in (expand_transposed, turn_transposed):
            assert_same(graph, run(graph).graph, seed)

    holds()


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_stride_1_is_a_convolution_alone(kernel: int, padding: str) -> None:
    graph = _transposed(kernel, 1, padding)
    made = turn_transposed(graph)
    assert [n.op for n in made.graph.nodes] == ["CONV_2D"]
    assert made.changes == 1
    assert_same(graph, made.graph)


@pytest.mark.parametrize(("run", "stride"), [(expand_transposed, 1), (turn_transposed, 2)])
def test_each_pass_has_its_own_strides(run: Callable[[Graph], Rewrite], stride: int) -> None:
    graph = _transposed(3, stride, "SAME")
    assert run(graph).graph is graph


def test_what_is_not_worth_it_stays() -> None:
    graph = _transposed(1, 3, "SAME")
    assert expand_transposed(graph).graph is graph


def test_a_core_whose_kernels_do_without_gets_no_convolution() -> None:
    graph = _transposed(3, 2, "SAME")
    made, records = run_passes(graph, target=Target("cortex-m4", dsp=True))
    assert [n.op for n in made.nodes] == ["TRANSPOSE_CONV"]
    assert "transposed-convolutions" not in {r.name for r in records}
