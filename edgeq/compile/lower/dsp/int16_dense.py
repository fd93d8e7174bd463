"""FULLY_CONNECTED on int16 for cores with SMLAD: four outputs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import WRAP_LIMIT
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.dsp.int16_tiles import is_tiled
from edgeq.compile.lower.dsp.tiles import PIXELS
from edgeq.compile.lower.groups import group_node
from edgeq.compile.lower.int16_output import LARGEST, int16_output
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

_TAPS = 4  # of a word
_OUTPUTS = 4
_CHUNK = 508  # taps whose sums fit 32 bits whatever the weights are


def has_tiles(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the tiles of convolutions serve better: there are many rows."""
    rows = graph.tensor(node.outputs[0]).elements // graph.tensor(node.inputs[1]).shape[0]
    return rows >= PIXELS and is_tiled(graph, node, target)


def lower_quads(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED of any sums and factors."""
    group = group_node(graph, node)
    outputs, depth = group.rows.shape
    output = int16_output(graph, node, group)
    words = constant("weights", quad_words(group.rows), np.int32)
    fields = {
        "rows": group.window.input[0],
        "depth": depth,
        "chunk": _chunk(group.rows),
        "outputs": outputs,
        "weights": words.ref,
        "out": output.fields,
    }
    call = Call("eq_dsp16_dense", "eq_dsp16_dense", fields, (node.inputs[0], node.outputs[0]))
    return Layer((call,), ("eq_dsp16_dense",), (words, *output.constants), "int16", hot=True)


def _chunk(rows: NDArray[np.int8]) -> int:
    """Return how many taps can be summed before 32 bits could wrap."""
    most = int(np.abs(rows.astype(np.int64)).sum(axis=1).max()) * LARGEST
    return rows.shape[1] + -rows.shape[1] % _TAPS if most < WRAP_LIMIT else _CHUNK


def quad_words(rows: NDArray[np.int8]) -> NDArray[np.int32]:
    """Return the words of eq_dsp16_dense.h.

    Args:
        rows: the weights as [outputs, depth].
    """
    outputs, depth = rows.shape
    full = np.pad(rows, ((0, 0), (0, -depth % _TAPS))).reshape(outputs, -1, _TAPS)
    words = np.ascontiguousarray(full[:, :, [0, 2, 1, 3]]).view("<i4")[:, :, 0]
    whole = outputs - outputs % _OUTPUTS
    quads = words[:whole].reshape(-1, _OUTPUTS, words.shape[1]).transpose(0, 2, 1)
    ordered: NDArray[np.int32] = np.concatenate([quads.reshape(-1), words[whole:].reshape(-1)])
    return ordered
