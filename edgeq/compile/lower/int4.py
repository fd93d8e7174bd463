"""Operators with weights of four bits, which flash holds two to a byte."""

from __future__ import annotations

import numpy as np

from edgeq.compile.layer import SCRATCH, Call, Layer, constant
from edgeq.compile.lower.groups import group_node, is_packed, row_fields
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.tensors import pack_int4


def _lower_rows(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower an operator with weights: those of one output are unpacked at a time."""
    group = group_node(graph, node)
    rows = group.rows
    shape, arrays = row_fields(graph, node, group)
    packed = constant("weights", pack_int4(np.ascontiguousarray(rows)).view(np.int8), np.int8)
    fields = {"weights": packed.ref, "rows": shape}
    call = Call("eq_int4", "eq_int4", fields, (node.inputs[0], SCRATCH, node.outputs[0]))
    return Layer(
        (call,),
        ("eq_int4", "eq_rows"),
        (packed, *arrays),
        f"{group.window.describe()}, int4",
        hot=True,
        scratch=rows.shape[1],
    )


ROWS: dict[str, tuple[Variant, ...]] = dict.fromkeys(
    ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), (Variant("int4", is_packed, _lower_rows),)
)
