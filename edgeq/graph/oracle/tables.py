"""Look-up tables of the int8 operators of one input: entry q + 128 is the output for input q.

Every function takes the scale and zero point of input and output. Scales are rounded to float32,
as the file holds them. A table is an int8 array of 256 elements.

Sources: tensorflow/lite/micro/kernels/{logistic_common,tanh,activations_common,
leaky_relu_common,hard_swish_common,quantize_common}.cc and the reference kernels they call.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.oracle.fixed_point import (
    Integers,
    inverse_sqrt,
    logistic,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    round_half_away,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    tanh,
)

Table = NDArray[np.int8]

# Logistic and tanh read their input as Q4.
_INTEGER_BITS = 4
_RSQRT_SHIFT = 20
_LEVELS = np.arange(-128, 128, dtype=np.int64)


def logistic_table(in_scale: float, in_zp: int, out_scale: float, out_zp: int) -> Table:
    """Return LOGISTIC. The kernel computes in 1/256 and -128 whatever the output says.

    Raises:
        ValueError: the output's quantisation is not 1/256 and -128.
    """
    _require(out_scale, out_zp, 1 / 256, -128)
    inner, values = _q4(in_scale, in_zp)
    return _saturated(inner, in_zp, rounding_divide_by_pot(logistic(values), 23) - 128)


def tanh_table(in_scale: float, in_zp: int, out_scale: float, out_zp: int) -> Table:
    """Return TANH. The kernel computes in 1/128 and 0 whatever the output says.

    Raises:
        ValueError: the output's quantisation is not 1/128 and 0.
    """
    _require(out_scale, out_zp, 1 / 128, 0)
    inner, values = _q4(in_scale, in_zp)
    return _saturated(inner, in_zp, rounding_divide_by_pot(tanh(values), 24))


def relu_table(
    low: float, high: float, in_scale: float, in_zp: int, out_scale: float, out_zp: int
) -> Table:
    """Return the clamp to low..high (-inf or inf for none), requantised.

    RELU6 of TFLite Micro does not requantise and clamps in the input's quantisation: it gives
    these bytes only where input and output are quantised alike, and a wrong number elsewhere.
    LiteRT's does.
    """
    limits = clamp_range(low, high, out_scale, out_zp)
    clamped: Table = relu_values(_LEVELS, limits, in_scale, in_zp, out_scale, out_zp).astype(
        np.int8
    )
    return clamped


def relu_values(
    levels: Integers,
    limits: tuple[int, int],
    in_scale: float,
    in_zp: int,
    out_scale: float,
    out_zp: int,
) -> Integers:
    """Return `levels` of any dtype requantised and clamped to the numbers `limits`."""
    values = _requantized(levels, in_scale, in_zp, out_scale, out_zp)
    return np.minimum(np.maximum(values, limits[0]), limits[1])


def leaky_relu_table(
    alpha: float, in_scale: float, in_zp: int, out_scale: float, out_zp: int
) -> Table:
    """Return LEAKY_RELU: `alpha` times the negative values.

    TFLite Micro computes both factors in double precision; LiteRT's single precision may differ
    by one in the output.
    """
    return _int8(leaky_relu_values(_LEVELS, alpha, in_scale, in_zp, out_scale, out_zp))


def leaky_relu_values(
    levels: Integers, alpha: float, in_scale: float, in_zp: int, out_scale: float, out_zp: int
) -> Integers:
    """Return LEAKY_RELU of `levels` of any dtype, before it saturates."""
    centred = levels - in_zp
    rest, slope = (_rescaled(centred, real) for real in leaky_factors(alpha, in_scale, out_scale))
    return np.where(centred >= 0, rest, slope) + out_zp


def leaky_factors(alpha: float, in_scale: float, out_scale: float) -> tuple[float, float]:
    """Return the real factors of a LEAKY_RELU's positive and negative values."""
    source, result = float(np.float32(in_scale)), float(np.float32(out_scale))
    return source / result, source * float(np.float32(alpha)) / result


def hard_swish_table(in_scale: float, in_zp: int, out_scale: float, out_zp: int) -> Table:
    """Return HARD_SWISH: x * relu6(x + 3) / 6, computed in 16 bits.

    Raises:
        ValueError: the output's scale is below 1/128 of the input's; TFLite Micro refuses it.
    """
    fine = np.float32(1 / 128) * np.float32(in_scale)
    out_multiplier, out_shift = _multiplier16(float(fine / np.float32(out_scale)))
    multiplier, shift = _multiplier16(float(fine / (np.float32(3) / np.float32(32768))))
    if out_shift > 0:
        raise ValueError(f"an output scale of {out_scale} is too fine for inputs of {in_scale}")
    values = (_LEVELS - in_zp) << 7
    unshifted = _high_mul16(values, out_multiplier)
    # Where x stands between -3 and 3, as -1..1 in 16 bits. The last bit of a left shift
    # comes after the multiplication, as only there its saturation counts.
    place = _high_mul16(_saturate16(values << max(shift - 1, 0)), multiplier)
    place = _saturate16(place << 1) if shift > 0 else rounding_divide_by_pot(place, -shift)
    product = ((place + (1 << 15)) >> 1) * unshifted
    truncated = np.where(product < 0, -(-product >> 15), product >> 15)
    return _int8(rounding_divide_by_pot(truncated, -out_shift) + out_zp)


