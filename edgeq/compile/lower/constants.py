"""Operators whose output is known: SHAPE, ZEROS_LIKE, and FILL of a constant."""

from __future__ import annotations

import numpy as np

from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.target import Target
from edgeq.graph.ir import DTYPES, Graph, Node
from edgeq.graph.ops import call_of


def lower_shape(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower SHAPE: the sizes are known."""
    op = call_of(graph, node)
    values = np.array(op.data, DTYPES[op.output.dtype])
    data = constant("sizes", values.view(np.int8), np.int8)
    fields = {"count": data.data.size, "bytes": data.ref}
    call = Call("eq_store", "eq_store", fields, (node.outputs[0],))
    return Layer((call,), ("eq_copy",), (data,))


def lower_zeros(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower ZEROS_LIKE."""
    fields = {"count": graph.tensor(node.outputs[0]).bytes, "value": 0}
    return Layer((Call("eq_fill", "eq_fill", fields, (node.outputs[0],)),), ("eq_copy",))
