"""Operators over the last dimension: logarithm of softmax, and Euclidean normalisation.

Sources: tensorflow/lite/kernels/internal/reference/log_softmax.h,
integer_ops/l2normalization.h, kernels/internal/quantization_util.cc.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call, Unfit
from edgeq.graph.oracle.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    Integers,
    as_int32,
    exp_on_negative_values,
    inverse_sqrt,
    log_of_sum,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from edgeq.graph.oracle.requantization import Run, clamp, scale_of, zero_point_of

Int8 = NDArray[np.int8]

# Differences to the maximum in Q5, the sum of their exponentials in Q12, the output in Q4.
_DIFFERENCE_BITS = 5
_SUM_BITS = 12
_OUTPUT_SHIFT = 31 - _DIFFERENCE_BITS - 4
_NORMAL_SHIFT = 7  # the output's scale is 1/128


def log_softmax(call: Call) -> Run:
    """LOG_SOFTMAX over the last dimension; the output's scale is 1/16, its zero point 127."""
    scaled = log_softmax_differences(call)
    exps = log_softmax_exponentials(call)
    back = log_softmax_divisor(call)

    def run(x: Int8) -> Int8:
        wide = x.astype(np.int64)
        distances = wide.max(axis=-1, keepdims=True) - wide
        near = distances < len(scaled)
        places = np.minimum(distances, len(scaled) - 1)
        sums = np.where(near, exps[places], 0).sum(axis=-1, keepdims=True)
        logs = log_of_sum(as_int32(sums))
        least = multiply_by_quantized_multiplier(as_int32(logs + INT32_MIN), *back)
        farthest = -np.maximum(least, -len(scaled))
        results = rounding_divide_by_pot(as_int32(scaled[places] - logs), _OUTPUT_SHIFT) + 127
        return np.where(distances < farthest, clamp(results, -128, 127), -128).astype(np.int8)

    return run


def log_softmax_differences(call: Call) -> Integers:
    """Return -d * scale in Q5 for d = 0, 1, ... as far as Q5 reaches, at most 255.

    Raises:
        Unfit: the input's scale is too small for the kernel's precision.
    """
    multiplier, shift = _input_factor(call)
    radius = ((1 << _DIFFERENCE_BITS) - 1 << 31 - _DIFFERENCE_BITS) >> shift
    distances = np.arange(min(radius, 255) + 1)
    return multiply_by_quantized_multiplier(-distances, multiplier, shift)


def log_softmax_exponentials(call: Call) -> Integers:
    """Return e to the power of the differences in Q12."""
    exps = exp_on_negative_values(log_softmax_differences(call), _DIFFERENCE_BITS)
    return rounding_divide_by_pot(exps, _SUM_BITS)


def log_softmax_divisor(call: Call) -> tuple[int, int]:
    """Return multiplier and shift from Q5 back to the input's scale."""
    multiplier, shift = _input_factor(call)
    return quantize_multiplier((1 << 31 - shift) / multiplier)


def _input_factor(call: Call) -> tuple[int, int]:
    scale = float(scale_of(call.input(0)))
    real = scale * (1 << (31 - _DIFFERENCE_BITS))
    if real <= 1:
        raise Unfit(f"an input scale of {scale} is too small")
    return quantize_multiplier(min(real, float(INT32_MAX)))


def l2_normalize(call: Call) -> Run:
    """L2_NORMALIZATION of the last dimension; the output's scale is 1/128, its zero point 0."""
    depth, zero = call.data[-1], zero_point_of(call.input(0))

    def run(x: Int8) -> Int8:
        rows = x.astype(np.int64).reshape(math.prod(call.data) // depth, depth) - zero
        results = [_normalized(row) for row in rows]
        return np.stack(results).reshape(call.output.shape)

    return run


def _normalized(row: Integers) -> Int8:
    multiplier, shift = inverse_sqrt(int((row * row).sum()))
    scaled = multiply_by_quantized_multiplier(row, multiplier, shift + _NORMAL_SHIFT)
    return clamp(scaled, -128, 127)
