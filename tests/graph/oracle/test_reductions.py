"""Reductions and softmax give the bytes of TensorFlow Lite Micro."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from edgeq.graph.ir import Graph
from tests.graph.oracle.runtimes import check, efforts, hold
from tests.graph.oracle.strategies import int8s, shapes
from tests.support.models import activation, constant, one_op


@st.composite
def reductions(draw: st.DrawFn, op: str, requantized: bool) -> Graph:
    shape = draw(shapes())
    rank = len(shape)
    axes = draw(st.lists(st.integers(-rank, rank - 1), min_size=1, unique_by=lambda a: a % rank))
    keep = draw(st.booleans()) or len(axes) == rank
    gone = {axis % rank for axis in axes}
    sizes = (1 if axis in gone else dim for axis, dim in enumerate(shape))
    result = tuple(dim for axis, dim in enumerate(sizes) if keep or axis not in gone)
    x = draw(int8s(shape))
    y = draw(int8s(result))
    if op == "REDUCE_ALL":
        x, y = activation(shape, "bool"), activation(result, "bool")
    elif not requantized:
        assert x.quantization is not None
        y = activation(result, "int8", x.quantization.scale, x.quantization.zero_point)
    return one_op(op, [x, constant(axes, "int32")], y, {"keep_dims": keep})


@st.composite
def softmaxes(draw: st.DrawFn) -> Graph:
    shape = (*draw(shapes(0, 3)), draw(st.integers(1, 40)))
    beta = draw(st.sampled_from([1.0, 0.5, 2.0]) | st.integers(1, 1000).map(lambda n: n / 100))
    output = activation(shape, "int8", 1 / 256, -128)
    return one_op("SOFTMAX", [draw(int8s(shape))], output, {"beta": beta})


@st.composite
def log_softmaxes(draw: st.DrawFn) -> Graph:
    shape = (*draw(shapes(0, 3)), draw(st.integers(1, 40)))
    return one_op("LOG_SOFTMAX", [draw(int8s(shape))], activation(shape, "int8", 1 / 16, 127))


@st.composite
def normalizations(draw: st.DrawFn) -> Graph:
    shape = (*draw(shapes(0, 3)), draw(st.integers(1, 60)))
    options = {"fused_activation_function": "NONE"}
    return one_op(
        "L2_NORMALIZATION", [draw(int8s(shape))], activation(shape, "int8", 1 / 128, 0), options
    )


@st.composite
def places_of_extremes(draw: st.DrawFn, op: str) -> Graph:
    shape = draw(shapes(2, 4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    result = tuple(dim for i, dim in enumerate(shape) if i != axis % len(shape))
    y = activation(result, "int32", None)
    inputs = [draw(int8s(shape)), constant([axis], "int32")]
    return one_op(op, inputs, y, {"output_type": "INT32"})


@efforts
def test_mean(effort: settings) -> None:
    hold(reductions("MEAN", requantized=True), effort)


@efforts
def test_sum(effort: settings) -> None:
    # LiteRT sums int8 without the zero points.
    models = reductions("SUM", requantized=True)
    hold(models, effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_reduce_max_and_min(effort: settings) -> None:
    hold(reductions("REDUCE_MAX", requantized=False), effort)
    hold(reductions("REDUCE_MIN", requantized=False), effort)


@efforts
def test_reduce_all(effort: settings) -> None:
    hold(reductions("REDUCE_ALL", requantized=False), effort)


@efforts
def test_softmax(effort: settings) -> None:
    hold(softmaxes(), effort)


@efforts
def test_log_softmax(effort: settings) -> None:
    hold(log_softmaxes(), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_l2_normalization(effort: settings) -> None:
    hold(normalizations(), effort)


@efforts
def test_arg_max_and_arg_min(effort: settings) -> None:
    for op in ("ARG_MAX", "ARG_MIN"):
        hold(places_of_extremes(op), effort)
