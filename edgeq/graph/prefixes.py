"""The first operators of a model as models of their own, cut without rewriting the file.

A .tflite holds its operators as a vector, whose length is one word, and names its outputs through
another: with the length made smaller and the outputs replaced by what the first operators leave
unread, the same bytes are the shorter model.
"""

from __future__ import annotations

from typing import NamedTuple

from edgeq.graph.ir import Graph

# Fields of the schema's table SubGraph, as places in its vtable.
_OUTPUTS, _OPERATORS = 8, 10


class Prefixes(NamedTuple):
    """Where the two words stand in the file, and for 1, 2, .. operators which tensors come out.

    `length_at` is the byte of the operators' count, `outputs_at` that of the outputs' offset.
    """

    length_at: int
    outputs_at: int
    outputs: tuple[tuple[int, ...], ...]


def find_prefixes(data: bytes, graph: Graph) -> Prefixes:
    """Return how to cut the file `data`, which was read as `graph`."""
    from ai_edge_litert import schema_py_generated as schema

    subgraph = schema.Model.GetRootAs(data, 0).Subgraphs(0)
    table = subgraph._tab
    return Prefixes(
        length_at=int(table.Vector(table.Offset(_OPERATORS))) - 4,
        outputs_at=int(table.Pos + table.Offset(_OUTPUTS)),
        outputs=tuple(_unread(graph, count) for count in range(1, len(graph.nodes) + 1)),
    )


def _unread(graph: Graph, count: int) -> tuple[int, ...]:
    """Return what the first `count` operators give and none of them reads, and model outputs."""
    nodes = graph.nodes[:count]
    read = {index for node in nodes for index in node.inputs}
    given = [index for node in nodes for index in node.outputs]
    if count == len(graph.nodes):
        return graph.outputs
    return tuple(index for index in given if index not in read or index in graph.outputs)
