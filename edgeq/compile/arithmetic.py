"""Integer parameters of the kernels: folded biases, packed multipliers, activation ranges.

Formulas as TFLite Micro computes them (micro/kernels/kernel_util.cc, *_common.cc); the packed
shift is the encoding of kernels/plain/eq_base.h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.layer import Constant, constant
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, quantization, scale_of, zero_point_of

FAST_LIMIT = 1 << 30  # |accumulator| below which eq_requantize takes its short path
WRAP_LIMIT = 1 << 31  # |accumulator| from which 32 bits wrap
WIDE_LIMIT = 1 << 47  # and from which a product with 16 bits leaves 64


def pack_shift(multiplier: int, shift: int, bound: int) -> int:
    """Return the packed shift of eq_requantize for accumulators of magnitude at most `bound`.

    `shift` is TFLite's: positive to the left.
    """
    if multiplier == 0:
        return 0
    return -shift - 1 if shift < 0 and bound < FAST_LIMIT else shift - 32


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """How a layer's accumulators become int8: `struct eq_output` and its arrays."""

    fields: Mapping[str, Any]
    constants: tuple[Constant, ...]


def accumulator_bounds(
    weights: NDArray[np.int8], bias: NDArray[np.int64], zero_point: int, largest: int = 128
) -> NDArray[np.int64]:
    """Return the largest magnitude that each accumulator, or a part of it, can reach.

    Args:
        weights: [outputs, depth].
        bias: [outputs].
        zero_point: of the input.
        largest: magnitude of the input.
    """
    magnitudes = np.abs(weights.astype(np.int64)).sum(axis=1)
    bounds: NDArray[np.int64] = np.abs(bias) + magnitudes * (abs(zero_point) + largest)
    return bounds


def accumulator_reach(
    weights: NDArray[np.int64], bias: NDArray[np.int64], zero_point: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the least and the greatest accumulator of each output, whatever the input.

    Args:
        weights: [outputs, depth].
        bias: [outputs].
        zero_point: of the input.
    """
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    least, most = -128 - zero_point, 127 - zero_point
    return bias + positive * least + negative * most, bias + positive * most + negative * least


def weighted_output(
    graph: Graph,
    node: Node,
    rows: NDArray[np.int8],
    multipliers: Sequence[float],
    *,
    folded: bool = True,
) -> Output:
    """Return the output stage of a node with weights, the input's zero point folded into the bias.

    Args:
        rows: the weights as [outputs, depth].
        multipliers: real multipliers, one for each output or a single one.
        folded: False leaves the bias as it is, for kernels that centre the input themselves.
    """
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    zero = zero_point_of(x)
    bias = bias_values(graph, node, len(rows))
    bounds = accumulator_bounds(rows, bias, zero)
    offsets = bias - zero * rows.astype(np.int64).sum(axis=1) if folded else bias
    if len(set(multipliers)) == 1:
        multipliers, bounds = multipliers[:1], bounds.max(keepdims=True)
    pairs = [quantize_multiplier(m) for m in multipliers]
    shifts = [pack_shift(m, s, int(b)) for (m, s), b in zip(pairs, bounds, strict=True)]
    low, high = fused_range(call_of(graph, node))
    arrays = (
        constant("bias", offsets, np.int32),
        constant("multiplier", [m for m, _ in pairs], np.int32),
        constant("shift", shifts, np.int8),
    )
    fields = {
        "bias": arrays[0].ref,
        "multiplier": arrays[1].ref,
        "shift": arrays[2].ref,
        "mask": -1 if len(pairs) > 1 else 0,
        "zero": zero_point_of(y),
        "min": low,
        "max": high,
    }
    return Output(fields, arrays)


def bias_values(graph: Graph, node: Node, outputs: int) -> NDArray[np.int64]:
    """Return the bias of a node with weights, noughts where it has none. Shape [outputs]."""
    index = node.inputs[2] if len(node.inputs) > 2 else -1
    data = graph.tensor(index).data if index >= 0 else None
    return np.zeros(outputs, np.int64) if data is None else data.reshape(-1).astype(np.int64)


def weight_values(graph: Graph, node: Node) -> NDArray[np.int8]:
    """Return the constant weights of a node that the support rules have checked."""
    data = graph.tensor(node.inputs[1]).data
    assert data is not None
    return data.astype(np.int8)


def channel_multipliers(graph: Graph, node: Node) -> list[float]:
    """Return input scale * weight scale / output scale in double precision, one for each scale."""
    x, w, y = (graph.tensor(i) for i in (*node.inputs[:2], node.outputs[0]))
    scales = (float(np.float32(s)) for s in quantization(w).scales)
    return [float(scale_of(x)) * s / float(scale_of(y)) for s in scales]


def shifts_right(multipliers: Sequence[float]) -> bool:
    """Return whether every factor is nought or below a half: its shift is to the right."""
    return all(m == 0 or shift < 0 for m, shift in map(quantize_multiplier, multipliers))
