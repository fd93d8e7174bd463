"""Operators with weights: convolutions and the dense layer.

Products are summed in float64, which is exact below 2**53, and then wrapped to the 32 bits of
the runtime's accumulators.

Sources: tensorflow/lite/kernels/kernel_util.cc (scales),
internal/reference/integer_ops/{conv,depthwise_conv,fully_connected}.h.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call
from edgeq.graph.oracle.fixed_point import as_int32
from edgeq.graph.oracle.requantization import (
    Run,
    fused_range,
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


def _centred(call: Call, x: Int8) -> Sums:
    return x.astype(np.float64) - zero_point_of(call.input(0))


def output_factors(call: Call) -> list[float]:
    """Return the real factors from accumulators to outputs: one for each output, or one for all."""
    dense = call.node.op == "FULLY_CONNECTED"
    single = dense and not quantization(call.input(1)).per_channel
    return [_single_factor(call)] if single else _channel_factors(call)


def _channel_factors(call: Call) -> list[float]:
    """Return input scale * weight scale / output scale of every scale, in double precision."""
    source, result = float(scale_of(call.input(0))), float(scale_of(call.output))
    scales = quantization(call.input(1)).scales
    return [source * float(np.float32(scale)) / result for scale in scales]


def _single_factor(call: Call) -> float:
    """Return the same factor with the product in single precision, as the dense layer does."""
    return float(scale_of(call.input(0)) * scale_of(call.input(1))) / float(scale_of(call.output))


def _finisher(call: Call, factors: list[float]) -> Callable[[Sums, Bias], Int8]:
    """Return what turns sums of products and a bias into the output."""
    multipliers, shifts = quantize_multipliers(factors)
    zero_point, limits = zero_point_of(call.output), fused_range(call)

    def finish(sums: Sums, bias: Bias) -> Int8:
        total = sums.astype(np.int64)
        if bias is not None:
            total = total + bias.reshape(-1).astype(np.int64)
        return to_int8(as_int32(total), multipliers, shifts, zero_point, limits)

    return finish
