"""The integer arithmetic of TensorFlow Lite Micro: requantisation and fixed-point functions.

All functions take and return int64 arrays whose elements fit 32 bits. `Qm` is a fixed-point number
with m integer bits in 32: real = raw / 2**(31 - m). Rounding is TFLite's "double rounding".

Sources: tensorflow/lite/kernels/internal/common.cc, quantization_util.cc; gemmlowp
fixedpoint/fixedpoint.h.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Integers = NDArray[np.int64]

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1
ONE = INT32_MAX  # one in Q0, as near as it gets

_MIN_SHIFT = -31  # smaller multipliers flush to zero

# exp(x) for x = -1/4, -1/2, -1, -2, ... -16 in Q0, for the bits of the exponent.
_EXP_OF_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_EXP_OF_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883
# 48/17 and -32/17 in Q2: the linear start of Newton's division on [1/2, 1].
_DIVISION_START = 1515870810
_DIVISION_SLOPE = -1010580540
_NEWTON_STEPS = 3
_SQRT_STEPS = 5
_THREE_HALVES = (1 << 28) + (1 << 27)  # in Q3
# In Q0, but the quarter in Q6: what a logarithm is made of.
_SQRT_HALF = 1518500250
_SQRT_SQRT_HALF = 1805811301
_LOG_2 = 1488522236
_QUARTER = 1 << 23
_ALPHA_N = 117049297  # 11/240 * 2**(1/4)
_ALPHA_D = 127690142  # 1/20 * 2**(1/4)
_ALPHA_I = 1057819769  # 2 / 2**(1/4) - 2**(1/4)
_ALPHA_F = 638450708  # 1/4 * 2**(1/4)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Return (multiplier, shift) with real = multiplier / 2**31 * 2**shift.

    The multiplier lies in 2**30 .. 2**31 - 1 (0 if `real` is 0 or below 2**-32 or so); a positive
    shift is to the left (QuantizeMultiplier).

    Raises:
        ValueError: `real` is not finite.
    """
    if not math.isfinite(real):
        raise ValueError(f"a multiplier of {real}")
    fraction, shift = math.frexp(real)
    multiplier = int(round_half_away(fraction * 2.0**31))
    if abs(multiplier) == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < _MIN_SHIFT or multiplier == 0:
        return 0, 0
    return multiplier, shift


def round_half_away(x: float) -> float:
    """Return `x` rounded to the nearest integer, halves away from zero (C's round)."""
    whole = math.trunc(x)
    return whole + math.copysign(1.0, x) if abs(x - whole) >= 0.5 else float(whole)


def as_int32(x: ArrayLike) -> Integers:
    """Return `x` wrapped to 32 bits in two's complement."""
    return np.asarray(x, np.int64).astype(np.int32).astype(np.int64)


def saturate(x: ArrayLike) -> Integers:
    """Return `x` clamped to 32 bits."""
    return np.clip(np.asarray(x, np.int64), INT32_MIN, INT32_MAX)


