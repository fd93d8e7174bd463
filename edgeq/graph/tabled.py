"""Operators of two tensors with a table behind them, which the compiler's passes make.

ADD_TABLE is ADD, and then a function of one byte. Input 2 has its output for every byte, read as
unsigned, and the quantisation of what ADD gives; the output's own is that behind the function.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgeq.graph.ir import Graph, Node, OptionValue

# The operator -> the one that it is without its table.
TABLED: Mapping[str, str] = {f"{op}_TABLE": op for op in ("ADD", "SUB", "MUL")}


def without_table(
    graph: Graph, node: Node, options: Mapping[str, OptionValue] | None = None
) -> tuple[Graph, Node]:
    """Return a node of `TABLED` as the operator in front of the table, in a graph of its own.

    Args:
        options: instead of the node's own.
    """
    table, y = graph.tensor(node.inputs[2]), graph.tensor(node.outputs[0])
    tensors = list(graph.tensors)
    tensors[y.index] = replace(y, quantization=table.quantization)
    plain = replace(node, op=TABLED[node.op], inputs=node.inputs[:2])
    plain = plain if options is None else replace(plain, options=options)
    return replace(graph, tensors=tuple(tensors)), plain
