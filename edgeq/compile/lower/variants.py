"""Kernels made for a processor or a shape: rows tried before an operator's plain kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeq.compile.layer import Layer
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

Lower = Callable[[Graph, Node, Target], Layer]


@dataclass(frozen=True, slots=True)
class Variant:
    """A lowering that applies to some nodes on some targets."""

    name: str
    applies: Callable[[Graph, Node, Target], bool]
    lower: Lower


def lower_node(
    graph: Graph, node: Node, target: Target, variants: tuple[Variant, ...], plain: Lower
) -> Layer:
    """Return the node as the first variant that applies lowers it, else as `plain` does."""
    for variant in variants:
        if variant.applies(graph, node, target):
            return variant.lower(graph, node, target)
    return plain(graph, node, target)
