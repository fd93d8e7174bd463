"""Functions of int16 that TensorFlow Lite Micro interpolates in tables: LOGISTIC, TANH, SOFTMAX.

Sources: tensorflow/lite/kernels/internal/common.h (LUTPopulate, LUTLookup, sigmoid(i/24) in 0.16),
reference/integer_ops/{logistic,tanh}.h, reference/softmax.h (SoftmaxInt16),
micro/kernels/{logistic_common,tanh,softmax_common}.cc.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call, Unfit
from edgeq.graph.oracle.fixed_point import (
    Integers,
    leading_zeros,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from edgeq.graph.oracle.requantization import Run, scale_of

Int16 = NDArray[np.int16]

_SIGMOIDS = 256
_STEPS = 512  # between 513 entries of a table over all of int16
_RANGE = 65_535
_EXP_REACH = 10.0  # exp(-10) is nothing to the sum
_HIGHEST = (1 << 15) - 1
# The exponent of two of the input scale that needs no multiplier, per function.
_PLAIN_SHIFTS = {"LOGISTIC": (0,), "TANH": (0, 1)}
_LOG_TOLERANCE = 1e-3
_LARGEST_FACTOR = float(1 << 14)


@functools.cache
def sigmoid_table() -> Integers:
    """Return sigmoid(i / 24) in 0.16 for i = 0..255, half of the chords' error taken off."""
    start, middle, end = (
        65_536 / (1 + np.exp(-(np.arange(_SIGMOIDS) + part) / 24)) for part in (0, 0.5, 1)
    )
    table = np.floor(start - ((start + end) / 2 - middle) / 2 + 0.5).astype(np.int64)
    table[-1] = _RANGE
    return table


def curve_factor(call: Call) -> tuple[int, int]:
    """Return what the input is multiplied by, and the shift to the right that follows.

    Raises:
        Unfit: the input's scale is too large, or the output's is not 1/32768.
    """
    if not _is_power(float(scale_of(call.output)), -15):
        raise Unfit(f"an int16 output scale of {scale_of(call.output)} instead of 1/32768")
    scale = float(scale_of(call.input(0)))
    for shift in _PLAIN_SHIFTS[call.node.op]:
        if _is_power(scale, shift - 12):
            return 3 << shift, 0
    multiplier, right = scale * 4096.0 * 3.0, 0
    while multiplier <= _HIGHEST / 2 and right <= 30:
        multiplier, right = multiplier * 2, right + 1
    if multiplier > _HIGHEST:
        raise Unfit(f"an int16 input scale of {scale} is too large")
    return int(multiplier), right


def _is_power(scale: float, power: int) -> bool:
    return abs(math.log2(scale) - power) < _LOG_TOLERANCE


def logistic(call: Call) -> Run:
    """LOGISTIC: the sigmoid of the magnitude, mirrored below zero."""
    place = _placed(call)

    def run(x: Int16) -> Int16:
        value = place(x)
        far = _interpolated(np.abs(value), 9, _HIGHEST << 10)
        mirrored = np.where(value >= 0, far + 512, (1 << 25) - far + 511)
        return (mirrored >> 10).astype(np.int16)

    return run


def tanh(call: Call) -> Run:
    """TANH: 2 * sigmoid(2 x) - 1, mirrored below zero."""
    place = _placed(call)

    def run(x: Int16) -> Int16:
        value = place(x)
        far = _interpolated(np.abs(value), 8, _RANGE << 8) - (1 << 23)
        return (np.where(value >= 0, far + 128, 127 - far) >> 8).astype(np.int16)

    return run


def _placed(call: Call) -> Callable[[Int16], Integers]:
    multiplier, right = curve_factor(call)
    half = 1 << right >> 1
    return lambda x: (x.astype(np.int64) * multiplier + half) >> right


def _interpolated(magnitude: Integers, bits: int, most: int) -> Integers:
    table = sigmoid_table()
    place = magnitude >> bits
    inside = np.minimum(place, _SIGMOIDS - 2)
    low, high = table[inside], table[inside + 1]
    value = (low << bits) + (magnitude & ((1 << bits) - 1)) * (high - low)
    return np.where(place >= _SIGMOIDS - 1, most, value)


