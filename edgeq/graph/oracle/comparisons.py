"""Comparisons, what is done with their results, and conversions of dtype.

Sources: tensorflow/lite/micro/kernels/{comparisons,logical_common,select,cast}.cc and
kernels/internal/reference/comparisons.h.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call, Unfit
from edgeq.graph.ir import DTYPES
from edgeq.graph.oracle.fixed_point import (
    Integers,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from edgeq.graph.oracle.requantization import Run, affine

Array = NDArray[Any]
Bools = NDArray[np.bool_]

# An int8 is compared with this many bits of headroom, as a multiple of its scale.
COMPARISON_SHIFT = 8


def comparison(compare: Callable[[Array, Array], Bools]) -> Callable[[Call], Run]:
    """Return a comparison: int8 on the scale of one, other dtypes as they are."""

    def prepare(call: Call) -> Run:
        if call.input(0).dtype != "int8":
            return lambda a, b: compare(a, b)
        factors = [comparison_factor(call, side) for side in range(2)]
        zeros = [affine(call.input(side))[1] for side in range(2)]

        def aligned(x: Array, side: int) -> Integers:
            raised = (x.astype(np.int64) - zeros[side]) << COMPARISON_SHIFT
            return multiply_by_quantized_multiplier(raised, *factors[side])

        return lambda a, b: compare(aligned(a, 0), aligned(b, 1))

    return prepare


def comparison_factor(call: Call, side: int) -> tuple[int, int]:
    """Return multiplier and shift of an input of a comparison.

    Raises:
        Unfit: the scale is not below 1; TFLite Micro stops there.
    """
    scale, _ = affine(call.input(side))
    if scale >= 1:
        raise Unfit(f"{call.role(side)} has a scale of {scale:g}, which is not below 1")
    return quantize_multiplier(scale)


def logical(combine: Callable[..., Bools]) -> Callable[[Call], Run]:
    """Return LOGICAL_AND, LOGICAL_OR or LOGICAL_NOT."""
    return lambda call: lambda *arrays: combine(*arrays)


def select(call: Call) -> Run:
    """SELECT and SELECT_V2: the stored numbers of input 1 where input 0 holds, else of input 2."""

    def run(condition: Bools, a: Array, b: Array) -> Array:
        return np.asarray(np.where(condition, a, b))

    return run


def cast(call: Call) -> Run:
    """CAST: the stored numbers in another dtype, floats truncated.

    What C leaves open is as on Arm cores: floats saturate at 32 bits, then wrap; not-a-number
    is 0.
    """
    dtype = DTYPES[call.output.dtype]

    def run(x: Array) -> Array:
        if x.dtype.kind == "f" and dtype.kind != "f":
            limits = np.iinfo(np.uint32 if dtype == np.uint32 else np.int32)
            whole = np.trunc(np.nan_to_num(x.astype(np.float64), nan=0.0))
            x = np.clip(whole, limits.min, limits.max).astype(np.int64)
        return x.astype(dtype)

    return run
