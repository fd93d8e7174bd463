"""The output stage of the Helium kernels: `struct eq_mve_output`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeq.compile.arithmetic import Output, bias_values
from edgeq.compile.layer import Constant, constant
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

BYTES = 16  # int8 of a vector
LANES = 4  # accumulators that are requantised at once

Factor = tuple[int, int]  # a multiplier, and the shift to the left of its product


def quantize_factors(multipliers: Sequence[float]) -> list[Factor]:
    """Return real factors as TFLite has them."""
    return [quantize_multiplier(m) for m in multipliers]


def vector_output(
    graph: Graph, node: Node, rows: NDArray[np.int8], factors: Sequence[Factor]
) -> Output:
    """Return the output stage of a node with weights, the input's zero point folded into the bias.

    Arrays are filled up to whole vectors.

    Args:
        rows: the weights as [outputs, depth].
        factors: one for each output or a single one.
    """
    shared = len(set(factors)) == 1
    each = list(factors[:1]) * LANES if shared else factors
    return _output(graph, node, rows, each, 0 if shared else -1)


def channel_output(
    graph: Graph, node: Node, rows: NDArray[np.int8], factors: Sequence[Factor]
) -> Output:
    """Return `vector_output` with an entry for each output even where all share one factor."""
    each = factors if len(factors) > 1 else list(factors) * len(rows)
    return _output(graph, node, rows, each, -1)


def _output(
    graph: Graph, node: Node, rows: NDArray[np.int8], factors: Sequence[Factor], mask: int
) -> Output:
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    sums = rows.astype(np.int64).sum(axis=1)
    bias = bias_values(graph, node, len(rows)) - zero_point_of(x) * sums
    low, high = fused_range(call_of(graph, node))
    arrays = (
        constant("bias", _whole(bias), np.int32),
        constant("multiplier", _whole([m for m, _ in factors]), np.int32),
        constant("shift", _whole([s if m else -1 for m, s in factors]), np.int8),
    )
    fields = {
        "bias": arrays[0].ref,
        "multiplier": arrays[1].ref,
        "shift": arrays[2].ref,
        "mask": mask,
        "zero": zero_point_of(y),
        "min": low,
        "max": high,
    }
    return Output(fields, arrays)


def split_shifts(shift: Constant, lanes: int, up: int = 0) -> Constant:
    """Return the shifts of each `lanes` outputs to the right, then to the left, less `up` bits."""
    right, left = np.minimum(shift.data, 0), np.maximum(shift.data, 0) - up
    both = np.stack((right.reshape(-1, lanes), left.reshape(-1, lanes)), axis=1)
    return constant(shift.name, both, np.int8)


def _whole(values: ArrayLike) -> NDArray[np.int64]:
    flat = np.asarray(values, np.int64)
    return np.pad(flat, (0, -len(flat) % LANES))
