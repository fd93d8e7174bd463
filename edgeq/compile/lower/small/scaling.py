"""Requantisation by two short multiplications (kernels/eq_scale.h), proved exact for each output.

Where an activation cuts off all that is negative, an output is a step function of its accumulator
whose steps lie at thresholds that follow from the multiplier. A function with a shorter multiplier
replaces it where its steps lie at the very same integers, up to the largest accumulator that the
weights permit: two monotone functions with the same steps are the same function.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import (
    WRAP_LIMIT,
    accumulator_bounds,
    bias_values,
    weighted_output,
)
from edgeq.compile.layer import Constant, constant
from edgeq.compile.lower.thresholds import thresholds
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

FRACTION = 24  # bits below the output in the sum
HALF = 1 << (FRACTION - 1)
_WORD = 32
_TRIES = 8  # multipliers tried on either side of the nearest
_COARSEST = 8  # bits that an offset may drop


@dataclass(frozen=True, slots=True)
class Step:
    """One output: (a * multiplier >> low_bits) + offset >> FRACTION, a = acc within 0 .. limit.

    The limit may be anything between the last threshold, `top`, and `limit`; the offset that puts
    every step at its threshold anything between `first` and `last`.
    """

    multiplier: int
    top: int
    limit: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """`struct eq_scaling` and its arrays."""

    fields: Mapping[str, Any]
    constants: tuple[Constant, ...]


def exact_scaling(
    graph: Graph, node: Node, rows: NDArray[np.int8], multipliers: Sequence[float]
) -> Scaling | None:
    """Return the scaling of a node with weights, None where none is exact.

    Args:
        rows: the weights as [outputs, depth].
        multipliers: real multipliers, one for each output or a single one.
    """
    zero, y = zero_point_of(graph.tensor(node.inputs[0])), graph.tensor(node.outputs[0])
    bias = bias_values(graph, node, len(rows))
    bounds = accumulator_bounds(rows, bias, zero)
    low, high = fused_range(call_of(graph, node))
    if not low == zero_point_of(y) < high or int(bounds.max()) >= WRAP_LIMIT:
        return None
    pairs = [quantize_multiplier(m) for m in multipliers]
    if any(m < 0 or shift >= 0 for m, shift in pairs):
        return None
    if len(set(pairs)) == 1:
        pairs, bounds = pairs[:1], bounds.max(keepdims=True)
    found = find_steps(pairs, [int(b) for b in bounds], high - low)
    folded = bias - zero * rows.astype(np.int64).sum(axis=1)
    return _pack(*found, folded, low) if found else None


def finishing(
    graph: Graph, node: Node, rows: NDArray[np.int8], multipliers: Sequence[float]
) -> tuple[Mapping[str, Any], tuple[Constant, ...]]:
    """Return the fields `scaling` and `out` of a kernel, one of which is empty, and their arrays.

    Args:
        rows: the weights as [outputs, depth].
        multipliers: real multipliers, one for each output or a single one.
    """
    scaling = exact_scaling(graph, node, rows, multipliers)
    if scaling:
        return {"scaling": scaling.fields}, scaling.constants
    output = weighted_output(graph, node, rows, multipliers)
    return {"out": output.fields}, output.constants


def find_steps(
    pairs: Sequence[tuple[int, int]], bounds: Sequence[int], levels: int
) -> tuple[int, list[Step]] | None:
    """Return how many low bits of the multipliers are apart, and each output's step function.

    Args:
        pairs: TFLite's multiplier and shift of each output.
        bounds: the magnitude that each accumulator cannot exceed.
        levels: outputs above the zero point.
    """
    multiplier, shift = np.array(pairs, np.int64).T
    tops = np.where(multiplier > 0, thresholds(multiplier, shift, levels)[:, -1], 0)
    widest = int(np.minimum(tops, bounds).max()) * 257 // 256 + 1
    steepest = max(m / 2.0 ** (31 - s) for m, s in pairs)
    low_bits = _WORD - widest.bit_length()
    while low_bits > 0 and steepest * 2.0 ** (low_bits + FRACTION) >= 1 << _WORD:
        low_bits -= 1
    found = []
    for (m, s), bound in zip(pairs, bounds, strict=True):
        step = _find_step(m, s, bound, levels, low_bits)
        if step is None:
            return None
        found.append(step)
    return low_bits, found


@functools.lru_cache(maxsize=1 << 14)  # stripes ask again for what their layer has
def _find_step(m: int, shift: int, bound: int, levels: int, low_bits: int) -> Step | None:
    if m == 0:
        return Step(0, 0, 0, HALF, HALF)
    reached = thresholds(np.array([m]), np.array([shift]), levels)[0].tolist()
    steps = [t for t in reached if t <= bound]
    power = low_bits + FRACTION - (31 - shift)
    nearest = m << power if power >= 0 else (m + (1 << -power >> 1)) >> -power
    for change in sorted(range(-_TRIES, _TRIES + 1), key=abs) if power < 0 else (0,):
        step = _fit(nearest + change, steps, bound, levels, low_bits)
        if step:
            return step
    return None


def _fit(k: int, steps: list[int], bound: int, levels: int, low_bits: int) -> Step | None:
    """Return the offsets with which the multiplier `k` has these steps, None where it has none."""
    if not 0 <= k < 1 << _WORD:
        return None
    ends = [(j << FRACTION) - 1 for j in range(1, levels + 2)]
    first = max((e + 1 - (t * k >> low_bits) for e, t in zip(ends, steps, strict=False)), default=0)
    last = min(
        (e - ((t - 1) * k >> low_bits) for e, t in zip(ends, steps, strict=False)),
        default=ends[0],
    )
    # With fewer steps than levels, the accumulator's bound has to stay below the next one.
    if len(steps) < levels:
        last = min(last, ends[len(steps)] - (bound * k >> low_bits))
    first, last = max(first, 0), min(last, (1 << FRACTION) - 1)
    if first > last:
        return None
    over = ((len(steps) + 1) << FRACTION) - last
    limit = ((over << low_bits) - 1) // k if k else bound
    top = steps[-1] if steps else 0
    return Step(k, top, min(limit, (1 << _WORD - low_bits) - 1), first, last)


def _pack(low_bits: int, steps: list[Step], bias: NDArray[np.int64], low: int) -> Scaling | None:
    limit_bits = max(0, max(s.limit for s in steps).bit_length() - 16)
    for offset_bits in range(_COARSEST + 1):
        offsets = [_short_offset(s, offset_bits) for s in steps]
        if None not in offsets:
            break
    else:
        return None
    if any(s.limit >> limit_bits << limit_bits < s.top for s in steps):
        return None
    words = np.array(
        [
            (s.multiplier, s.limit >> limit_bits | ((o or 0) & 0xFFFF) << 16)
            for s, o in zip(steps, offsets, strict=True)
        ]
    )
    arrays = (
        constant("bias", bias, np.int32),
        constant("scales", words.astype(np.uint32).view(np.int32), np.int32),
    )
    fields = {
        "bias": arrays[0].ref,
        "scales": arrays[1].ref,
        "mask": -1 if len(steps) > 1 else 0,
        "low_bits": low_bits,
        "limit_bits": limit_bits,
        "offset_bits": offset_bits,
        "min": low,
    }
    return Scaling(fields, arrays)


def _short_offset(step: Step, bits: int) -> int | None:
    """Return an offset from a half in units of 2**bits and 16 bits, None where none fits."""
    middle = ((step.first + step.last) // 2 - HALF) >> bits
    nearest = min(max(middle, -(1 << 15)), (1 << 15) - 1)
    offset = HALF + (nearest << bits)
    return nearest if step.first <= offset <= step.last else None
