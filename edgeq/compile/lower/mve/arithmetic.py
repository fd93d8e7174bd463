"""The output stage of the Helium kernels: `struct eq_mve_output`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import Output, bias_values
from edgeq.compile.layer import constant
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

LANES = 4  # accumulators that are requantised at once


def shifts_right(multipliers: Sequence[float]) -> bool:
    """Whether every factor is below a half: the vectors' requantisation shifts right alone."""
    return all(m == 0 or s < 0 for m, s in map(quantize_multiplier, multipliers))


def vector_output(
    graph: Graph, node: Node, rows: NDArray[np.int8], multipliers: Sequence[float]
) -> Output:
    """Return the output stage of a node with weights, the input's zero point folded into the bias.

    Args:
        rows: the weights as [outputs, depth].
        multipliers: real multipliers below a half, one for each output or a single one.
    """
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    sums = rows.astype(np.int64).sum(axis=1)
    bias = bias_values(graph, node, len(rows)) - zero_point_of(x) * sums
    shared = len(set(multipliers)) == 1
    pairs = [quantize_multiplier(m) for m in (multipliers[:1] * LANES if shared else multipliers)]
    low, high = fused_range(call_of(graph, node))
    arrays = (
        constant("bias", bias, np.int32),
        constant("multiplier", [m for m, _ in pairs], np.int32),
        constant("shift", [s if m else -1 for m, s in pairs], np.int8),
    )
    fields = {
        "bias": arrays[0].ref,
        "multiplier": arrays[1].ref,
        "shift": arrays[2].ref,
        "mask": 0 if shared else -1,
        "zero": zero_point_of(y),
        "min": low,
        "max": high,
    }
    return Output(fields, arrays)
