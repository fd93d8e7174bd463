"""Operators of two tensors with a table behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgeq.compile.layer import Layer
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.tabled import without_table


def lower_tabled(
    graph: Graph, node: Node, target: Target, lower: Callable[[Graph, Node, Target], Layer]
) -> Layer:
    """Lower an operator as itself, and then its table in place.

    Args:
        lower: lowers any node.
    """
    pair = lower(*without_table(graph, node), target)
    y = node.outputs[0]
    table = replace(node, op="BYTE_TABLE", inputs=(y, node.inputs[2]), options={})
    function = lower(graph, table, target)
    return replace(
        pair,
        calls=pair.calls + function.calls,
        sources=tuple(dict.fromkeys(pair.sources + function.sources)),
        constants=pair.constants + function.constants,
    )
