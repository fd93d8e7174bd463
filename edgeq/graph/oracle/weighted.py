"""Operators with weights: convolutions and the dense layer.

Products are summed in float64, which is exact below 2**53, and then wrapped to the 32 bits of
the runtime's accumulators.

Sources: tensorflow/lite/kernels/kernel_util.cc (scales),
internal/reference/integer_ops/{conv,depthwise_conv,fully_connected,transpose_conv}.h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call, Unfit
from edgeq.graph.ir import DTYPES
from edgeq.graph.oracle.fixed_point import (
    as_int32,
    multiply_by_quantized_multiplier,
    multiply_wide,
    quantize_multiplier,
    reduce_multiplier,
)
from edgeq.graph.oracle.requantization import (
    Run,
    clamp,
    fused_range,
    levels_of,
    quantization,
    quantize_multipliers,
    scale_of,
    to_int8,
    zero_point_of,
)
from edgeq.graph.oracle.windows import Windows

Int8 = NDArray[np.int8]
Bias = NDArray[np.int32] | None
Sums = NDArray[np.float64]


def convolution(call: Call) -> Run:
    """CONV_2D: NHWC input, OHWI filter."""
    channels, height, width, _ = call.input(1).shape
    windows, finish = Windows.of(call, height, width), _finisher(call, output_factors(call))

    def run(x: Int8, weights: Int8, bias: Bias = None) -> Int8:
        sums = np.zeros((*call.output.shape[:3], channels))
        taps = weights.astype(np.float64).transpose(1, 2, 3, 0)
        for row, column, values in windows.taps(windows.pad(_centred(call, x), 0.0)):
            sums += values @ taps[row, column]
        return finish(sums, bias)

    return run


def depthwise(call: Call) -> Run:
    """DEPTHWISE_CONV_2D: output channel o reads input channel o // depth_multiplier."""
    _, height, width, _ = call.input(1).shape
    windows, finish = Windows.of(call, height, width), _finisher(call, output_factors(call))
    copies = call.number("depth_multiplier", 1)

    def run(x: Int8, weights: Int8, bias: Bias = None) -> Int8:
        sums = np.zeros(call.output.shape)
        taps = weights[0].astype(np.float64)
        padded = windows.pad(np.repeat(_centred(call, x), copies, axis=3), 0.0)
        for row, column, values in windows.taps(padded):
            sums += values * taps[row, column]
        return finish(sums, bias)

    return run


def fully_connected(call: Call) -> Run:
    """FULLY_CONNECTED: every row of `depth` inputs times the weights [units, depth]."""
    _, depth = call.input(1).shape
    finish = _finisher(call, output_factors(call))

    def run(x: Int8, weights: Int8, bias: Bias = None) -> Int8:
        rows = _centred(call, x).reshape(-1, depth)
        return finish(rows @ weights.astype(np.float64).T, bias).reshape(call.output.shape)

    return run


def transposed_convolution(call: Call) -> Run:
    """TRANSPOSE_CONV: every input spreads over a window of the output, OHWI filter."""
    inner = as_convolution(call)
    if call.output.dtype == "int16" and not has_wide_sums(inner):
        raise Unfit("the runtimes read a bias of int32 as one of int64")
    finish = _finisher(inner, _channel_factors(inner))
    channels, height, width, _ = call.input(1).shape
    (batch, rows, columns, _), output = inner.data, call.output.shape
    steps = call.number("stride_h"), call.number("stride_w")
    top, left = transposed_padding(call)
    full = (rows - 1) * steps[0] + height, (columns - 1) * steps[1] + width

    def run(_: NDArray[np.int32], weights: Int8, x: Int8, bias: Bias = None) -> Int8:
        sums = np.zeros((batch, max(full[0], output[1]), max(full[1], output[2]), channels))
        centred = _centred(inner, x)
        for row, column in np.ndindex(height, width):
            lines = slice(row, row + (rows - 1) * steps[0] + 1, steps[0])
            points = slice(column, column + (columns - 1) * steps[1] + 1, steps[1])
            sums[:, lines, points] += centred @ weights[:, row, column].T.astype(np.float64)
        return finish(sums[:, top : top + output[1], left : left + output[2]], bias)

    return run


def as_convolution(call: Call) -> Call:
    """Return a TRANSPOSE_CONV with its tensors in the order of a CONV_2D."""
    _, weights, data, *bias = call.inputs
    return replace(call, inputs=(data, weights, *bias), roles=("input", "filter", "bias"))


