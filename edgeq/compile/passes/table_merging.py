"""Functions of one byte that follow each other become one table of 256 bytes, read in one loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.passes.rewriting import (
    Draft,
    Rewrite,
    constant,
    count_of,
    find_consumers,
    find_producers,
)
from edgeq.compile.passes.tables import byte_function
from edgeq.graph.ir import DTYPES, Graph, Node
from edgeq.graph.oracle.interpreter import prepare

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


def merge_requantizations(graph: Graph) -> Rewrite:
    """Return the graph with QUANTIZE merged into its neighbours' tables, round trips included."""
    return _merge(graph, lambda a, b: "QUANTIZE" in (a.op, b.op), "requantisation")


def merge_elementwise(graph: Graph) -> Rewrite:
    """Return the graph with chains of functions of one byte as single tables."""
    return _merge(graph, lambda a, b: True, "element-wise operator")


def tabulate_scalars(graph: Graph) -> Rewrite:
    """Return the graph with operators that take a constant scalar as tables."""
    draft, made = Draft(graph), 0
    for node in graph.nodes:
        function = byte_function(graph, node) if len(node.inputs) == 2 else None
        if function is not None and node.op != "BYTE_TABLE":
            _tabulate(draft, node, function.source, function.table)
            made += 1
    if not made:
        return Rewrite(graph)
    return Rewrite(draft.finish(), made, f"{count_of(made, 'constant scalar')} as tables")


def _merge(graph: Graph, wanted: Callable[[Node, Node], bool], noun: str) -> Rewrite:
    """Merge pairs of a producer with one reader and that reader, each node once a round."""
    draft, merged = Draft(graph), set[int]()
    consumers, producers = find_consumers(graph), find_producers(graph)
    for node in graph.nodes:
        first = next((producers[t] for t in node.inputs if t in producers), None)
        if first is None or {first.index, node.index} & merged or not wanted(first, node):
            continue
        middle = first.outputs[0]
        if middle in graph.outputs or len(consumers[middle]) != 1:
            continue
        joined = _joined(graph, first, node)
        if joined is not None:
            _tabulate(draft, node, *joined)
            merged |= {first.index, node.index}
    if not merged:
        return Rewrite(graph)
    count = len(merged) // 2
    return Rewrite(draft.finish(), count, f"{count_of(count, noun)} merged into another's table")


def _joined(graph: Graph, first: Node, second: Node) -> tuple[int, NDArray[np.uint8]] | None:
    """Return the source and the table of two nodes one behind the other."""
    if (first.op, second.op) == _CONVERSIONS[::-1]:
        return _round_trip(graph, first, second)
    inner, outer = byte_function(graph, first), byte_function(graph, second)
    if inner is None or outer is None:
        return None
    return inner.source, outer.after(inner)


def _round_trip(graph: Graph, first: Node, second: Node) -> tuple[int, NDArray[np.uint8]] | None:
    """DEQUANTIZE and QUANTIZE: what float32 makes of each byte."""
    x, y = graph.tensor(first.inputs[0]), graph.tensor(second.outputs[0])
    if {x.dtype, y.dtype} - {"int8", "uint8"}:
        return None
    levels = np.arange(256, dtype=np.uint8).view(DTYPES[x.dtype])
    return x.index, prepare(graph, second)(prepare(graph, first)(levels))


def _tabulate(draft: Draft, node: Node, source: int, table: NDArray[np.uint8]) -> None:
    result = draft.tensors[node.outputs[0]]
    values = draft.add(constant(f"{result.name}/table", table, result.dtype))
    draft.nodes[node.index] = replace(
        node, op="BYTE_TABLE", version=1, inputs=(source, values), options={}
    )
