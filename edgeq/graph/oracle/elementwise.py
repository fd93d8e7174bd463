"""Operators that work element by element, on one tensor (tables) or two (with broadcasting).

Sources: tensorflow/lite/micro/kernels/{add_common,sub_common,mul_common,quantize_common,
dequantize}.cc and the reference kernels they call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call
from edgeq.graph.ir import DTYPES
from edgeq.graph.oracle import tables
from edgeq.graph.oracle.fixed_point import (
    Integers,
    as_int32,
    leading_zeros,
    multiply_by_quantized_multiplier,
    one_over_one_plus_x_for_x_in_0_1,
    quantize_multiplier,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from edgeq.graph.oracle.requantization import (
    Run,
    affine,
    clamp,
    fused_range,
    levels_of,
    scale_of,
    to_int8,
    zero_point_of,
)

Int8 = NDArray[np.int8]
Factors = tuple[float, float, float]
_INT16 = DTYPES["int16"]

# ADD and SUB compute with this many bits of headroom, and so many on int16.
SUM_SHIFT = 20
SUM_SHIFT_16 = 15
# SQUARED_DIFFERENCE with this many.
DIFFERENCE_SHIFT = 7


def add(call: Call) -> Run:
    """ADD: both inputs on twice the larger scale; factors in double precision."""
    return _sum(call, add_factors(call), 1)


def add_factors(call: Call) -> Factors:
    """Return the real factors of left, right and result of an ADD, in double precision."""
    left, right = (float(scale_of(call.input(i))) for i in range(2))
    common = 2 * max(left, right)
    result = common / ((1 << sum_shift(call)) * float(scale_of(call.output)))
    return left / common, right / common, result


def sum_shift(call: Call) -> int:
    """Return the bits by which an ADD or a SUB raises its inputs."""
    return SUM_SHIFT_16 if call.output.dtype == "int16" else SUM_SHIFT


def subtract(call: Call) -> Run:
    """SUB: as ADD, but the factors are computed in single precision."""
    return _sum(call, subtract_factors(call), -1)


def subtract_factors(call: Call) -> Factors:
    """Return the real factors of left, right and result of a SUB, in single precision."""
    left, right = (scale_of(call.input(i)) for i in range(2))
    common = np.float32(2) * max(left, right)
    result = common / (np.float32(1 << sum_shift(call)) * scale_of(call.output))
    return float(left / common), float(right / common), float(result)


def sum_factors(call: Call) -> Factors:
    """Return the real factors of an ADD or a SUB."""
    return add_factors(call) if call.node.op == "ADD" else subtract_factors(call)


def _sum(call: Call, factors: Factors, sign: int) -> Run:
    *sources, result = [quantize_multiplier(factor) for factor in factors]
    zeros = [zero_point_of(call.input(i)) for i in range(2)]
    out_zero, limits = zero_point_of(call.output), fused_range(call)
    up, dtype = sum_shift(call), DTYPES[call.output.dtype]

    def aligned(x: Int8, side: int) -> Integers:
        raised = (x.astype(np.int64) - zeros[side]) << up
        return multiply_by_quantized_multiplier(raised, *sources[side])

    def run(left: Int8, right: Int8) -> Int8:
        total = as_int32(aligned(left, 0) + sign * aligned(right, 1))
        return to_int8(total, *result, out_zero, limits, dtype)

    return run


def multiply(call: Call) -> Run:
    """MUL: the product of the centred inputs, requantised."""
    factor = quantize_multiplier(product_factor(call))
    zeros = [zero_point_of(t) for t in _pair(call)]
    out_zero, limits = zero_point_of(call.output), fused_range(call)

    def run(a: Int8, b: Int8) -> Int8:
        product = (a.astype(np.int64) - zeros[0]) * (b.astype(np.int64) - zeros[1])
        return to_int8(product, *factor, out_zero, limits, DTYPES[call.output.dtype])

    return run


def product_factor(call: Call) -> float:
    """Return the real factor of the product of a MUL."""
    left, right, result = (float(scale_of(t)) for t in (*_pair(call), call.output))
    return left * right / result


def squared_difference(call: Call) -> Run:
    """SQUARED_DIFFERENCE: both inputs on twice the larger scale, 7 bits up."""
    *sources, result = (quantize_multiplier(real) for real in difference_factors(call))
    zeros, out_zero = [zero_point_of(t) for t in _pair(call)], zero_point_of(call.output)

    def aligned(x: Int8, side: int) -> Integers:
        raised = (x.astype(np.int64) - zeros[side]) << DIFFERENCE_SHIFT
        return multiply_by_quantized_multiplier(raised, *sources[side])

    def run(a: Int8, b: Int8) -> Int8:
        difference = aligned(a, 0) - aligned(b, 1)
        return to_int8(as_int32(difference * difference), *result, out_zero)

    return run


def difference_factors(call: Call) -> Factors:
    """Return the real factors of left, right and result of a SQUARED_DIFFERENCE."""
    left, right = (float(scale_of(t)) for t in _pair(call))
    common = 2 * max(left, right)
    # The divisor is a product in single precision.
    divisor = float(np.float32(1 << 2 * DIFFERENCE_SHIFT) * scale_of(call.output))
    return left / common, right / common, common * common / divisor


def divide(call: Call) -> Run:
    """DIV: the quotient of the centred inputs by a reciprocal in Q0, requantised.

    Division by zero gives what the kernel's arithmetic makes of it.
    """
    multiplier, shift = quantize_multiplier(quotient_factor(call))
    zeros = [zero_point_of(t) for t in _pair(call)]
    out_zero, limits = zero_point_of(call.output), fused_range(call)

    def run(a: Int8, b: Int8) -> Int8:
        above, below = (x.astype(np.int64) - z for x, z in zip((a, b), zeros, strict=True))
        above, below = np.broadcast_arrays(np.where(below < 0, -above, above), np.abs(below))
        zeros_below = leading_zeros(below)
        inverse = one_over_one_plus_x_for_x_in_0_1(as_int32((below << zeros_below) - (1 << 31)))
        room = leading_zeros(np.where(above < 0, ~above, above)) - 1
        quotient = saturating_rounding_doubling_high_mul(as_int32(above << room), inverse)
        right = 31 - zeros_below + room - shift
        scaled = saturating_rounding_doubling_high_mul(quotient, multiplier)
        rounded = rounding_divide_by_pot(scaled, np.clip(right, 0, 31))
        # Arm's shifts by more than 31 bits leave the sign alone, and the rounding adds one.
        small = np.where(scaled < 0, -1, 1)
        return clamp(np.where(right > 31, small, rounded) + out_zero, *limits)

    return run


def quotient_factor(call: Call) -> float:
    """Return the real factor of the quotient of a DIV, computed in single precision."""
    left, right = (scale_of(t) for t in _pair(call))
    return float(left / (right * scale_of(call.output)))


def prelu(call: Call) -> Run:
    """PRELU: input 1 times the negative values, factors in double precision."""
    rest, slope = (quantize_multiplier(real) for real in prelu_factors(call))
    zeros, out_zero = [zero_point_of(t) for t in _pair(call)], zero_point_of(call.output)

    def run(x: Int8, alpha: Int8) -> Int8:
        centred = x.astype(np.int64) - zeros[0]
        product = centred * (alpha.astype(np.int64) - zeros[1])
        return np.where(
            centred >= 0, to_int8(centred, *rest, out_zero), to_int8(product, *slope, out_zero)
        )

    return run


def prelu_factors(call: Call) -> tuple[float, float]:
    """Return the real factors of the positive and the negative values of a PRELU."""
    source, slope, result = (float(scale_of(t)) for t in (*_pair(call), call.output))
    return source / result, source * slope / result


def add_many(call: Call) -> Run:
    """ADD_N: inputs quantised alike; the sum starts at minus their zero point."""
    return _accumulation(call, lambda *arrays: sum(arrays))


def accumulate(call: Call) -> Run:
    """CUMSUM along the axis in input 1; every sum starts at minus the zero point."""
    axis = call.values(1)[0] % len(call.data)
    backwards, exclusive = call.option("reverse", False), call.option("exclusive", False)

    def sums(x: Integers) -> Integers:
        ordered = np.flip(x, axis) if backwards else x
        running = np.cumsum(ordered, axis)
        if exclusive:
            running = running - ordered
        return np.flip(running, axis) if backwards else running

    run = _accumulation(call, sums)
    return lambda x, _: run(x)


def _accumulation(call: Call, total: Callable[..., Any]) -> Run:
    factor = quantize_multiplier(accumulation_factor(call))
    zero, out_zero = zero_point_of(call.input(0)), zero_point_of(call.output)

    def run(*arrays: Int8) -> Int8:
        sums = total(*(x.astype(np.int64) - zero for x in arrays)) - zero
        # Half of what is SUM_SHIFT bits up.
        return to_int8(as_int32(sums << SUM_SHIFT - 1), *factor, out_zero)

    return run


def accumulation_factor(call: Call) -> float:
    """Return the real factor of the sum of an ADD_N or a CUMSUM."""
    common = 2 * float(scale_of(call.input(0)))
    return common / ((1 << SUM_SHIFT) * float(scale_of(call.output)))


def extreme(choose: Callable[..., Int8]) -> Callable[[Call], Run]:
    """Return MAXIMUM or MINIMUM: the stored numbers are compared, whatever their scales."""
    return lambda call: lambda a, b: choose(a, b)


def relu(low: float, high: float) -> Callable[[Call], Run]:
    """Return a clamp, e.g. RELU for 0 and inf."""

    def prepare(call: Call) -> Run:
        if call.output.dtype != "int16":
            return _table(call, tables.relu_table(low, high, *_ends(call)))
        limits, ends = clamp_limits(call, low, high), _ends(call)
        return lambda x: clamp(tables.relu_values(_wide(x), limits, *ends), *limits, _INT16)

    return prepare


def clamp_limits(call: Call, low: float, high: float) -> tuple[int, int]:
    """Return the numbers of the output between which the real numbers low..high lie."""
    return tables.clamp_range(low, high, *affine(call.output), levels_of(call.output.dtype))


def leaky_relu(call: Call) -> Run:
    """LEAKY_RELU with the option `alpha`."""
    alpha, ends = leaky_alpha(call), _ends(call)
    if call.output.dtype != "int16":
        return _table(call, tables.leaky_relu_table(alpha, *ends))
    limits = levels_of("int16")
    return lambda x: clamp(tables.leaky_relu_values(_wide(x), alpha, *ends), *limits, _INT16)


def leaky_alpha(call: Call) -> float:
    """Return the factor of a LEAKY_RELU's negative values."""
    return float(call.option("alpha", 0.0))  # type: ignore[arg-type]


