"""Operators of one tensor, element by element: tables of 256 bytes, and floats at the edges."""

from __future__ import annotations

import numpy as np

from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.movement import lower_movement
from edgeq.compile.lower.overlaps import in_order
from edgeq.compile.target import Target
from edgeq.graph.ir import DTYPES, Graph, Node
from edgeq.graph.oracle.interpreter import prepare
from edgeq.graph.oracle.requantization import quantization

# The bytes of an integer, nought for a float.
CAST_KINDS = {"bool": 1, "int8": 1, "int16": 2, "int32": 4, "float32": 0}


def lower_table(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower any function of one byte; the oracle's own operator fills the table."""
    x = graph.tensor(node.inputs[0])
    levels = np.arange(256, dtype=np.uint8).view(DTYPES[x.dtype])
    values = np.asarray(prepare(graph, node)(levels))
    table = constant("table", values.view(np.int8), np.int8)
    fields = {"count": x.elements, "table": table.ref}
    call = Call("eq_lut", "eq_lut", fields, _ends(node))
    return Layer((call,), ("eq_lut",), (table,), overlaps=in_order(graph, node))


def lower_quantize(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower QUANTIZE, from float32 or from a byte."""
    if graph.tensor(node.inputs[0]).dtype == "float32":
        return _edge(graph, node, node.outputs[0], "eq_quantize")
    return lower_table(graph, node, target)


def lower_dequantize(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEQUANTIZE to float32."""
    kernel = {"int8": "eq_dequantize", "uint8": "eq_dequantize_u8"}
    return _edge(graph, node, node.inputs[0], kernel[graph.tensor(node.inputs[0]).dtype])


def lower_cast(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CAST: a copy where the bytes stay, else a conversion of every element."""
    source, result = (graph.tensor(i).dtype for i in _ends(node))
    if CAST_KINDS[source] == CAST_KINDS[result]:
        return lower_movement(graph, node, target)
    count = graph.tensor(node.inputs[0]).elements
    fields = {"count": count, "from": CAST_KINDS[source], "to": CAST_KINDS[result]}
    call = Call("eq_cast", "eq_cast", fields, _ends(node))
    return Layer((call,), ("eq_cast",), overlaps=in_order(graph, node))


def _edge(graph: Graph, node: Node, integer: int, kernel: str) -> Layer:
    tensor = graph.tensor(integer)
    q = quantization(tensor)
    fields = {"count": tensor.elements, "scale": q.scale, "zero": q.zero_point}
    call = Call(kernel, "eq_float", fields, _ends(node))
    return Layer((call,), ("eq_float",), overlaps=in_order(graph, node))


def _ends(node: Node) -> tuple[int, int]:
    return node.inputs[0], node.outputs[0]
