"""Random models of one operator, of sizes at which vectors of sixteen bytes fill and end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from edgeq.graph.ir import Graph, OptionValue, Tensor
from tests.support.models import activation, constant, one_op, window_output

Random = np.random.Generator
Maker = Callable[[Random], Graph]
_ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


class Types(NamedTuple):
    """The dtypes of data and weights, and the largest weight."""

    data: str = "int8"
    weights: str = "int8"
    largest: int = 127


INT8, INT4, INT16 = Types(), Types(weights="int4", largest=7), Types(data="int16")


def _zero(rng: Random) -> int:
    return int(rng.choice([-128, 127, 0, rng.integers(-128, 128)]))


def _size(rng: Random, most: int) -> int:
    """Return 1 to `most`, often a multiple of four or nearly so."""
    near = rng.integers(0, most // 4 + 1) * 4 + rng.integers(-1, 2)
    return int(np.clip(near if rng.random() < 0.5 else rng.integers(1, most + 1), 1, most))


def _geometry(rng: Random, most: int) -> dict[str, Any]:
    padding = str(rng.choice(["SAME", "VALID"]))
    kernel = (3, 3) if rng.random() < 0.4 else tuple(map(int, rng.integers(1, 6, 2)))
    strides = tuple(map(int, rng.choice([1, 1, 2, 3], 2)))
    dilations = (1, 1) if rng.random() < 0.7 else tuple(map(int, rng.integers(1, 4, 2)))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    size = [int(rng.integers(r if padding == "VALID" else 1, r + most)) for r in reach]
    output = [
        window_output(s, k, t, padding, d)
        for s, k, t, d in zip(size, kernel, strides, dilations, strict=True)
    ]
    options: dict[str, OptionValue] = {
        "padding": padding,
        "stride_h": strides[0],
        "stride_w": strides[1],
        "dilation_h_factor": dilations[0],
        "dilation_w_factor": dilations[1],
        "fused_activation_function": str(rng.choice(_ACTIVATIONS)),
    }
    return {"kernel": kernel, "size": size, "output": output, "options": options}


def _weighted(
    rng: Random,
    types: Types,
    op: str,
    weights: tuple[int, ...],
    axis: int,
    x: tuple[int, ...],
    y: tuple[int, ...],
    options: dict[str, OptionValue],
) -> Graph:
    channels, wide = weights[axis], types.data == "int16"
    count = channels if rng.random() < 0.7 else 1
    in_scale = float(np.float32(2.0 ** rng.uniform(-9, 3)))
    scales = np.float32(2.0 ** rng.uniform(-9, -3, count))
    values = rng.integers(-types.largest - 1, types.largest + 1, weights)
    if types == INT8:
        values = np.maximum(values, -types.largest)
    if rng.random() < 0.3:
        values = rng.choice([-types.largest, types.largest], weights)
    reach = in_scale * float(scales.max()) * np.sqrt(values.size / channels)
    out_scale = float(np.float32(reach * 2.0 ** rng.uniform(-4 * wide, 9 + 4 * wide)))
    zeros = [0 if wide else _zero(rng) for _ in range(2)]
    result = activation(y, types.data, out_scale, zeros[0])
    inputs: list[Tensor | None] = [
        activation(x, types.data, in_scale, zeros[1]),
        constant(values, types.weights, [float(s) for s in scales], axis=axis),
    ]
    if rng.random() < 0.7:
        inputs.append(
            _bias(rng, types, op, channels, [float(np.float32(in_scale) * s) for s in scales])
        )
    elif op == "FULLY_CONNECTED":
        inputs.append(None)
    return one_op(op, inputs, result, options)


def _bias(rng: Random, types: Types, op: str, channels: int, scales: list[float]) -> Tensor:
    """Return a bias; of int16 data one of int64 mostly, seldom beyond 32 bits."""
    wide = types.data == "int16"
    most = 1 << rng.integers(1, 42 if wide and rng.random() < 0.2 else 16)
    short = not wide or (op != "DEPTHWISE_CONV_2D" and most <= 1 << 16 and rng.random() < 0.3)
    values = rng.integers(-most, most, channels)
    return constant(values, "int32" if short else "int64", scales)


def convolution(rng: Random, types: Types = INT8) -> Graph:
    """Return a CONV_2D of any kernel."""
    form = _geometry(rng, 6)
    batch, depth, channels = int(rng.integers(1, 3)), _size(rng, 40), _size(rng, 20)
    return _weighted(
        rng, types, "CONV_2D", (channels, *form["kernel"], depth), 0, (batch, *form["size"], depth),
        (batch, *form["output"], channels), form["options"],
    )  # fmt: skip


def pointwise(rng: Random, types: Types = INT8) -> Graph:
    """Return a CONV_2D of one tap."""
    height, width, depth, channels = (_size(rng, m) for m in (4, 7, 140, 40))
    options: dict[str, OptionValue] = {
        "padding": str(rng.choice(["SAME", "VALID"])), "stride_h": 1, "stride_w": 1,
        "dilation_h_factor": 1, "dilation_w_factor": 1,
        "fused_activation_function": str(rng.choice(_ACTIVATIONS)),
    }  # fmt: skip
    return _weighted(
        rng, types, "CONV_2D", (channels, 1, 1, depth), 0, (1, height, width, depth),
        (1, height, width, channels), options,
    )  # fmt: skip


def depthwise(rng: Random, types: Types = INT8) -> Graph:
    """Return a DEPTHWISE_CONV_2D, mostly with one output for each channel."""
    form = _geometry(rng, 8)
    batch, depth = int(rng.integers(1, 3)), _size(rng, 40)
    copies = 1 if rng.random() < 0.9 else int(rng.integers(2, 4))
    return _weighted(
        rng, types, "DEPTHWISE_CONV_2D", (1, *form["kernel"], depth * copies), 3,
        (batch, *form["size"], depth), (batch, *form["output"], depth * copies),
        form["options"] | {"depth_multiplier": copies},
    )  # fmt: skip


def dense(rng: Random, types: Types = INT8) -> Graph:
    """Return a FULLY_CONNECTED of some rows."""
    rows, depth, units = (_size(rng, m) for m in (4, 200, 40))
    options: dict[str, OptionValue] = {
        "fused_activation_function": str(rng.choice(_ACTIVATIONS)), "keep_num_dims": False,
    }  # fmt: skip
    return _weighted(
        rng, types, "FULLY_CONNECTED", (units, depth), 0, (rows, depth), (rows, units), options
    )


def ties(rng: Random) -> Graph:
    """Return a FULLY_CONNECTED whose accumulators lie on halves and beside them."""
    units, power = 64, int(rng.integers(2, 24))
    halves = rng.integers(-300, 300, units) * 2 + 1
    bias = np.clip(halves << (power - 1), -(1 << 30), 1 << 30) + rng.integers(-1, 2, units)
    inputs: list[Tensor | None] = [
        activation((2, 1), "int8", 1.0, 0),
        constant(np.ones((units, 1)), "int8", 1.0),
        constant(bias, "int32", 1.0),
    ]
    options: dict[str, OptionValue] = {
        "fused_activation_function": "NONE", "keep_num_dims": False,
    }  # fmt: skip
    scale = float(np.float32(2.0**power * rng.choice([1.0, 1.0, rng.uniform(1, 2)])))
    return one_op("FULLY_CONNECTED", inputs, activation((2, units), "int8", scale, 0), options)


def pair(op: str) -> Maker:
    """Return a maker of models of ADD, SUB or MUL, some of them with broadcasting."""

    def make(rng: Random) -> Graph:
        shape = tuple(_size(rng, m) for m in (3, 4, 30))
        shapes = [shape, shape]
        if rng.random() < 0.4:
            shapes[rng.integers(2)] = (1, 1, shape[2]) if rng.random() < 0.5 else shape[1:]
        scales = np.float32(2.0 ** rng.uniform(-9, 3, 2))
        if rng.random() < 0.4:
            scales[1] = scales[0] * np.float32(rng.choice([1.0, 0.5, 4.0]))
        reach = scales.sum() if op != "MUL" else scales.prod() * 128
        scale = float(np.float32(reach * 2.0 ** rng.uniform(-2, 3)))
        inputs = [
            activation(s, "int8", float(scale), _zero(rng))
            for s, scale in zip(shapes, scales, strict=True)
        ]
        options: dict[str, OptionValue] = {
            "fused_activation_function": str(rng.choice(_ACTIVATIONS))
        }
        return one_op(op, inputs, activation(shape, "int8", scale, _zero(rng)), options)

    return make


def pool(op: str) -> Maker:
    """Return a maker of models of a pool."""

    def make(rng: Random) -> Graph:
        padding = str(rng.choice(["SAME", "VALID"]))
        kernel, strides = (tuple(map(int, rng.integers(1, m, 2))) for m in (8, 4))
        size = [int(rng.integers(k if padding == "VALID" else 1, k + 6)) for k in kernel]
        batch, channels = int(rng.integers(1, 3)), _size(rng, 40)
        output = [
            window_output(n, k, s, padding) for n, k, s in zip(size, kernel, strides, strict=True)
        ]
        options: dict[str, OptionValue] = {
            "padding": padding, "stride_h": strides[0], "stride_w": strides[1],
            "filter_height": kernel[0], "filter_width": kernel[1],
            "fused_activation_function": str(rng.choice(_ACTIVATIONS)),
        }  # fmt: skip
        ends = [
            activation((batch, *side, channels), "int8", 0.05, zero)
            for zero in [_zero(rng)]
            for side in (size, output)
        ]
        return one_op(op, ends[:1], ends[1], options)

    return make


def mean(rng: Random) -> Graph:
    """Return a MEAN over some axes."""
    shape = tuple(_size(rng, m) for m in (3, 5, 5, 30))
    axes = sorted(rng.choice(4, rng.integers(1, 4), replace=False))
    kept = tuple(n for axis, n in enumerate(shape) if axis not in axes)
    scale = float(np.float32(rng.uniform(0.01, 0.1)))
    result = activation(kept, "int8", scale * float(rng.choice([1.0, 0.5, 1.3])), _zero(rng))
    inputs: list[Tensor | None] = [
        activation(shape, "int8", scale, _zero(rng)),
        constant(axes, "int32"),
    ]
    return one_op("MEAN", inputs, result, {"keep_dims": False})


def table(rng: Random) -> Graph:
    """Return a HARD_SWISH of a number of elements."""
    shape = (1, int(rng.integers(1, 70)))
    ends = [activation(shape, "int8", float(rng.uniform(0.01, 0.1)), _zero(rng)) for _ in range(2)]
    return one_op("HARD_SWISH", ends[:1], ends[1], {})


def padded(rng: Random) -> Graph:
    """Return a PAD."""
    shape = tuple(_size(rng, m) for m in (2, 4, 5, 40))
    pads = rng.integers(0, 3, (4, 2)) * (rng.random((4, 1)) < 0.6)
    wide = tuple(int(n + p.sum()) for n, p in zip(shape, pads, strict=True))
    zero = _zero(rng)
    inputs: list[Tensor | None] = [activation(shape, "int8", 0.1, zero), constant(pads, "int32")]
    return one_op("PAD", inputs, activation(wide, "int8", 0.1, zero), {})


def joined(rng: Random) -> Graph:
    """Return a CONCATENATION."""
    axis, shape = int(rng.integers(3)), [_size(rng, m) for m in (3, 4, 30)]
    parts = [int(n) for n in rng.integers(1, 20, rng.integers(2, 4))]
    shapes = [(*shape[:axis], n, *shape[axis + 1 :]) for n in (*parts, sum(parts))]
    zero = _zero(rng)
    *inputs, result = [activation(s, "int8", 0.1, zero) for s in shapes]
    options: dict[str, OptionValue] = {"axis": axis, "fused_activation_function": "NONE"}
    return one_op("CONCATENATION", inputs, result, options)


def long_sums(rng: Random) -> Graph:
    """Return a FULLY_CONNECTED of int16, deep and of weights at their ends."""
    rows, depth, units = int(rng.integers(1, 4)), int(rng.integers(500, 1600)), _size(rng, 12)
    options: dict[str, OptionValue] = {
        "fused_activation_function": str(rng.choice(_ACTIVATIONS)), "keep_num_dims": False,
    }  # fmt: skip
    return _weighted(
        rng, INT16, "FULLY_CONNECTED", (units, depth), 0, (rows, depth), (rows, units), options
    )


MODELS: dict[str, Maker] = {
    "convolution": convolution,
    "pointwise": pointwise,
    "depthwise": depthwise,
    "dense": dense,
    "ties": ties,
    "add": pair("ADD"),
    "sub": pair("SUB"),
    "mul": pair("MUL"),
    "average_pool": pool("AVERAGE_POOL_2D"),
    "max_pool": pool("MAX_POOL_2D"),
    "mean": mean,
    "table": table,
    "pad": padded,
    "concatenation": joined,
    "long_sums": long_sums,
    **{
        f"{maker.__name__}_{name}": partial(maker, types=types)
        for name, types in (("int4", INT4), ("int16", INT16))
        for maker in (convolution, pointwise, depthwise, dense)
    },
}