def _wide(x: NDArray[Any]) -> Integers:
    return x.astype(np.int64)


def unary(build: Callable[[float, int, float, int], tables.Table]) -> Callable[[Call], Run]:
    """Return an operator of one input whose table `build` makes."""
    return lambda call: _table(call, build(*_ends(call)))


def byte_table(call: Call) -> Run:
    """BYTE_TABLE: entry b of input 1 is the output for the byte b, read as unsigned."""
    table = call.input(1).data
    assert table is not None
    return lambda x, *_: table[np.ascontiguousarray(x).view(np.uint8)]


def quantize(call: Call) -> Run:
    """QUANTIZE: from float32, or from one integer quantisation to another."""
    dtype = DTYPES[call.output.dtype]
    if call.input(0).dtype == "float32":
        return _quantize_float(call, dtype)
    (in_scale, in_zero), (out_scale, out_zero) = affine(call.input(0)), affine(call.output)
    factor = quantize_multiplier(in_scale / out_scale)

    def run(x: NDArray[Any]) -> NDArray[Any]:
        scaled = multiply_by_quantized_multiplier(x.astype(np.int64) - in_zero, *factor)
        return _saturate(scaled + out_zero, dtype)

    return run


def _quantize_float(call: Call, dtype: np.dtype[Any]) -> Run:
    scale, zero_point = scale_of(call.output), zero_point_of(call.output)

    def run(x: NDArray[np.float32]) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            ratio = (x / scale).astype(np.float64)
        # Halves away from zero; in double precision, where + 0.5 is exact. What C leaves open is
        # as on Arm cores: infinities saturate, not-a-number is 0.
        nearest = np.copysign(np.floor(np.abs(np.nan_to_num(ratio, nan=0.0)) + 0.5), ratio)
        return _saturate(nearest + zero_point, dtype)

    return run


def dequantize(call: Call) -> Run:
    """DEQUANTIZE: scale * (q - zero point) in double precision, then rounded to float32."""
    scale, zero_point = affine(call.input(0))
    return lambda x: (scale * (x.astype(np.float64) - zero_point)).astype(np.float32)


def _saturate(x: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    limits = np.iinfo(dtype)
    saturated: NDArray[Any] = np.minimum(np.maximum(x, limits.min), limits.max).astype(dtype)
    return saturated


def _pair(call: Call) -> tuple[Any, Any]:
    return call.input(0), call.input(1)


def _ends(call: Call) -> tuple[float, int, float, int]:
    return *affine(call.input(0)), *affine(call.output)


def _table(call: Call, table: tables.Table) -> Run:
    return lambda x: table[x.astype(np.int64) + 128]