def saturating_rounding_doubling_high_mul(a: ArrayLike, b: ArrayLike) -> Integers:
    """Return a * b / 2**31, rounded to nearest; -2**31 squared saturates."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    # C divides towards zero, a shift rounds down.
    quotient = np.where(nudged < 0, -(-nudged >> 31), nudged >> 31)
    saturated: Integers = np.minimum(quotient, INT32_MAX)
    return saturated


def rounding_divide_by_pot(x: ArrayLike, exponent: ArrayLike) -> Integers:
    """Return x / 2**exponent rounded to nearest, halves away from zero."""
    value, power = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << power) - 1
    threshold = (mask >> 1) + (value < 0)
    return (value >> power) + ((value & mask) > threshold)


def multiply_by_quantized_multiplier(
    x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike
) -> Integers:
    """Return x * multiplier / 2**31 * 2**shift in double rounding; the arguments broadcast.

    A shift to the left wraps in 32 bits.
    """
    power = np.asarray(shift, np.int64)
    shifted = as_int32(np.asarray(x, np.int64) << np.maximum(power, 0))
    high = saturating_rounding_doubling_high_mul(shifted, multiplier)
    return rounding_divide_by_pot(high, np.maximum(-power, 0))


def reduce_multiplier(multiplier: int) -> int:
    """Return a multiplier of 31 bits as one of 15, rounded: real = result / 2**15 * 2**shift."""
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1)


def multiply_wide(x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> Integers:
    """Return x * multiplier / 2**15 * 2**shift for sums of up to 48 bits, halves rounded up.

    `multiplier` has 15 bits (see `reduce_multiplier`); the result wraps in 32 bits.
    """
    right = 15 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * np.asarray(multiplier, np.int64)
    return as_int32((product + (np.int64(1) << (right - 1))) >> right)


def multiply_by_power_of_two(x: ArrayLike, exponent: int) -> Integers:
    """Return x * 2**exponent: saturating to the left, rounding to the right."""
    if exponent >= 0:
        return saturate(np.asarray(x, np.int64) << exponent)
    return rounding_divide_by_pot(x, -exponent)


def exp_on_negative_values(a: ArrayLike, integer_bits: int) -> Integers:
    """Return exp(a) in Q0 for a <= 0 in Q`integer_bits` (0 to 5)."""
    raw = np.asarray(a, np.int64)
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    remainder = (raw & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_0(multiply_by_power_of_two(remainder, integer_bits))
    quarters = remainder - raw
    for exponent, factor in enumerate(_EXP_OF_POWERS, start=-2):
        if exponent < integer_bits:
            bit = quarters & (1 << (fraction_bits + exponent))
            product = saturating_rounding_doubling_high_mul(result, factor)
            result = np.where(bit != 0, product, result)
    return np.where(raw == 0, ONE, result)


def _exp_between_minus_quarter_and_0(a: Integers) -> Integers:
    mul = saturating_rounding_doubling_high_mul
    x = a + (1 << 28)  # around -1/8
    x2 = mul(x, x)
    x3 = mul(x2, x)
    x4 = mul(x2, x2)
    tail = mul(multiply_by_power_of_two(x4, -2) + x3, _ONE_THIRD) + x2
    series = multiply_by_power_of_two(tail, -1)
    return _EXP_OF_MINUS_EIGHTH + mul(_EXP_OF_MINUS_EIGHTH, x + series)


def _half_denominator_reciprocal(a: Integers) -> Integers:
    """Return 2 / (1 + a) in Q2 for a in 0..1 in Q0, by Newton's method."""
    mul = saturating_rounding_doubling_high_mul
    half = _half_of_sum(a, ONE)
    x = _DIVISION_START + mul(half, _DIVISION_SLOPE)
    for _ in range(_NEWTON_STEPS):
        error = (1 << 29) - mul(half, x)
        x = as_int32(x + multiply_by_power_of_two(mul(x, error), 2))
    return x


def _half_of_sum(a: Integers, b: int) -> Integers:
    """Return (a + b) / 2, halves away from zero."""
    total = a + b
    return np.where(total >= 0, (total + 1) >> 1, -((1 - total) >> 1))


def one_over_one_plus_x_for_x_in_0_1(a: ArrayLike) -> Integers:
    """Return 1 / (1 + a) in Q0 for a in 0..1 in Q0."""
    return multiply_by_power_of_two(_half_denominator_reciprocal(np.asarray(a, np.int64)), 1)


def one_minus_x_over_one_plus_x_for_x_in_0_1(a: ArrayLike) -> Integers:
    """Return (1 - a) / (1 + a) in Q0 for a in 0..1 in Q0."""
    reciprocal = _half_denominator_reciprocal(np.asarray(a, np.int64))
    return multiply_by_power_of_two(reciprocal - (1 << 29), 2)


