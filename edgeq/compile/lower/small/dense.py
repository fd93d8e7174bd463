"""FULLY_CONNECTED, four outputs at a time: kernels/small/eq_small_dense.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import weight_values
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.dense import dense_multipliers
from edgeq.compile.lower.small.paired import suits
from edgeq.compile.lower.small.scaling import finishing
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

OUTPUTS = 4
_SURPLUS = 128


def interleave(rows: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Return weights [outputs, depth] as [groups, depth, OUTPUTS], 128 added to each."""
    outputs, depth = rows.shape
    full = np.pad(rows.astype(np.int16), ((0, -outputs % OUTPUTS), (0, 0))) + _SURPLUS
    return full.reshape(-1, OUTPUTS, depth).transpose(0, 2, 1).astype(np.uint8)


def is_small_dense(graph: Graph, node: Node, target: Target) -> bool:
    """Tell whether the core has no SIMD."""
    return suits(target)


def lower_small_dense(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED, per-tensor or per-channel."""
    rows = weight_values(graph, node)
    finish, arrays = finishing(graph, node, rows, dense_multipliers(graph, node))
    array = constant("weights", interleave(rows), np.uint8)
    fields = {
        "rows": graph.tensor(node.outputs[0]).elements // len(rows),
        "depth": rows.shape[1],
        "outputs": len(rows),
        "weights": array.ref,
        **finish,
    }
    call = Call("eq_small_dense", "eq_small_dense", fields, (node.inputs[0], node.outputs[0]))
    return Layer((call,), ("eq_small_dense",), (array, *arrays), hot=True)
