"""Transpositions: those that move no byte become reshapes, pairs become one or none.

A function of one byte, or of two operands transposed alike, does not care about the order of the
elements: the transposition can come after it, and meet another there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeq.compile.passes.no_ops import reshape_node
from edgeq.compile.passes.rewriting import (
    Draft,
    Rewrite,
    constant,
    count_of,
    find_consumers,
    find_producers,
)
from edgeq.compile.passes.tables import PAIRS, byte_function
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of

Order = tuple[int, ...]


def eliminate_transposes(graph: Graph) -> Rewrite:
    """Return the graph with fewer transpositions."""
    search = _Search(graph)
    changed = sum(search.simplify(node) for node in graph.nodes)
    if not changed:
        return Rewrite(graph)
    note = f"{count_of(changed, 'transposition')} joined, moved or free"
    return Rewrite(search.draft.finish(), changed, note)


def _order(graph: Graph, node: Node | None) -> Order | None:
    """Return the permutation of a TRANSPOSE, None for any other node."""
    if node is None or node.op != "TRANSPOSE":
        return None
    return call_of(graph, node).values(1)


class _Search:
    """One look at every node; each is changed at most once a round."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.draft = Draft(graph)
        self.consumers = find_consumers(graph)
        self.producers = find_producers(graph)
        self.touched: set[int] = set()

    def simplify(self, node: Node) -> bool:
        """Apply the first rule that fits a node; return whether one did."""
        if node.index in self.touched:
            return False
        order = _order(self.graph, node)
        if order is not None:
            return self._free(node, order) or self._join(node, order)
        return self._sink(node)

    def _free(self, node: Node, order: Order) -> bool:
        """Moving dimensions of 1 alone moves no byte."""
        shape = self.graph.tensor(node.inputs[0]).shape
        real = [axis for axis in order if shape[axis] != 1]
        if real != sorted(real):
            return False
        self.draft.nodes[node.index] = reshape_node(node, node.inputs[0])
        return True

    def _join(self, node: Node, order: Order) -> bool:
        """Two transpositions are one: axis i of the result is axis first[order[i]]."""
        first = self.producers.get(node.inputs[0])
        inner = _order(self.graph, first)
        if first is None or inner is None or first.index in self.touched:
            return False
        self._transpose(node, first.inputs[0], [inner[axis] for axis in order])
        return True

    def _transpose(self, node: Node, source: int, order: Sequence[int]) -> None:
        """Make `node` a transposition of `source`."""
        name = f"{self.graph.tensor(node.outputs[0]).name}/perm"
        values = self.draft.add(constant(name, np.array(order), "int32"))
        self.draft.replace(node, inputs=(source, values))
        self.touched.add(node.index)

    def _sink(self, node: Node) -> bool:
        """Let a node compute on what its transposed inputs were, and transpose its result."""
        found = self._transposed_inputs(node)
        if found is None:
            return False
        order, origins = found
        result = self.graph.tensor(node.outputs[0])
        shape = self.graph.tensor(next(iter(origins.values()))).shape
        middle = self.draft.add(replace(result, name=f"{result.name}/untransposed", shape=shape))
        inputs = tuple(origins.get(t, t) for t in node.inputs)
        self.draft.replace(node, inputs=inputs, outputs=(middle,))
        self.touched.add(node.index)
        self._transpose(self.draft.append_node(node, "TRANSPOSE", result.index), middle, order)
        return True

    def _transposed_inputs(self, node: Node) -> tuple[Order, dict[int, int]] | None:
        """Return the order of a node's transposed inputs and where each comes from.

        None where it has others, or nothing is won: a single transposition must meet another.
        """
        function = byte_function(self.graph, node)
        computed = {t for t in node.inputs if t >= 0 and not self.graph.tensor(t).is_constant}
        if function is None and not (node.op in PAIRS and self._is_plain_pair(node)):
            return None
        origins = {t: self._origin(t) for t in computed}
        orders = {origin[0] for origin in origins.values() if origin is not None}
        if None in origins.values() or len(orders) != 1:
            return None
        if len(origins) == 1 and not self._meets_transpose(node.outputs[0]):
            return None
        return orders.pop(), {t: origin[1] for t, origin in origins.items() if origin is not None}

    def _is_plain_pair(self, node: Node) -> bool:
        """Whether both operands are computed and none is repeated."""
        tensors = [self.graph.tensor(t) for t in (*node.inputs, node.outputs[0])]
        return not any(t.is_constant or t.shape != tensors[-1].shape for t in tensors)

    def _origin(self, tensor: int) -> tuple[Order, int] | None:
        """Return the order of the transposition that a tensor comes from, and its input."""
        first = self.producers.get(tensor)
        order = _order(self.graph, first)
        if first is None or order is None or first.index in self.touched:
            return None
        alone = len(self.consumers[tensor]) == 1 and tensor not in self.graph.outputs
        source = self.graph.tensor(first.inputs[0])
        same = source.quantization == self.graph.tensor(tensor).quantization
        return (order, source.index) if alone and same else None

    def _meets_transpose(self, tensor: int) -> bool:
        """Whether nothing but functions of one byte lies between a tensor and a transposition."""
        readers = self.consumers[tensor]
        if len(readers) != 1 or tensor in self.graph.outputs:
            return False
        if readers[0].op == "TRANSPOSE":
            return True
        follows = byte_function(self.graph, readers[0]) is not None
        return follows and self._meets_transpose(readers[0].outputs[0])
