"""Operators that work element by element give the bytes of TensorFlow Lite Micro."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.graph.ir import Graph, Tensor
from tests.graph.oracle.runtimes import check, efforts, hold
from tests.graph.oracle.strategies import activations, alike, int8s, scales, shapes, zero_points
from tests.support.models import activation, constant, one_op


@st.composite
def pairs(draw: st.DrawFn, op: str) -> Graph:
    """Two tensors of broadcastable shapes, the second one sometimes constant."""
    shape = draw(shapes())
    other = tuple(1 if draw(st.booleans()) else dim for dim in shape)[draw(st.integers(0, 1)) :]
    first, second = draw(int8s(shape)), draw(int8s(other or (1,)))
    if draw(st.booleans()):
        rng = np.random.default_rng(draw(st.integers(0, 1000)))
        values = rng.integers(-128, 128, second.shape)
        assert second.quantization is not None
        quantized = second.quantization
        second = constant(values, "int8", quantized.scale, quantized.zero_point)
    inputs = [first, second] if draw(st.booleans()) else [second, first]
    fused = {"fused_activation_function": draw(activations)}
    return one_op(op, inputs, draw(int8s(shape)), {} if op == "SQUARED_DIFFERENCE" else fused)


@st.composite
def singles(
    draw: st.DrawFn,
    op: str,
    output: tuple[float, int] | None = None,
    requantized: bool = True,
    version: int = 2,
) -> Graph:
    """One tensor; the output is quantised as stated, else at will, else as the input."""
    shape = draw(shapes(1, 3))
    x = draw(int8s(shape))
    y = draw(int8s(shape)) if requantized else x
    if output is not None:
        y = activation(shape, "int8", *output)
    return one_op(op, [x], y, {}, version)


@st.composite
def extremes(draw: st.DrawFn, op: str) -> Graph:
    shape = draw(shapes())
    other = tuple(1 if draw(st.booleans()) else dim for dim in shape)
    first, second, result = draw(alike(shape, other, shape))
    return one_op(op, [first, second], result)


@st.composite
def quotients(draw: st.DrawFn) -> Graph:
    """Divisions whose last shift stays below 32, where all processors agree."""
    shape = draw(shapes())
    other = tuple(1 if draw(st.booleans()) else dim for dim in shape)
    scale, divisor = draw(scales), draw(scales)
    ratio = 2.0 ** draw(st.floats(6.01, 12, allow_subnormal=False))
    ports = [(shape, scale), (other, divisor), (shape, scale / divisor / ratio)]
    *inputs, result = (activation(s, "int8", x, draw(zero_points)) for s, x in ports)
    return one_op("DIV", inputs, result, {"fused_activation_function": draw(activations)})


@st.composite
def prelus(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    other = tuple(1 if draw(st.booleans()) else dim for dim in shape[1:])
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(-128, 128, other)
    slope = constant(values, "int8", draw(scales), draw(zero_points))
    return one_op("PRELU", [draw(int8s(shape)), slope], draw(int8s(shape)), {}, 1)


@st.composite
def sums_of_many(draw: st.DrawFn) -> Graph:
    shape, count = draw(shapes()), draw(st.integers(2, 5))
    inputs = draw(alike(*[shape] * count))
    scale = inputs[0].quantization.scale  # type: ignore[union-attr]
    factor = 2.0 ** draw(st.floats(-6, 6, allow_subnormal=False))
    return one_op("ADD_N", inputs, activation(shape, "int8", scale * factor, draw(zero_points)))


@st.composite
def running_sums(draw: st.DrawFn) -> Graph:
    """Sums over more elements than 32 bits hold; they wrap."""
    shape = (*draw(shapes(0, 2)), draw(st.integers(1, 24)), *draw(shapes(0, 1)))
    x = draw(int8s(shape))
    scale = x.quantization.scale  # type: ignore[union-attr]
    factor = 2.0 ** draw(st.floats(-6, 6, allow_subnormal=False))
    y = activation(shape, "int8", scale * factor, draw(zero_points))
    axis = constant([draw(st.integers(-len(shape), len(shape) - 1))], "int32")
    options = {name: draw(st.booleans()) for name in ("exclusive", "reverse")}
    return one_op("CUMSUM", [x, axis], y, options)


@st.composite
def square_roots(draw: st.DrawFn) -> Graph:
    """The lowest zero point: TensorFlow Lite Micro stops at values below it."""
    shape = draw(shapes(1, 3))
    x = activation(shape, "int8", draw(scales), -128)
    return one_op("RSQRT", [x], draw(int8s(shape)), {})


@st.composite
def leaky_relus(draw: st.DrawFn) -> Graph:
    shape = draw(shapes(1, 3))
    alpha = draw(st.integers(-100, 200)) / 100
    return one_op("LEAKY_RELU", [draw(int8s(shape))], draw(int8s(shape)), {"alpha": alpha})


@st.composite
def hard_swishes(draw: st.DrawFn) -> Graph:
    shape, x = draw(shapes(1, 3)), draw(scales)
    y = x * 2.0 ** draw(st.floats(-6.9, 6, allow_subnormal=False))
    tensors = [activation(shape, "int8", scale, draw(zero_points)) for scale in (x, y)]
    return one_op("HARD_SWISH", tensors[:1], tensors[1], {}, 1)


@st.composite
def quantizations(draw: st.DrawFn, source: str, result: str) -> Graph:
    shape = draw(shapes(1, 3))
    return one_op("QUANTIZE", [draw(_ports(shape, source))], draw(_ports(shape, result)))


@st.composite
def dequantizations(draw: st.DrawFn, source: str) -> Graph:
    shape = draw(shapes(1, 3))
    return one_op("DEQUANTIZE", [draw(_ports(shape, source))], activation(shape, "float32"))


@st.composite
def _ports(draw: st.DrawFn, shape: tuple[int, ...], dtype: str) -> Tensor:
    offset = 128 if dtype == "uint8" else 0
    return activation(shape, dtype, draw(scales), draw(zero_points) + offset)


@efforts
def test_add(effort: settings) -> None:
    hold(pairs("ADD"), effort)


@efforts
def test_sub(effort: settings) -> None:
    hold(pairs("SUB"), effort)


@efforts
def test_mul(effort: settings) -> None:
    hold(pairs("MUL"), effort)


@efforts
def test_relu(effort: settings) -> None:
    hold(singles("RELU"), effort)


@efforts
def test_relu6(effort: settings) -> None:
    hold(singles("RELU6", requantized=False), effort)


@efforts
def test_requantizing_relu6_is_litert_s_and_not_micro_s(effort: settings) -> None:
    # TensorFlow Lite Micro clamps in the input's quantisation and leaves the scale as it is.
    hold(singles("RELU6"), effort, lambda g, seed: check(g, seed, micro=False))


@efforts
def test_relu_n1_to_1_of_litert(effort: settings) -> None:
    # TensorFlow Lite Micro has no such operator.
    models = singles("RELU_N1_TO_1", version=1)
    hold(models, effort, lambda g, seed: check(g, seed, micro=False))


@efforts
def test_relu_0_to_1_of_litert(effort: settings) -> None:
    models = singles("RELU_0_TO_1", version=1)
    hold(models, effort, lambda g, seed: check(g, seed, micro=False))


@efforts
def test_leaky_relu(effort: settings) -> None:
    # LiteRT computes the factors in single precision.
    hold(leaky_relus(), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_logistic(effort: settings) -> None:
    # LiteRT fills its table in floating point.
    hold(singles("LOGISTIC", (1 / 256, -128)), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_tanh(effort: settings) -> None:
    # LiteRT fills its table in floating point.
    hold(singles("TANH", (1 / 128, 0)), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_hard_swish(effort: settings) -> None:
    hold(hard_swishes(), effort)


@efforts
def test_quantize_between_integers(effort: settings) -> None:
    for source, result in (("int8", "int8"), ("int8", "uint8"), ("uint8", "int8")):
        hold(quantizations(source, result), effort)


@efforts
def test_quantize_from_float(effort: settings) -> None:
    hold(quantizations("float32", "int8"), effort)


@efforts
def test_quantize_from_float_to_uint8_of_litert(effort: settings) -> None:
    models = quantizations("float32", "uint8")
    hold(models, effort, lambda g, seed: check(g, seed, micro=False))


@efforts
def test_dequantize(effort: settings) -> None:
    for source in ("int8", "uint8"):
        hold(dequantizations(source), effort)


@efforts
def test_maximum_and_minimum(effort: settings) -> None:
    for op in ("MAXIMUM", "MINIMUM"):
        hold(extremes(op), effort)


@efforts
def test_squared_difference(effort: settings) -> None:
    hold(pairs("SQUARED_DIFFERENCE"), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_div(effort: settings) -> None:
    # LiteRT has no int8 DIV.
    hold(quotients(), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_prelu(effort: settings) -> None:
    hold(prelus(), effort)


@efforts
def test_add_n(effort: settings) -> None:
    # LiteRT has no int8 ADD_N.
    hold(sums_of_many(), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_cumsum(effort: settings) -> None:
    hold(running_sums(), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_elu(effort: settings) -> None:
    hold(singles("ELU"), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_abs(effort: settings) -> None:
    hold(singles("ABS"), effort, lambda g, seed: check(g, seed, litert=False))


@efforts
def test_rsqrt(effort: settings) -> None:
    hold(square_roots(), effort, lambda g, seed: check(g, seed, litert=False))
