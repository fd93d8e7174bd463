"""Functions of one byte that follow each other become one table of 256 bytes, read in one loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

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
from edgeq.compile.passes.tables import PAIRS, byte_function, keeps_rules
from edgeq.graph.ir import DTYPES, Graph, Node
from edgeq.graph.oracle.interpreter import prepare

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


def merge_requantizations(graph: Graph) -> Rewrite:
    """Return the graph with QUANTIZE merged into its neighbours' tables, round trips included."""
    return _merge(graph, lambda a, b: "QUANTIZE" in (a.op, b.op), "requantisation")


def merge_elementwise(graph: Graph) -> Rewrite:
    """Return the graph with chains of functions of one byte as single tables."""
    return _merge(graph, lambda a, b: True, "element-wise operator")


def tabulate_pairs(graph: Graph) -> Rewrite:
    """Return the graph with operators of two tensors as tables, where only one decides."""
    draft, made, producers = Draft(graph), 0, find_producers(graph)
    for node in graph.nodes:
        if node.op not in PAIRS:
            continue
        function = byte_function(graph, node)
        scalar = None if function is None else (function.source, function.table)
        joined = scalar or _joined_pair(graph, node, producers)
        if joined is not None:
            _tabulate(draft, node, *joined)
            made += 1
    if not made:
        return Rewrite(graph)
    return Rewrite(draft.finish(), made, f"{count_of(made, 'operator')} of two tensors as tables")


def _joined_pair(
    graph: Graph, node: Node, producers: Mapping[int, Node]
) -> tuple[int, NDArray[Any]] | None:
    """Return the source and the table of an operator of a tensor's bytes and of functions of them.

    x * logistic(x) is a function of x, though no single operator is.
    """
    operands = [graph.tensor(i) for i in node.inputs]
    result = graph.tensor(node.outputs[0])
    if any(t.dtype != "int8" or t.is_constant or t.shape != result.shape for t in operands):
        return None
    if not keeps_rules(graph, node):
        return None
    left, right = (_origins(graph, t, producers) for t in node.inputs)
    source = next((t for t in left if t in right), None)
    if source is None:
        return None
    return source, prepare(graph, node)(left[source], right[source])


def _origins(
    graph: Graph, tensor: int, producers: Mapping[int, Node]
) -> dict[int, NDArray[np.int8]]:
    """Return the tensors that a tensor is a function of, byte by byte, and the tables."""
    itself = np.arange(256, dtype=np.uint8).view(np.int8)
    found = {tensor: itself}
    producer = producers.get(tensor)
    function = None if producer is None else byte_function(graph, producer)
    if function is not None and function.dtype == "int8":
        found[function.source] = function.table
    return found


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


def _joined(graph: Graph, first: Node, second: Node) -> tuple[int, NDArray[Any]] | None:
    """Return the source and the table of two nodes one behind the other."""
    if (first.op, second.op) == _CONVERSIONS[::-1]:
        return _round_trip(graph, first, second)
    inner, outer = byte_function(graph, first), byte_function(graph, second)
    if inner is None or outer is None:
        return None
    return inner.source, outer.after(inner)


def _round_trip(graph: Graph, first: Node, second: Node) -> tuple[int, NDArray[Any]] | None:
    """DEQUANTIZE and QUANTIZE: what float32 makes of each byte."""
    x, y = graph.tensor(first.inputs[0]), graph.tensor(second.outputs[0])
    if {x.dtype, y.dtype} - {"int8", "uint8"}:
        return None
    levels = np.arange(256, dtype=np.uint8).view(DTYPES[x.dtype])
    return x.index, prepare(graph, second)(prepare(graph, first)(levels))


def _tabulate(draft: Draft, node: Node, source: int, table: NDArray[Any]) -> None:
    result = draft.tensors[node.outputs[0]]
    values = draft.add(constant(f"{result.name}/table", table, result.dtype))
    draft.nodes[node.index] = replace(
        node, op="BYTE_TABLE", version=1, inputs=(source, values), options={}
    )
