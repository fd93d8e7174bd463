"""What passes are made of: their result, and a draft of the graph that they change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.memory.lifetimes import RESHAPES, live_nodes
from edgeq.graph.ir import DTYPES, Graph, Node, Quantization, Tensor
from edgeq.graph.ops import OPS, macs


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a pass made: the graph, how many changes, and what they did in words."""

    graph: Graph
    changes: int = 0
    note: str = ""


class Draft:
    """A graph under change.

    Tensors and nodes keep their indices; a new one comes behind all others. `finish` leaves out
    the nodes that no output depends on any more.
    """

    def __init__(self, graph: Graph) -> None:
        self.tensors = list(graph.tensors)
        self.nodes = {node.index: node for node in graph.nodes}
        self._graph = graph

    @property
    def graph(self) -> Graph:
        """The graph as it stands, with the nodes that may be dead."""
        nodes = tuple(self.nodes.values())
        return replace(self._graph, tensors=tuple(self.tensors), nodes=nodes)

    def add(self, tensor: Tensor) -> int:
        """Add a tensor and return its index."""
        index = len(self.tensors)
        self.tensors.append(replace(tensor, index=index))
        return index

    def replace(self, node: Node, **changes: Any) -> None:
        """Give a node other inputs, outputs or options."""
        self.nodes[node.index] = replace(self.nodes[node.index], **changes)

    def append_node(self, after: Node, op: str, output: int) -> Node:
        """Add a node without inputs that computes tensor `output` right behind another."""
        node = Node(max(self.nodes) + 1, op, OPS[op].version, (), (output,))
        order = list(self.nodes.values())
        order.insert(list(self.nodes).index(after.index) + 1, node)
        self.nodes = {n.index: n for n in order}
        return node

    def finish(self) -> Graph:
        """Return the graph."""
        whole = self.graph
        settled = replace(whole, nodes=tuple(map(self._settled, whole.nodes)))
        return replace(settled, nodes=live_nodes(settled))

    def _settled(self, node: Node) -> Node:
        """Return a reshape with its shape as an option, since no node computes shapes any more."""
        if node.op not in RESHAPES:
            return node
        options = {"new_shape": self.tensors[node.outputs[0]].shape}
        return replace(node, op="RESHAPE", version=1, inputs=node.inputs[:1], options=options)


def constant(
    name: str, values: NDArray[Any], dtype: str, quantization: Quantization | None = None
) -> Tensor:
    """Return a constant tensor; it gets its index from the draft that it goes into."""
    data = frozen(values.astype(DTYPES[dtype]))
    return Tensor(-1, name, data.shape, dtype, quantization, data)


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as a contiguous array that nobody can write to."""
    data = np.ascontiguousarray(values).reshape(np.shape(values))  # a scalar stays one
    data.flags.writeable = False
    return data


def find_consumers(graph: Graph) -> dict[int, list[Node]]:
    """Return the nodes that read each tensor, each once."""
    found: dict[int, list[Node]] = {t.index: [] for t in graph.tensors}
    for node in graph.nodes:
        for tensor in dict.fromkeys(node.inputs):
            if tensor >= 0:
                found[tensor].append(node)
    return found


def find_producers(graph: Graph) -> dict[int, Node]:
    """Return the node that computes each computed tensor."""
    return {tensor: node for node in graph.nodes for tensor in node.outputs}


def total_macs(graph: Graph) -> int:
    """Return the multiply-accumulates of the nodes that the outputs depend on."""
    return sum(macs(graph, node) for node in live_nodes(graph))


def count_of(number: int, noun: str) -> str:
    """Return e.g. '2 windows'."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
