"""Operators with weights give the bytes of TensorFlow Lite Micro.

LiteRT's reference kernels agree on convolutions. Their FULLY_CONNECTED rounds once instead of
twice, which moves some outputs by one: there it is held to that bound. They have no quantised
CONV_2D without a bias.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.graph.oracle.runtimes import check, efforts, hold, random_inputs, run_litert
from tests.graph.oracle.strategies import (
    activations,
    geometries,
    int8s,
    shapes,
    weighted,
    zero_points,
)
from tests.support.models import activation, one_op

Models = Callable[..., st.SearchStrategy[Graph]]


@st.composite
def convolutions(draw: st.DrawFn, dtype: str = "int8", data: str = "int8") -> Graph:
    form = draw(geometries(dilated=True))
    batch, channels, depth = (draw(st.integers(1, most)) for most in (2, 6, 6))
    return draw(
        weighted(
            "CONV_2D", (channels, *form["kernel"], depth), 0,
            x=(batch, *form["size"], depth), y=(batch, *form["output"], channels),
            options=form["options"], dtype=dtype, data=data,
        )
    )  # fmt: skip


@st.composite
def depthwise_convolutions(draw: st.DrawFn, dtype: str = "int8", data: str = "int8") -> Graph:
    form = draw(geometries(dilated=True))
    batch, depth, copies = (draw(st.integers(1, most)) for most in (2, 5, 3))
    return draw(
        weighted(
            "DEPTHWISE_CONV_2D", (1, *form["kernel"], depth * copies), 3,
            x=(batch, *form["size"], depth), y=(batch, *form["output"], depth * copies),
            options=form["options"] | {"depth_multiplier": copies}, dtype=dtype, data=data,
        )
    )  # fmt: skip


@st.composite
def dense_layers(draw: st.DrawFn, dtype: str = "int8", data: str = "int8") -> Graph:
    rows, units, depth = (draw(st.integers(1, most)) for most in (3, 9, 70))
    keep = draw(st.booleans())
    options = {"fused_activation_function": draw(activations), "keep_num_dims": keep}
    lead = (1, rows) if keep else (rows,)
    return draw(
        weighted(
            "FULLY_CONNECTED", (units, depth), 0, x=(*lead, depth), y=(*lead, units),
            options=options, dtype=dtype, data=data,
        )
    )  # fmt: skip


@st.composite
def transposed_convolutions(draw: st.DrawFn, data: str = "int8") -> Graph:
    """From an output back to the input that its convolution would have."""
    form = draw(geometries(dilated=False))
    batch, channels, depth = (draw(st.integers(1, most)) for most in (2, 5, 6))
    result = (batch, *form["size"], channels)
    return draw(
        weighted(
            "TRANSPOSE_CONV", (channels, *form["kernel"], depth), 0,
            x=(batch, *form["output"], depth), y=result, options=form["options"],
            data=data,
        )
    )  # fmt: skip


@st.composite
def products(draw: st.DrawFn, data: str = "int8") -> Graph:
    rows, columns, depth = (draw(st.integers(1, most)) for most in (5, 5, 40))
    turned = draw(st.booleans()), draw(st.booleans())
    lead = draw(shapes(0, 2))
    other = tuple(1 if draw(st.booleans()) else dim for dim in lead)[draw(st.integers(0, 1)) :]
    shape = (*lead, *((depth, rows) if turned[0] else (rows, depth)))
    second = (*other, *((columns, depth) if turned[1] else (depth, columns)))
    pair = [draw(int8s(s)) for s in (shape, second)]
    if data == "int16":
        pair = [activation(t.shape, data, t.quantization.scale) for t in pair]  # type: ignore
    reach = math.prod(t.quantization.scale for t in pair) * math.sqrt(depth)  # type: ignore
    scale = reach * 2.0 ** draw(st.floats(0, 9, allow_subnormal=False))
    zero = draw(zero_points) if data == "int8" else 0
    y = activation((*lead, rows, columns), data, scale, zero)
    return one_op("BATCH_MATMUL", pair, y, {"adj_x": turned[0], "adj_y": turned[1]})


def _check_convolution(graph: Graph, seed: int) -> None:
    check(graph, seed, litert=len(graph.nodes[0].inputs) == 3)


def _check_dense(graph: Graph, seed: int) -> None:
    check(graph, seed, litert=False)
    inputs = random_inputs(graph, seed)
    (ours,), (theirs,) = Oracle(graph).run(inputs).outputs, run_litert(graph, inputs)
    assert np.abs(ours.astype(int) - theirs).max(initial=0) <= 1


def _check_narrow(graph: Graph, seed: int) -> None:
    # TensorFlow Lite Micro has no FULLY_CONNECTED of int4 per channel.
    node = graph.nodes[0]
    weights = graph.tensor(node.inputs[1]).quantization
    micro = node.op != "FULLY_CONNECTED" or not (weights and weights.per_channel)
    check(graph, seed, micro=micro, litert=False)


@efforts
def test_convolution(effort: settings) -> None:
    hold(convolutions(), effort, _check_convolution)


@efforts
def test_depthwise_convolution(effort: settings) -> None:
    hold(depthwise_convolutions(), effort)


@efforts
def test_fully_connected(effort: settings) -> None:
    hold(dense_layers(), effort, _check_dense)


@efforts
@pytest.mark.parametrize("models", [convolutions, depthwise_convolutions, dense_layers])
def test_weights_of_four_bits(models: Models, effort: settings) -> None:
    hold(models("int4"), effort, _check_narrow)


@efforts
@pytest.mark.parametrize("models", [convolutions, depthwise_convolutions, dense_layers])
def test_data_of_sixteen_bits(models: Models, effort: settings) -> None:
    hold(models(data="int16"), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
@pytest.mark.parametrize("models", [transposed_convolutions, products])
def test_both_runtimes_agree_on_sixteen_bits(models: Models, effort: settings) -> None:
    hold(models(data="int16").filter(has_no_short_bias), effort)


def has_no_short_bias(graph: Graph) -> bool:
    """Return whether no bias is int32: TRANSPOSE_CONV of int16 has none such."""
    biases = [graph.tensor(t) for t in graph.nodes[0].inputs[3:] if t >= 0]
    return all(bias.dtype != "int32" for bias in biases)


@efforts
def test_transposed_convolution(effort: settings) -> None:
    hold(transposed_convolutions(), effort)


@efforts
def test_batch_matmul(effort: settings) -> None:
    # LiteRT rounds once.
    hold(products(), effort, lambda g, seed: check(g, seed, litert=False))
