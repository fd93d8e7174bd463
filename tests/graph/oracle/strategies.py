"""Hypothesis strategies: quantisations, shapes and models with weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from edgeq.graph.ir import Graph, OptionValue, Tensor
from tests.support.models import activation, constant, one_op, window_output

zero_points = st.integers(-128, 127)
scales = st.floats(-9, 3, allow_subnormal=False).map(lambda power: float(np.float32(2.0**power)))
activations = st.sampled_from(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"])
paddings = st.sampled_from(["SAME", "VALID"])


@st.composite
def shapes(draw: st.DrawFn, least: int = 1, most: int = 4) -> tuple[int, ...]:
    """Return a shape of `least` to `most` dimensions of 1 to 6."""
    return tuple(draw(st.lists(st.integers(1, 6), min_size=least, max_size=most)))


@st.composite
def int8s(draw: st.DrawFn, shape: tuple[int, ...]) -> Tensor:
    """Return an int8 activation of any quantisation."""
    return activation(shape, "int8", draw(scales), draw(zero_points))


@st.composite
def alike(draw: st.DrawFn, *sizes: tuple[int, ...]) -> list[Tensor]:
    """Tensors of the given shapes with one quantisation."""
    scale, zero_point = draw(scales), draw(zero_points)
    return [activation(shape, "int8", scale, zero_point) for shape in sizes]


@st.composite
def geometries(draw: st.DrawFn, dilated: bool) -> dict[str, Any]:
    """Return input size, window and options of a window operator, such that an output exists."""
    padding = draw(paddings)
    kernel = [draw(st.integers(1, 4)) for _ in range(2)]
    strides = [draw(st.integers(1, 3)) for _ in range(2)]
    dilations = [draw(st.integers(1, 2)) if dilated else 1 for _ in range(2)]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    size = [draw(st.integers(r if padding == "VALID" else 1, 9)) for r in reach]
    output = [
        window_output(s, k, t, padding, d)
        for s, k, t, d in zip(size, kernel, strides, dilations, strict=True)
    ]
    options: dict[str, OptionValue] = {
        "padding": padding,
        "stride_h": strides[0],
        "stride_w": strides[1],
        "fused_activation_function": draw(activations),
    }
    if dilated:
        options |= {"dilation_h_factor": dilations[0], "dilation_w_factor": dilations[1]}
    return {"kernel": kernel, "size": size, "output": output, "options": options}


@st.composite
def weighted(
    draw: st.DrawFn, op: str, weight_shape: tuple[int, ...], axis: int, **shapes: Any
) -> Graph:
    """Return a model of one operator with weights.

    Args:
        op: CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV or FULLY_CONNECTED.
        weight_shape: of the filter.
        axis: of the output channels in the filter.
        shapes: `x` and `y`, the shapes of input and output; `options`; `dtype` of the filter,
            `data` that of input and output.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype, data = shapes.get("dtype", "int8"), shapes.get("data", "int8")
    wide = data == "int16"
    zeros = st.just(0) if wide else zero_points
    limit = 8 if dtype == "int4" else 128
    channels = weight_shape[axis]
    count = channels if draw(st.booleans()) else 1
    in_scale = draw(scales)
    weight_scales = np.float32(2.0 ** rng.uniform(-9, -3, count))
    # The output covers about what the sums reach, sometimes less, sometimes more.
    reach = in_scale * float(weight_scales.max()) * np.sqrt(np.prod(weight_shape) / channels)
    out_scale = float(np.float32(reach * 2.0 ** draw(st.floats(0, 9, allow_subnormal=False))))
    inputs: list[Tensor | None] = [
        activation(shapes["x"], data, in_scale, draw(zeros)),
        constant(
            rng.integers(-limit, limit, weight_shape),
            dtype,
            [float(w) for w in weight_scales],
            axis=axis,
        ),
    ]
    if draw(st.booleans()):
        bias = rng.integers(-(1 << draw(st.integers(1, 16))), 1 << 12, channels)
        bias_scales = [float(np.float32(in_scale) * w) for w in weight_scales]
        short = not wide or (op != "DEPTHWISE_CONV_2D" and draw(st.booleans()))
        inputs.append(constant(bias, "int32" if short else "int64", bias_scales))
    elif op == "FULLY_CONNECTED":
        inputs.append(None)
    if op == "TRANSPOSE_CONV":
        inputs = [constant(shapes["y"], "int32"), inputs[1], inputs[0], *inputs[2:]]
    output = activation(shapes["y"], data, out_scale, draw(zeros))
    return one_op(op, inputs, output, shapes["options"])
