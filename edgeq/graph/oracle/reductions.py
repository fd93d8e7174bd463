"""Reductions over axes, and softmax over the last one.

Sources: tensorflow/lite/kernels/internal/reference/{reduce,softmax}.h,
micro/kernels/{reduce_common,softmax_common}.cc.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call, Unfit
from edgeq.graph.ir import DTYPES
from edgeq.graph.oracle.fixed_point import (
    INT32_MAX,
    Integers,
    as_int32,
    exp_on_negative_values,
    multiply_by_quantized_multiplier,
    one_over_one_plus_x_for_x_in_0_1,
    quantize_multiplier,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from edgeq.graph.oracle.requantization import Run, scale_of, to_int8, zero_point_of

Int8 = NDArray[np.int8]

# Softmax: differences to the maximum in Q5, the sum of their exponentials in Q12.
_DIFFERENCE_BITS = 5
_SUM_BITS = 12


def mean(call: Call) -> Run:
    """MEAN: the sum, and 1 / count folded into the multiplier."""
    axes, count = reduced_axes(call)
    return _reduction(call, axes, count, *mean_factor(call))


def mean_factor(call: Call) -> tuple[int, int]:
    """Return multiplier and shift from a sum to the mean in the output's scale."""
    _, count = reduced_axes(call)
    multiplier, shift = total_factor(call)
    # As many bits of precision as fit; the shift of a requantisation ends at -31.
    spare = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << spare) // count, shift - spare


def total(call: Call) -> Run:
    """SUM."""
    axes, count = reduced_axes(call)
    return _reduction(call, axes, count, *total_factor(call))


def extreme(choose: Callable[..., Int8]) -> Callable[[Call], Run]:
    """Return REDUCE_MAX or REDUCE_MIN: the stored numbers are compared."""

    def prepare(call: Call) -> Run:
        axes, _ = reduced_axes(call)
        return lambda x, _: choose(x, axis=axes).reshape(call.output.shape)

    return prepare


def arg_extreme(choose: Callable[..., NDArray[np.int64]]) -> Callable[[Call], Run]:
    """Return ARG_MAX or ARG_MIN: the first place of the extreme along the axis in input 1."""

    def prepare(call: Call) -> Run:
        axis, dtype = call.values(1)[0], DTYPES[call.output.dtype]
        return lambda x, _: np.asarray(choose(x, axis=axis), dtype)

    return prepare


def _reduction(call: Call, axes: tuple[int, ...], count: int, multiplier: int, shift: int) -> Run:
    zeros = zero_point_of(call.input(0)) * count
    out_zero = zero_point_of(call.output)
    dtype = DTYPES[call.output.dtype]
    limits = (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))

    def run(x: NDArray[Any], _: NDArray[np.int32]) -> NDArray[Any]:
        sums = as_int32(x.sum(axis=axes, dtype=np.int64) - zeros)
        means = to_int8(sums, multiplier, shift, out_zero, limits, dtype)
        return means.reshape(call.output.shape)

    return run


def reduced_axes(call: Call) -> tuple[tuple[int, ...], int]:
    """Return the axes of a reduction in order, and how many elements each result comes from."""
    rank = len(call.data)
    axes = tuple(sorted({axis % rank for axis in call.values(1)})) if rank else ()
    return axes, math.prod(call.data[axis] for axis in axes)


def total_factor(call: Call) -> tuple[int, int]:
    """Return multiplier and shift from a sum to the output's scale."""
    return quantize_multiplier(float(scale_of(call.input(0))) / float(scale_of(call.output)))


def softmax_exponentials(beta: float, scale: float) -> Integers:
    """Return exp(-d * beta * scale) in Q0 for d = 0, 1, ... below the first one that is nought.

    Args:
        scale: of the int8 input; d is the distance from the largest element, at most 255.

    Raises:
        Unfit: beta * scale is too small for the kernel's precision.
    """
    real = beta * scale * (1 << (31 - _DIFFERENCE_BITS))
    if real <= 1:
        raise Unfit(f"beta {beta} * input scale {scale} is too small")
    multiplier, shift = quantize_multiplier(min(real, float(INT32_MAX)))
    radius = (1 << _DIFFERENCE_BITS) - 1 << 31 - _DIFFERENCE_BITS >> shift
    distances = np.arange(min(radius, 255) + 1)
    scaled = multiply_by_quantized_multiplier(-distances, multiplier, shift)
    return exp_on_negative_values(scaled, _DIFFERENCE_BITS)


def softmax(call: Call) -> Run:
    """SOFTMAX over the last dimension, with the option `beta`."""
    beta = float(call.option("beta", 0.0))  # type: ignore[arg-type]
    table = softmax_exponentials(beta, float(scale_of(call.input(0))))

    def run(x: Int8) -> Int8:
        wide = x.astype(np.int64)
        distances = wide.max(axis=-1, keepdims=True) - wide
        near = distances < len(table)
        exps = np.where(near, table[np.minimum(distances, len(table) - 1)], 0)
        sums = rounding_divide_by_pot(exps, _SUM_BITS).sum(axis=-1, keepdims=True)
        scales, exponents = _reciprocals(as_int32(sums))
        parts = rounding_divide_by_pot(
            saturating_rounding_doubling_high_mul(scales, exps), exponents
        )
        return np.where(near, np.minimum(parts - 128, 127), -128).astype(np.int8)

    return run


def _reciprocals(sums: Integers) -> tuple[Integers, Integers]:
    """Return 1 / sums as numbers in Q0 and the shift to the right that makes them 8-bit."""
    # frexp's exponent is the bit length, exactly so below 2**53.
    headroom = 32 - np.frexp(sums.astype(np.float64))[1].astype(np.int64)
    normalised = (sums << headroom) - (1 << 31)
    return one_over_one_plus_x_for_x_in_0_1(normalised), _SUM_BITS - headroom + 31 - 8
