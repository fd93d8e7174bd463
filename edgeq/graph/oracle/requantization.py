"""How accumulators become int8: scales in the file's precision, multipliers, clamps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call, Unfit
from edgeq.graph.ir import DTYPES, Quantization, Tensor
from edgeq.graph.oracle.fixed_point import (
    Integers,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from edgeq.graph.oracle.tables import clamp_range

# What an operator does: arrays of its inputs in (None: absent), arrays of its outputs out.
Run = Callable[..., NDArray[Any]]

_FUSED = {
    "NONE": (-math.inf, math.inf),
    "RELU": (0.0, math.inf),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


def quantization(tensor: Tensor) -> Quantization:
    """Return the quantisation of `tensor`, which must have one."""
    if tensor.quantization is None:
        raise Unfit(f"tensor '{tensor.name}' has no quantisation")
    return tensor.quantization


def scale_of(tensor: Tensor) -> np.float32:
    """Return the scale of `tensor` as the file holds it."""
    return np.float32(quantization(tensor).scale)


def zero_point_of(tensor: Tensor) -> int:
    """Return the zero point of `tensor`."""
    return quantization(tensor).zero_point


def affine(tensor: Tensor) -> tuple[float, int]:
    """Return scale and zero point of `tensor`."""
    return float(scale_of(tensor)), zero_point_of(tensor)


def fused_range(call: Call) -> tuple[int, int]:
    """Return the clamp of the fused activation (CalculateActivationRangeQuantized).

    The compiler's passes may give one as the options activation_min and activation_max, which no
    file can hold.
    """
    if "activation_min" in call.node.options:
        return call.number("activation_min"), call.number("activation_max")
    name = str(call.option("fused_activation_function", "NONE"))
    return clamp_range(*_FUSED[name], *affine(call.output), levels_of(call.output.dtype))


def levels_of(dtype: str) -> tuple[int, int]:
    """Return the least and the largest number of an integer dtype."""
    limits = np.iinfo(DTYPES[dtype])
    return int(limits.min), int(limits.max)


def quantize_multipliers(reals: Iterable[float]) -> tuple[Integers, Integers]:
    """Return the multipliers and shifts of several real factors."""
    pairs = [quantize_multiplier(real) for real in reals]
    multipliers, shifts = np.array(pairs, np.int64).reshape(-1, 2).T
    return multipliers, shifts


def to_int8(
    accumulators: Integers,
    multiplier: int | Integers,
    shift: int | Integers,
    zero_point: int,
    limits: tuple[int, int] = (-128, 127),
    dtype: np.dtype[Any] = DTYPES["int8"],
) -> NDArray[Any]:
    """Return accumulators requantised, moved to `zero_point` and clamped to `limits`."""
    scaled = multiply_by_quantized_multiplier(accumulators, multiplier, shift)
    return clamp(scaled + zero_point, *limits, dtype)


def clamp(
    x: NDArray[Any], low: int, high: int, dtype: np.dtype[Any] = DTYPES["int8"]
) -> NDArray[Any]:
    """Return `x` between `low` and `high` as int8, or as `dtype`."""
    clamped: NDArray[Any] = np.minimum(np.maximum(x, low), high).astype(dtype)
    return clamped
