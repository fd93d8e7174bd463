"""Several graphs as one, side by side: all operators in one firmware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgeq.graph.ir import Graph, Node, Tensor


def merge_graphs(graphs: Sequence[Graph]) -> Graph:
    """Return a graph with the inputs, nodes and outputs of all, one after the other."""
    tensors: list[Tensor] = []
    nodes: list[Node] = []
    inputs: list[int] = []
    outputs: list[int] = []
    for graph in graphs:
        base = len(tensors)
        tensors += [
            replace(t, index=base + t.index, name=f"t{base + t.index}") for t in graph.tensors
        ]
        nodes += [_moved(node, base, len(nodes)) for node in graph.nodes]
        inputs += [base + t for t in graph.inputs]
        outputs += [base + t for t in graph.outputs]
    return Graph("merged", tuple(tensors), tuple(nodes), tuple(inputs), tuple(outputs))


def _moved(node: Node, base: int, index: int) -> Node:
    def moved(tensors: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(base + t if t >= 0 else t for t in tensors)

    return replace(node, index=index, inputs=moved(node.inputs), outputs=moved(node.outputs))
