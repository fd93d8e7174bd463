"""How sums of int16 become int16: `struct eq_int16_output` and its arrays."""

from __future__ import annotations

import numpy as np

from edgeq.compile.arithmetic import (
    WRAP_LIMIT,
    Output,
    accumulator_bounds,
    bias_values,
    pack_shift,
)
from edgeq.compile.layer import constant
from edgeq.compile.lower.groups import Grouped
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier, reduce_multiplier
from edgeq.graph.oracle.requantization import fused_range
from edgeq.graph.oracle.weighted import has_wide_sums

LARGEST = 1 << 15  # magnitude of an input


def int16_output(graph: Graph, node: Node, group: Grouped) -> Output:
    """Return the output stage of a node with weights."""
    rows, multipliers = group.rows, group.multipliers
    wide = has_wide_sums(call_of(graph, node))
    bias = constant("bias", bias_values(graph, node, len(rows)), np.int64)
    bounds = accumulator_bounds(rows, bias.data, 0, largest=LARGEST)
    if len(set(multipliers)) == 1:
        multipliers, bounds = multipliers[:1], bounds.max(keepdims=True)
    pairs = [quantize_multiplier(m) for m in multipliers]
    if wide:
        packed = [(reduce_multiplier(m), 15 - s) for m, s in pairs]
    else:
        packed = [(p[0], pack_shift(*p, int(b))) for p, b in zip(pairs, bounds, strict=True)]
    factors = constant("multiplier", [m for m, _ in packed], np.int32)
    shifts = constant("shift", [s for _, s in packed], np.int8)
    low, high = fused_range(call_of(graph, node))
    fields = {
        "bias": bias.ref,
        "multiplier": factors.ref,
        "shift": shifts.ref,
        "mask": -1 if len(packed) > 1 else 0,
        "wide": int(wide),
        "min": low,
        "max": high,
    }
    return Output(fields, (bias, factors, shifts))


def sums_fit(graph: Graph, node: Node, group: Grouped) -> bool:
    """Return whether no input whatever takes a sum, bias included, out of 32 bits."""
    weights, bias = group.rows.astype(np.int64), bias_values(graph, node, len(group.rows))
    up, down = np.maximum(weights, 0).sum(axis=1), np.maximum(-weights, 0).sum(axis=1)
    most = bias + (LARGEST - 1) * up + LARGEST * down
    least = bias - LARGEST * up - (LARGEST - 1) * down
    return bool(most.max() < WRAP_LIMIT and least.min() >= -WRAP_LIMIT)
