"""A function of one byte behind a sum or a product: both go into one operator, and one loop."""

from __future__ import annotations

from collections.abc import Mapping
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
from edgeq.compile.passes.tables import ByteFunction, byte_function, keeps_rules
from edgeq.graph.ir import Graph, Node, Quantization
from edgeq.graph.tabled import TABLED, without_table

_TABLE_OF: Mapping[str, str] = {op: tabled for tabled, op in TABLED.items()}


def join_tables(graph: Graph) -> Rewrite:
    """Return the graph with functions of one byte joined to the sums and products they read."""
    draft, joined = Draft(graph), set[int]()
    consumers, producers = find_consumers(graph), find_producers(graph)
    for node in graph.nodes:
        function = _int8_function(graph, node)
        producer = None if function is None else producers.get(function.source)
        if function is None or producer is None or producer.index in joined:
            continue
        alone = len(consumers[function.source]) == 1 and function.source not in graph.outputs
        if not alone or not _is_pair(graph, producer):
            continue
        _join(draft, graph, producer, node, function)
        joined.add(node.index)
    if not joined:
        return Rewrite(graph)
    count = count_of(len(joined), "function")
    return Rewrite(draft.finish(), len(joined), f"{count} joined to sums and products")


def _int8_function(graph: Graph, node: Node) -> ByteFunction | None:
    """Return a node as a function from int8 to int8."""
    function = byte_function(graph, node)
    is_int8 = graph.tensor(node.outputs[0]).dtype == "int8"
    return function if function is not None and is_int8 and function.dtype == "int8" else None


def _is_pair(graph: Graph, node: Node) -> bool:
    """Whether a node is a sum or a product of two computed int8 tensors, with a table or not."""
    if node.op in TABLED:
        return True
    is_int8 = all(graph.tensor(i).dtype == "int8" for i in (*node.inputs, *node.outputs))
    return node.op in _TABLE_OF and is_int8 and keeps_rules(graph, node)


def _join(draft: Draft, graph: Graph, pair: Node, node: Node, function: ByteFunction) -> None:
    op, middle, table = pair.op, graph.tensor(pair.outputs[0]), function.table
    quantization: Quantization | None = middle.quantization
    if op in TABLED:
        inner, first = without_table(graph, pair)
        quantization = inner.tensor(first.outputs[0]).quantization
        table, op = _after(function, graph.tensor(pair.inputs[2]).data), first.op
    values = draft.add(constant(f"{middle.name}/table", table, "int8", quantization))
    draft.nodes[node.index] = replace(
        node,
        op=_TABLE_OF[op],
        version=1,
        inputs=(*pair.inputs[:2], values),
        options=pair.options,
    )


def _after(function: ByteFunction, first: NDArray[Any] | None) -> NDArray[Any]:
    assert first is not None
    return function.table[first.view(np.uint8)]
