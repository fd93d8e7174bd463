"""FULLY_CONNECTED on the DSP extension: two outputs in the halves of a word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import shifts_right, weight_values, weighted_output
from edgeq.compile.layer import SCRATCH, Call, Layer, constant
from edgeq.compile.lower.dense import dense_multipliers
from edgeq.compile.lower.dsp.tiles import PIXELS, order_runs, pairs_fit, tile_matrix
from edgeq.compile.lower.overlaps import over_rows
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

_TAPS = 4  # of a word of the input
_WIDE = 1 << 31
_LARGEST = (1 << 15) - 1
_SMALL = 2048  # weights below which quads save less than their code costs
_CHUNK = 512  # taps whose sums fit whatever the weights are


def is_shared(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the tiles of convolutions serve better: many rows, or too little to do."""
    weights, rows = _size(graph, node)
    small = weights < _SMALL and any(n.op == "CONV_2D" for n in graph.nodes)
    return _is_tiled(graph, node, target) and (
        rows >= PIXELS or (small and target.options.goal != "speed")
    )


def _is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    rights = shifts_right(dense_multipliers(graph, node))
    return target.dsp and rights and pairs_fit(graph, node, weight_values(graph, node))


def is_quads(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether words hold the weights, and rows start at words."""
    weights = weight_values(graph, node).astype(np.int64)
    depth, rows = weights.shape[1], _size(graph, node)[1]
    return (
        target.dsp
        and fits_pairs(weights)
        and (rows == 1 or depth % _TAPS == 0)
        and max(rows, depth + _TAPS) <= _LARGEST
    )


def fits_pairs(weights: NDArray[np.int64]) -> bool:
    """Return whether 256 * a + b fits 16 bits for all pairs of weights [outputs, depth]."""
    return bool(np.all(np.abs(_pairs(weights) + 0.5) < 1 << 15))


def _size(graph: Graph, node: Node) -> tuple[int, int]:
    """Return the number of weights, and of rows."""
    weights = graph.tensor(node.inputs[1])
    return weights.elements, graph.tensor(node.outputs[0]).elements // weights.shape[0]


def _pairs(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 256 * a + b for outputs (a, b) and taps, filled up: [pairs, depth]."""
    outputs, depth = weights.shape
    full = np.pad(weights, ((0, outputs % 2), (0, -depth % _TAPS)))
    return full[0::2] * 256 + full[1::2]


def sum_chunk(weights: NDArray[np.int64]) -> int:
    """Return how many taps are summed before 256 * a + b could leave 32 bits."""
    depth = weights.shape[1] + -weights.shape[1] % _TAPS
    most = int(np.abs(weights).sum(axis=1).max()) * 128
    return depth if most * 257 < _WIDE else _CHUNK


def pack_weights(weights: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the words of eq_dense_quads.h.

    Args:
        weights: [outputs, depth].
    """
    pairs = _pairs(weights).astype("<i2")
    taps = pairs.reshape(len(pairs), -1, _TAPS)[:, :, [0, 2, 1, 3]]
    whole = len(weights) // 4 * 2
    quads = taps[:whole].reshape(-1, 2, *taps.shape[1:]).transpose(0, 2, 1, 3)
    parts = (quads, *(taps[whole + i : whole + i + 1] for i in range(len(taps) - whole)))
    return np.concatenate([p.reshape(-1) for p in parts]).view("<i4").astype(np.int32)


def lower_quads(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED, four outputs at once."""
    weights = weight_values(graph, node)
    outputs, depth = weights.shape
    output = weighted_output(graph, node, weights, dense_multipliers(graph, node))
    words = constant("weights", pack_weights(weights.astype(np.int64)), np.int32)
    fields = {
        "rows": graph.tensor(node.outputs[0]).elements // outputs,
        "depth": depth,
        "outputs": outputs,
        "chunk": sum_chunk(weights.astype(np.int64)),
        "weights": words.ref,
        "out": output.fields,
    }
    kernel = "eq_dense_quads"
    call = Call(kernel, kernel, fields, (node.inputs[0], node.outputs[0]))
    return Layer((call,), (kernel,), (words, *output.constants), hot=True)


def _lower_tiles(graph: Graph, node: Node, target: Target) -> Layer:
    return tile_layer(graph, node, weight_values(graph, node), dense_multipliers(graph, node))


def tile_layer(
    graph: Graph, node: Node, weights: NDArray[np.int8], multipliers: Sequence[float]
) -> Layer:
    """Return the layer y[n][outputs] = x[n][depth] * weights[outputs][depth], tile by tile."""
    outputs, depth = weights.shape
    matrix = tile_matrix(graph, node, weights, multipliers, order_runs(1, 1, depth))
    rows = graph.tensor(node.outputs[0]).elements // outputs
    kernel = "eq_dsp_pointwise"
    fields = {"rows": rows, "depth": depth, "matrix": matrix.fields}
    call = Call(kernel, kernel, fields, (node.inputs[0], SCRATCH, node.outputs[0]))
    return Layer(
        (call,),
        (kernel, "eq_dsp_tile"),
        (matrix.constant,),
        hot=True,
        scratch=matrix.scratch,
        overlaps=over_rows(node.inputs[0], rows, depth, outputs, buffered=True),
    )


DENSE = (
    Variant("shared tiles", is_shared, _lower_tiles),
    Variant("quads", is_quads, lower_quads),
    Variant("tiles", _is_tiled, _lower_tiles),
)
