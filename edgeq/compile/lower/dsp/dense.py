"""FULLY_CONNECTED on the DSP extension: two outputs in the halves of a word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import weight_values, weighted_output
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.dense import dense_multipliers
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

_TAPS = 4  # of a word of the input
_WIDE = 1 << 31


def _fits(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether words hold the weights and sums, and rows start at words of the input."""
    if not target.dsp:
        return False
    weights = weight_values(graph, node).astype(np.int64)
    outputs, depth = weights.shape
    sums = np.abs(weights).sum(axis=1).max() * 128
    rows = graph.tensor(node.outputs[0]).elements // outputs
    pairs = _pairs(weights)
    return (
        bool(sums * 257 < _WIDE)
        and bool(np.all(np.abs(pairs + 0.5) < 1 << 15))
        and (rows == 1 or depth % _TAPS == 0)
    )


def _pairs(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 256 * a + b for outputs (a, b) and taps, filled up: [pairs, depth]."""
    outputs, depth = weights.shape
    full = np.pad(weights, ((0, outputs % 2), (0, -depth % _TAPS)))
    return full[0::2] * 256 + full[1::2]


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


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    weights = weight_values(graph, node)
    outputs, depth = weights.shape
    output = weighted_output(graph, node, weights, dense_multipliers(graph, node))
    words = constant("weights", pack_weights(weights.astype(np.int64)), np.int32)
    fields = {
        "rows": graph.tensor(node.outputs[0]).elements // outputs,
        "depth": depth,
        "outputs": outputs,
        "weights": words.ref,
        "out": output.fields,
    }
    kernel = "eq_dense_quads"
    call = Call(kernel, kernel, fields, (node.inputs[0], node.outputs[0]))
    return Layer((call,), (kernel,), (words, *output.constants), hot=True)


DENSE = (Variant("quads", _fits, _lower),)
