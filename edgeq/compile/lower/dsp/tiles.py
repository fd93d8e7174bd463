"""Constants of the SMLAD kernels: the stream that kernels/dsp/eq_dsp_tile.h describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import WRAP_LIMIT, bias_values
from edgeq.compile.layer import Constant, constant
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

PIXELS = 4  # of a tile
_NOTHING = (1 << 30, -1)  # multiplier and shift of a sum that is always nought


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """The initialiser of `struct eq_dsp_matrix`, its array, and the scratch memory of a tile."""

    fields: Mapping[str, Any]
    constant: Constant
    scratch: int


def pairs_fit(graph: Graph, node: Node, rows: NDArray[np.int8]) -> bool:
    """Whether 16 bits hold each pair of weights (they do from -127 to 127), and 32 their sums.

    Args:
        rows: the weights as [outputs, depth].
    """
    weights = rows.astype(np.int64)
    pairs = _pairs(weights)
    zero = zero_point_of(graph.tensor(node.inputs[0]))
    bias = np.abs(bias_values(graph, node, len(rows)) - zero * weights.sum(axis=1)).max()
    both = np.abs(pairs).sum(axis=1).max() * 128 + bias
    second = np.abs(weights[1::2]).sum(axis=1).max(initial=0) * 128 * 256
    return bool(np.all(np.abs(2 * pairs + 1) < 1 << 16) and max(both, second) < WRAP_LIMIT)


def order_runs(groups: int, runs: int, length: int) -> NDArray[np.int64]:
    """Return the order in which `groups` of `runs` of `length` bytes are widened; -1: nothing.

    Fours give bytes 0, 2, 1, 3: what two SXTB16 make of a word. What is left of the runs comes
    behind all fours, in pairs: of one run or, where it is a single byte, of two runs of a group.
    """
    places = np.arange(groups * runs * length).reshape(groups, runs, length)
    whole = length - length % 4
    fours = places[:, :, :whole].reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(-1)
    rest = places[:, :, whole:]
    rows = rest.reshape(groups, runs) if length % 4 == 1 else rest.reshape(groups * runs, -1)
    pairs = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)), constant_values=-1)
    return np.concatenate([fours, pairs.reshape(-1)]).astype(np.int64)


def tile_matrix(
    graph: Graph,
    node: Node,
    rows: NDArray[np.int8],
    multipliers: Sequence[float],
    order: NDArray[np.int64],
) -> Matrix:
    """Return the constants of a node with weights, the input's zero point folded into the bias.

    Args:
        rows: the weights as [outputs, depth].
        multipliers: real multipliers below a half, one for each output or a single one.
        order: of the widened inputs; see order_runs.
    """
    outputs, steps = len(rows), len(order) // 2
    live, folded, factors = folded_weights(graph, node, rows, multipliers)
    weights = np.where(order >= 0, live[:, order], 0)
    if outputs % 2:
        folded, factors = np.append(folded, 0), [*factors, _NOTHING]
        weights = np.concatenate([weights, np.zeros_like(weights[:1])])
    words: list[NDArray[Any]] = [
        folded[0::2, None],
        _weight_words(weights),
        folded[1::2, None],
        factor_words(factors, outputs),
    ]
    stream = np.concatenate(words, axis=1)
    low, high = fused_range(call_of(graph, node))
    array = constant("stream", stream, np.int32)
    fields = {
        "stream": array.ref,
        "steps": steps,
        "outputs": outputs,
        "zero": zero_point_of(graph.tensor(node.outputs[0])),
        "min": low,
        "max": high,
        "made": outputs,
    }
    return Matrix(fields, array, PIXELS * 4 * steps)


def folded_weights(
    graph: Graph, node: Node, rows: NDArray[np.int8], multipliers: Sequence[float]
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[tuple[int, int]]]:
    """Return weights, biases that hold the input's zero point, and factors of each output.

    An output whose factor is nought gets noughts for weights and bias: its sum is nought too.
    """
    pairs = [quantize_multiplier(m) for m in multipliers]
    pairs *= len(rows) // len(pairs)
    live = np.array([m > 0 for m, _ in pairs])
    weights = rows.astype(np.int64)
    zero = zero_point_of(graph.tensor(node.inputs[0]))
    folded = bias_values(graph, node, len(rows)) - zero * weights.sum(axis=1)
    factors = [p if p[0] > 0 else _NOTHING for p in pairs]
    return weights * live[:, None], folded * live, factors


def _pairs(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a + 256 b for each pair of outputs (a, b), filled up: [pairs, depth]."""
    full = np.pad(weights, ((0, len(weights) % 2), (0, 0)))
    return full[0::2] + 256 * full[1::2]


def _weight_words(weights: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the words of [outputs, depth]: [pairs, depth / 2]."""
    pairs = np.ascontiguousarray(_pairs(weights).astype("<i2"))
    return pairs.view("<i4")


def factor_words(factors: Sequence[tuple[int, int]], outputs: int) -> NDArray[np.int64]:
    """Return [outputs / 2, 3]: the shifts and the distance of a pair, its multipliers."""
    words = []
    for i in range(0, len(factors), 2):
        (a, shift_a), (b, shift_b) = factors[i : i + 2]
        distance = int(i + 1 < outputs)
        shifts = -shift_b | -shift_a << 8 | distance << 16
        words.append((shifts, 2 * b - (1 << 32), 2 * a - (1 << 32)))
    return np.array(words, np.int64)
