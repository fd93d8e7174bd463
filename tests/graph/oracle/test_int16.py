"""Operators on int16 without weights give the bytes of TensorFlow Lite Micro."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.graph.ir import Graph
from tests.graph.oracle.runtimes import check, efforts, hold
from tests.graph.oracle.strategies import activations, geometries, scales, shapes
from tests.support.models import activation, constant, one_op

_POWERS = st.integers(-15, 0).map(lambda power: 2.0**power)
_ENDS = (
    ("float32", "int16"), ("int16", "float32"), ("int16", "int16"), ("int16", "int8"),
    ("int8", "int16"),
)  # fmt: skip


@st.composite
def pairs16(draw: st.DrawFn, op: str) -> Graph:
    """Two tensors of broadcastable shapes."""
    shape = draw(shapes())
    other = tuple(1 if draw(st.booleans()) else dim for dim in shape)
    x, y, z = (activation(s, "int16", draw(scales)) for s in (shape, other, shape))
    inputs = [x, y] if draw(st.booleans()) else [y, x]
    return one_op(op, inputs, z, {"fused_activation_function": draw(activations)})


@st.composite
def extremes16(draw: st.DrawFn, op: str) -> Graph:
    """Two tensors of broadcastable shapes, quantised alike."""
    shape, scale = draw(shapes()), draw(scales)
    other = tuple(1 if draw(st.booleans()) else dim for dim in shape)
    x, y, z = (activation(s, "int16", scale) for s in (shape, other, shape))
    return one_op(op, [x, y] if draw(st.booleans()) else [y, x], z)


@st.composite
def rectifiers16(draw: st.DrawFn, op: str) -> Graph:
    shape, scale = draw(shapes()), draw(scales)
    ratio = draw(st.floats(0.1, 10) | st.just(1.0))
    x, y = activation(shape, "int16", scale), activation(shape, "int16", scale * ratio)
    options = {"alpha": draw(st.floats(-2, 2, width=16))} if op == "LEAKY_RELU" else {}
    return one_op(op, [x], y, options)


@st.composite
def pools16(draw: st.DrawFn, op: str) -> Graph:
    form = draw(geometries(dilated=False))
    batch, channels = draw(st.integers(1, 2)), draw(st.integers(1, 5))
    scale = draw(scales)
    x, y = (
        activation((batch, *sizes, channels), "int16", scale)
        for sizes in (form["size"], form["output"])
    )
    window = dict(zip(("filter_height", "filter_width"), form["kernel"], strict=True))
    return one_op(op, [x], y, form["options"] | window)


@st.composite
def reductions16(draw: st.DrawFn, op: str) -> Graph:
    """MEAN or SUM over any axes."""
    shape = draw(shapes(1, 4))
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    kept = tuple(1 if axis in axes else dim for axis, dim in enumerate(shape))
    x, y = (activation(s, "int16", draw(scales)) for s in (shape, kept))
    return one_op(op, [x, constant(axes, "int32")], y, {"keep_dims": True})


@st.composite
def curves16(draw: st.DrawFn, op: str) -> Graph:
    """LOGISTIC or TANH; scales that are powers of two go another way."""
    shape = draw(shapes(1, 3))
    scale = draw(st.floats(1e-5, 2.6) | _POWERS)
    return one_op(op, [activation(shape, "int16", scale)], activation(shape, "int16", 2.0**-15))


@st.composite
def softmaxes16(draw: st.DrawFn) -> Graph:
    shape = (*draw(shapes(0, 3)), draw(st.integers(1, 40)))
    beta = draw(st.sampled_from([1.0, 0.5, 2.0]))
    x = activation(shape, "int16", 2.0 ** draw(st.floats(-15, 0)))
    return one_op("SOFTMAX", [x], activation(shape, "int16", 2.0**-15), {"beta": beta})


@st.composite
def rescalings16(draw: st.DrawFn) -> Graph:
    """QUANTIZE and DEQUANTIZE between int16 and another dtype."""
    shape, (source, result) = draw(shapes(1, 3)), draw(st.sampled_from(_ENDS))
    x, y = (activation(shape, dtype, draw(scales)) for dtype in (source, result))
    return one_op("DEQUANTIZE" if result == "float32" else "QUANTIZE", [x], y)


@st.composite
def paddings16(draw: st.DrawFn) -> Graph:
    shape, scale = draw(shapes()), draw(scales)
    edges = [[draw(st.integers(0, 2)) for _ in range(2)] for _ in shape]
    padded = [size + sum(pair) for size, pair in zip(shape, edges, strict=True)]
    x, y = (activation(s, "int16", scale) for s in (shape, padded))
    return one_op("PAD", [x, constant(edges, "int32")], y)


@efforts
def test_pad(effort: settings) -> None:
    hold(paddings16(), effort, _check)


@efforts
@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
def test_pairs(op: str, effort: settings) -> None:
    hold(pairs16(op), effort, _check)


@efforts
@pytest.mark.parametrize("op", ["MAXIMUM", "MINIMUM"])
def test_extremes(op: str, effort: settings) -> None:
    hold(extremes16(op), effort)


@efforts
@pytest.mark.parametrize(
    ("op", "micro", "litert"),
    [("RELU", True, True), ("RELU6", False, True), ("LEAKY_RELU", True, False)],
)
def test_rectifiers(op: str, micro: bool, litert: bool, effort: settings) -> None:
    """Micro's RELU6 does not requantise; LiteRT's LEAKY_RELU has factors of single precision."""
    hold(rectifiers16(op), effort, lambda g, seed: check(g, seed, micro=micro, litert=litert))


@efforts
@pytest.mark.parametrize("op", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pools(op: str, effort: settings) -> None:
    hold(pools16(op), effort, _check)


@efforts
@pytest.mark.parametrize("op", ["MEAN", "SUM"])
def test_reductions(op: str, effort: settings) -> None:
    hold(reductions16(op), effort, _check)


@efforts
@pytest.mark.parametrize("op", ["LOGISTIC", "TANH"])
def test_curves(op: str, effort: settings) -> None:
    hold(curves16(op), effort, _check)


@efforts
def test_softmax(effort: settings) -> None:
    hold(softmaxes16(), effort, _check)


@efforts
def test_quantize_and_dequantize(effort: settings) -> None:
    hold(rescalings16(), effort, _check)


def _check(graph: Graph, seed: int) -> None:
    check(graph, seed, litert=False)
