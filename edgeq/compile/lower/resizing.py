"""RESIZE_BILINEAR."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.resizing import bilinear_places


def lower_bilinear(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower RESIZE_BILINEAR: for every row and column, where the input's lie around it."""
    op = call_of(graph, node)
    batch, height, width, channels = op.data
    row = constant("row", _triples(op, 1, width * channels), np.int32)
    column = constant("column", _triples(op, 2, channels), np.int32)
    fields = {
        "batch": batch,
        "in_bytes": height * width * channels,
        "rows": op.output.shape[1],
        "columns": op.output.shape[2],
        "channels": channels,
        "row": row.ref,
        "column": column.ref,
    }
    call = Call("eq_resize", "eq_resize", fields, (node.inputs[0], node.outputs[0]))
    return Layer((call,), ("eq_resize",), (row, column))


def _triples(op: OperatorCall, axis: int, step: int) -> NDArray[np.int64]:
    first, second, part = bilinear_places(op, axis)
    return np.stack([first * step, second * step, part], axis=-1)