def _table(function: Callable[[NDArray[np.float32]], NDArray[np.float32]], low: float) -> Integers:
    """Return 513 entries of `function` over [low, low + its range], in single precision."""
    one = np.float32
    step_in, step_out = one(low / _RANGE), one(one(2.0) / one(_RANGE))
    least, most = (step_in * one(end) for end in _ends(low))
    step = (most - least) / one(_STEPS)
    inverse = one(1 << 16) / (step_out * one(_HIGHEST) - step_out * one(-_HIGHEST - 1))
    index = np.arange(_STEPS, dtype=np.float32)
    values, middles, ends = (
        function(place) * inverse
        for place in (
            least + index * step,
            least + index * step + step / one(2),
            least + (index + one(1)) * step,
        )
    )
    start = _rounded(values)
    error = _rounded((ends + start) / one(2)) - _rounded(middles)
    inner = start - _rounded(error / one(2))
    last = _rounded(function(np.array([most], np.float32)) * inverse)
    entries = np.clip(np.append(inner, last), -_HIGHEST - 1, _HIGHEST)
    return entries.astype(np.int64)


def _ends(reach: float) -> tuple[int, int]:
    """Return the input's ends less its zero point: the highest one for exp, the lowest for 1/x."""
    return (-_RANGE, 0) if reach == _EXP_REACH else (0, _RANGE)


def _rounded(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.copysign(np.floor(np.abs(x.astype(np.float64)) + 0.5), x).astype(np.float32)


@functools.cache
def exp_table() -> Integers:
    """Return exp over -10..0 in 0.15."""
    return _table(lambda x: np.exp(x.astype(np.float64)).astype(np.float32), _EXP_REACH)


@functools.cache
def reciprocal_table() -> Integers:
    """Return 1 / (1 + x) over 0..1 in 0.15."""
    return _table(lambda x: np.float32(1) / (np.float32(1) + x), 1.0)


def look_up(table: Integers, x: Integers) -> Integers:
    """Return the table's value at int16 `x`, between two of its 513 entries."""
    place = 256 + (x >> 7)
    low = table[place]
    value: Integers = low + (((table[place + 1] - low) * (x & 127) + 64) >> 7)
    return value


def softmax_factor(call: Call) -> tuple[int, int]:
    """Return multiplier and shift from differences of the input to the table of exp.

    Raises:
        Unfit: beta * input scale is too large for 32 bits.
    """
    beta = float(np.float32(call.option("beta", 0.0)))  # type: ignore[arg-type]
    real = float(scale_of(call.input(0))) * beta / (_EXP_REACH / 65_535.0)
    if real >= _LARGEST_FACTOR:
        raise Unfit(f"beta {beta} * int16 input scale {scale_of(call.input(0))} is too large")
    return quantize_multiplier(real)


def softmax(call: Call) -> Run:
    """SOFTMAX over the last dimension, with the option `beta`."""
    multiplier, shift = softmax_factor(call)
    if not _is_power(float(scale_of(call.output)), -15):
        raise Unfit(f"an int16 output scale of {scale_of(call.output)} instead of 1/32768")

    def run(x: Int16) -> Int16:
        wide = x.astype(np.int64)
        below = wide - wide.max(axis=-1, keepdims=True)
        scaled = multiply_by_quantized_multiplier(below, multiplier, shift) + _HIGHEST
        exps = look_up(exp_table(), np.clip(scaled, -_HIGHEST - 1, _HIGHEST))
        sums = exps.sum(axis=-1, keepdims=True)
        free = leading_zeros(sums)
        place = (((sums << (free - 1)) + (1 << 13)) >> 14) - (1 << 15) - (1 << 16)
        inverse = look_up(reciprocal_table(), np.clip(place, -_HIGHEST - 1, _HIGHEST))
        right = 31 - free
        parts = (exps * inverse + (np.int64(1) << (right - 1))) >> right
        result: Int16 = np.clip(parts, 0, _HIGHEST).astype(np.int16)
        return result

    return run