def logistic(a: ArrayLike, integer_bits: int = 4) -> Integers:
    """Return 1 / (1 + exp(-a)) in Q0 for a in Q`integer_bits`."""
    raw = np.asarray(a, np.int64)
    positive = one_over_one_plus_x_for_x_in_0_1(exp_on_negative_values(-np.abs(raw), integer_bits))
    result = np.where(raw > 0, positive, ONE - positive)
    return np.where(raw == 0, 1 << 30, result)


def tanh(a: ArrayLike, integer_bits: int = 4) -> Integers:
    """Return tanh(a) in Q0 for a in Q`integer_bits`."""
    raw = np.asarray(a, np.int64)
    # Read with one integer bit more, the same bits mean twice the number.
    exp = exp_on_negative_values(-np.abs(raw), integer_bits + 1)
    magnitude = one_minus_x_over_one_plus_x_for_x_in_0_1(exp)
    return np.where(raw == 0, 0, np.where(raw < 0, -magnitude, magnitude))


@functools.cache
def inverse_sqrt(value: int) -> tuple[int, int]:
    """Return (multiplier, shift) of 1 / sqrt(value), as quantize_multiplier does; 0 counts as 1.

    Source: GetInvSqrtQuantizedMultiplierExp in tensorflow/lite/kernels/internal/common.h, five
    steps of Newton's method in Q3.
    """
    if value <= 1:
        return INT32_MAX, 0
    right = 11
    while value >= 1 << 29:
        value //= 4
        right += 1
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    right -= pairs
    scaled = (value << 2 * pairs) >> 1
    mul = saturating_rounding_doubling_high_mul
    half = rounding_divide_by_pot(scaled, 1)
    x = np.asarray(1 << 28, np.int64)
    for _ in range(_SQRT_STEPS):
        cube = multiply_by_power_of_two(mul(mul(x, x), x), 6)
        x = multiply_by_power_of_two(as_int32(mul(_THREE_HALVES, x) - mul(half, cube)), 3)
    multiplier = int(mul(x, _SQRT_HALF))
    return (multiplier << -right, 0) if right < 0 else (multiplier, -right)


def log_of_sum(x: ArrayLike) -> Integers:
    """Return the natural logarithm in Q5 of x >= 1 in Q12.

    Source: log_x_for_x_greater_than_or_equal_to_1_impl in
    tensorflow/lite/kernels/internal/common.h: a power of two and a rational function of the rest.
    """
    mul, pot = saturating_rounding_doubling_high_mul, multiply_by_power_of_two
    a = np.asarray(x, np.int64)
    b = mul(a, _SQRT_HALF)
    a_zeros, b_zeros = leading_zeros(a), leading_zeros(b) - 1
    a_rest = _shifted_up(mul(_shifted_up(a, a_zeros - 1), _SQRT_HALF), 1)
    a_power = saturate(_shifted_up(12 - a_zeros, 25) + _QUARTER)
    b_rest = _shifted_up(a, b_zeros)
    b_power = saturate(_shifted_up(12 - b_zeros, 25) - _QUARTER)
    rest, power = np.minimum(a_rest, b_rest), np.maximum(a_power, b_power)
    mean = _half_of_sum(rest, _SQRT_SQRT_HALF)
    q = as_int32(2 * as_int32(rest - _SQRT_SQRT_HALF))
    square = mul(q, q)
    above = as_int32(mul(q, rest) + mul(mul(q, square), _ALPHA_N))
    inner = as_int32(as_int32(_ALPHA_I + q) + mul(_ALPHA_D, square))
    below = one_over_one_plus_x_for_x_in_0_1(as_int32(mul(mean, inner) + mul(_ALPHA_F, q)))
    return pot(as_int32(mul(power, _LOG_2) + mul(pot(above, -6), below)), 1)


def _shifted_up(x: Integers, power: ArrayLike) -> Integers:
    return saturate(x << np.asarray(power, np.int64))


def leading_zeros(x: Integers) -> Integers:
    """Return the leading zero bits of x >= 0 in 32 bits."""
    # frexp's exponent is the bit length, exactly so below 2**53.
    return 32 - np.frexp(x.astype(np.float64))[1].astype(np.int64)