def abs_table(in_scale: float, in_zp: int, out_scale: float, out_zp: int) -> Table:
    """Return ABS; where the scales are equal it does not requantise."""
    magnitudes = np.abs(_LEVELS - in_zp)
    factor = float(np.float32(in_scale) / np.float32(out_scale))
    return _int8((magnitudes if factor == 1.0 else _rescaled(magnitudes, factor)) + out_zp)


def rsqrt_table(in_scale: float, in_zp: int, out_scale: float, out_zp: int) -> Table:
    """Return RSQRT, 20 bits up between the two steps; 127 at zero.

    Below zero TFLite Micro stops with an error; here it is 127 as well.
    """
    real = 1.0 / float(np.sqrt(np.float32(in_scale)) * np.float32(out_scale))
    multiplier, shift = quantize_multiplier(real)
    values = np.full(_LEVELS.size, 127, np.int64)
    for i, value in enumerate(_LEVELS - in_zp):
        if value > 0:
            inverse, power = inverse_sqrt(int(value))
            raised = multiply_by_quantized_multiplier(1, inverse, power + _RSQRT_SHIFT)
            result = multiply_by_quantized_multiplier(raised, multiplier, shift - _RSQRT_SHIFT)
            values[i] = result + out_zp
    return _int8(values)


def elu_table(in_scale: float, in_zp: int, out_scale: float, out_zp: int) -> Table:
    """Return ELU: exp(x) - 1 below zero, computed in single precision."""
    real = np.float32(in_scale) * (_LEVELS - in_zp).astype(np.float32)
    exps = np.exp(np.minimum(real, 0).astype(np.float64)).astype(np.float32)
    values = np.where(real < 0, exps - np.float32(1), real)
    scaled = (values * (np.float32(1) / np.float32(out_scale))).astype(np.float64)
    nearest = np.copysign(np.floor(np.abs(scaled) + 0.5), scaled)
    return _int8((nearest.astype(np.float32) + np.float32(out_zp)).astype(np.int64))


def clamp_range(
    low: float,
    high: float,
    scale: float,
    zero_point: int,
    levels: tuple[int, int] = (-128, 127),
) -> tuple[int, int]:
    """Return the `levels` between which the real numbers low..high lie (-inf, inf: none)."""

    def level(real: float, absent: int) -> int:
        if math.isinf(real):
            return absent
        # The quotient is a float32, as in roundf(real / scale).
        return zero_point + int(round_half_away(float(np.float32(real) / np.float32(scale))))

    least, most = levels
    return max(least, level(low, least)), min(most, level(high, most))


def _require(scale: float, zero_point: int, only_scale: float, only_zero_point: int) -> None:
    if (scale, zero_point) != (only_scale, only_zero_point):
        raise ValueError(
            f"an output scale of {scale} and zero point of {zero_point} instead of "
            f"1/{1 / only_scale:g} and {only_zero_point}"
        )


def _q4(scale: float, zero_point: int) -> tuple[NDArray[np.bool_], Integers]:
    """Return which levels Q4 can represent, and all levels in Q4 (0 for the others)."""
    multiplier, shift = quantize_multiplier(float(np.float32(scale)) * 2.0 ** (31 - _INTEGER_BITS))
    # CalculateInputRadius
    radius = math.floor(math.ldexp((1 << _INTEGER_BITS) - 1, 31 - _INTEGER_BITS - shift))
    centred = _LEVELS - zero_point
    inner = np.abs(centred) < radius
    return inner, multiply_by_quantized_multiplier(np.where(inner, centred, 0), multiplier, shift)


def _saturated(inner: NDArray[np.bool_], zero_point: int, values: Integers) -> Table:
    # A radius of 0 leaves no level inside, and zero itself counts as low.
    ends = np.where(zero_point >= _LEVELS, -128, 127)
    return _int8(np.where(inner, values, ends))


def _requantized(
    levels: Integers, in_scale: float, in_zp: int, out_scale: float, out_zp: int
) -> Integers:
    return _rescaled(levels - in_zp, float(np.float32(in_scale) / np.float32(out_scale))) + out_zp


def _rescaled(values: Integers, real: float) -> Integers:
    """Return values * real; a negative factor is a positive one and a change of sign."""
    multiplier, shift = quantize_multiplier(real)
    sign = -1 if multiplier < 0 else 1
    return sign * multiply_by_quantized_multiplier(values, abs(multiplier), shift)


def _multiplier16(real: float) -> tuple[int, int]:
    multiplier, shift = quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, 32767), shift


def _high_mul16(a: Integers, b: int) -> Integers:
    """Return a * b / 2**15 rounded to nearest: the 32-bit operation on the high halves."""
    return saturating_rounding_doubling_high_mul(a << 16, b)


def _saturate16(x: Integers) -> Integers:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)


def _int8(x: Integers) -> Table:
    return np.clip(x, -128, 127).astype(np.int8)
