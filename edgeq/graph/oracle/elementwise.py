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
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from edgeq.graph.oracle.requantization import (
    Run,
    affine,
    fused_range,
    scale_of,
    to_int8,
    zero_point_of,
)

Int8 = NDArray[np.int8]
Factors = tuple[float, float, float]

# ADD and SUB compute with this many bits of headroom.
SUM_SHIFT = 20


def add(call: Call) -> Run:
    """ADD: both inputs on twice the larger scale; factors in double precision."""
    return _sum(call, add_factors(call), 1)


def add_factors(call: Call) -> Factors:
    """Return the real factors of left, right and result of an ADD, in double precision."""
    left, right = (float(scale_of(call.input(i))) for i in range(2))
    common = 2 * max(left, right)
    result = common / ((1 << SUM_SHIFT) * float(scale_of(call.output)))
    return left / common, right / common, result


def subtract(call: Call) -> Run:
    """SUB: as ADD, but the factors are computed in single precision."""
    return _sum(call, subtract_factors(call), -1)


def subtract_factors(call: Call) -> Factors:
    """Return the real factors of left, right and result of a SUB, in single precision."""
    left, right = (scale_of(call.input(i)) for i in range(2))
    common = np.float32(2) * max(left, right)
    result = common / (np.float32(1 << SUM_SHIFT) * scale_of(call.output))
    return float(left / common), float(right / common), float(result)


def sum_factors(call: Call) -> Factors:
    """Return the real factors of an ADD or a SUB."""
    return add_factors(call) if call.node.op == "ADD" else subtract_factors(call)


def _sum(call: Call, factors: Factors, sign: int) -> Run:
    *sources, result = [quantize_multiplier(factor) for factor in factors]
    zeros = [zero_point_of(call.input(i)) for i in range(2)]
    out_zero, limits = zero_point_of(call.output), fused_range(call)

    def aligned(x: Int8, side: int) -> Integers:
        raised = (x.astype(np.int64) - zeros[side]) << SUM_SHIFT
        return multiply_by_quantized_multiplier(raised, *sources[side])

    def run(left: Int8, right: Int8) -> Int8:
        total = as_int32(aligned(left, 0) + sign * aligned(right, 1))
        return to_int8(total, *result, out_zero, limits)

    return run


def multiply(call: Call) -> Run:
    """MUL: the product of the centred inputs, requantised."""
    factor = quantize_multiplier(product_factor(call))
    zeros = [zero_point_of(t) for t in _pair(call)]
    out_zero, limits = zero_point_of(call.output), fused_range(call)

    def run(a: Int8, b: Int8) -> Int8:
        product = (a.astype(np.int64) - zeros[0]) * (b.astype(np.int64) - zeros[1])
        return to_int8(product, *factor, out_zero, limits)

    return run


def product_factor(call: Call) -> float:
    """Return the real factor of the product of a MUL."""
    left, right, result = (float(scale_of(t)) for t in (*_pair(call), call.output))
    return left * right / result


def extreme(choose: Callable[..., Int8]) -> Callable[[Call], Run]:
    """Return MAXIMUM or MINIMUM: the stored numbers are compared, whatever their scales."""
    return lambda call: lambda a, b: choose(a, b)


def relu(low: float, high: float) -> Callable[[Call], Run]:
    """Return a clamp, e.g. RELU for 0 and inf."""
    return lambda call: _table(call, tables.relu_table(low, high, *_ends(call)))


def leaky_relu(call: Call) -> Run:
    """LEAKY_RELU with the option `alpha`."""
    alpha = float(call.option("alpha", 0.0))  # type: ignore[arg-type]
    return _table(call, tables.leaky_relu_table(alpha, *_ends(call)))


def unary(build: Callable[[float, int, float, int], tables.Table]) -> Callable[[Call], Run]:
    """Return an operator of one input whose table `build` makes."""
    return lambda call: _table(call, build(*_ends(call)))


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