def transposed_padding(call: Call) -> tuple[int, int]:
    """Return what a TRANSPOSE_CONV cuts off above and to the left of its output."""
    if call.option("padding", "SAME") != "SAME":
        return 0, 0
    sizes, kernel = call.input(2).shape[1:3], call.input(1).shape[1:3]
    steps = call.number("stride_h"), call.number("stride_w")
    top, left = (
        max(0, (size - 1) * step + window - out) // 2
        for size, step, window, out in zip(
            sizes, steps, kernel, call.output.shape[1:3], strict=True
        )
    )
    return top, left


def batch_matmul(call: Call) -> Run:
    """BATCH_MATMUL, either matrix transposed (`adj_x`, `adj_y`)."""
    factor = quantize_multiplier(matrix_factor(call))
    zeros = [zero_point_of(call.input(side)) for side in range(2)]
    turned = call.option("adj_x", False), call.option("adj_y", False)
    out_zero = zero_point_of(call.output)

    def run(*matrices: Int8) -> Int8:
        a, b = (
            (m.swapaxes(-1, -2) if turn else m).astype(np.float64) - zero
            for m, turn, zero in zip(matrices, turned, zeros, strict=True)
        )
        sums = (a @ b).astype(np.int64)
        if call.output.dtype != "int16":
            return to_int8(as_int32(sums), *factor, out_zero)
        scaled = multiply_wide(sums, reduce_multiplier(factor[0]), factor[1])
        return clamp(scaled + out_zero, *levels_of("int16"), DTYPES["int16"])

    return run


def _centred(call: Call, x: Int8) -> Sums:
    return x.astype(np.float64) - zero_point_of(call.input(0))


def output_factors(call: Call) -> list[float]:
    """Return the real factors from accumulators to outputs: one for each output, or one for all."""
    dense = call.node.op == "FULLY_CONNECTED"
    single = dense and not quantization(call.input(1)).per_channel
    return [matrix_factor(call)] if single else _channel_factors(call)


def _channel_factors(call: Call) -> list[float]:
    """Return input scale * weight scale / output scale of every scale, in double precision."""
    source, result = float(scale_of(call.input(0))), float(scale_of(call.output))
    scales = quantization(call.input(1)).scales
    return [source * float(np.float32(scale)) / result for scale in scales]


def matrix_factor(call: Call) -> float:
    """Return the same factor with the product in single precision, as FULLY_CONNECTED and
    BATCH_MATMUL do."""
    return float(scale_of(call.input(0)) * scale_of(call.input(1))) / float(scale_of(call.output))


def _finisher(call: Call, factors: list[float]) -> Callable[[Sums, Bias], NDArray[Any]]:
    """Return what turns sums of products and a bias into the output."""
    if call.output.dtype == "int16":
        return _finisher16(call, factors)
    multipliers, shifts = quantize_multipliers(factors)
    zero_point, limits = zero_point_of(call.output), fused_range(call)

    def finish(sums: Sums, bias: Bias) -> NDArray[Any]:
        total = sums.astype(np.int64)
        if bias is not None:
            total = total + bias.reshape(-1).astype(np.int64)
        return to_int8(as_int32(total), multipliers, shifts, zero_point, limits)

    return finish


def _finisher16(call: Call, factors: list[float]) -> Callable[[Sums, Bias], NDArray[Any]]:
    multipliers, shifts = quantize_multipliers(factors)
    wide, (low, high) = has_wide_sums(call), fused_range(call)
    zero_point = zero_point_of(call.output)
    reduced = np.array([reduce_multiplier(int(m)) for m in multipliers])

    def finish(sums: Sums, bias: Bias) -> NDArray[Any]:
        total = sums.astype(np.int64)
        if bias is not None:
            total = total + bias.reshape(-1).astype(np.int64)
        if wide:
            scaled = multiply_wide(total, reduced, shifts)
        else:
            scaled = multiply_by_quantized_multiplier(as_int32(total), multipliers, shifts)
        return clamp(scaled + zero_point, low, high, DTYPES["int16"])

    return finish


def has_wide_sums(call: Call) -> bool:
    """Return whether int16 data is summed in 64 bits: unless the bias is int32, or would be."""
    bias = call.get("bias")
    if bias is not None:
        return bias.dtype != "int32"
    return call.option("quantized_bias_type", "FLOAT32") != "INT32"
