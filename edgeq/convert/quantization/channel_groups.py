"""Groups of activations whose channels can be scaled together without a change of the function.

A factor above 0 for each channel passes unchanged through what is homogeneous: no activation or
RELU, sums, pools, zero padding, means over pixels, flattening. The weights that make a group's
tensors take the factors, those that read them take their inverses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgeq.convert.quantization.draft import Draft
from edgeq.convert.quantization.products import Product, products_of
from edgeq.graph.ir import Graph, Node

HOMOGENEOUS = ("NONE", "RELU")
_POINTWISE = ("ADD", "SUB", "RELU", "LEAKY_RELU", "AVERAGE_POOL_2D", "MAX_POOL_2D")


@dataclass(frozen=True, slots=True)
class ChannelGroup:
    """Activation tensors with the same channels, what makes them and what reads them.

    `channels` is the length of the last axis; a flattened tensor holds it several times.
    """

    tensors: tuple[int, ...]
    channels: int
    makers: tuple[Product, ...]
    readers: tuple[Product, ...]


@dataclass(slots=True)
class _Classes:
    """Union-find over tensors; `closed` ones must keep their values."""

    parents: dict[int, int] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)

    def root(self, index: int) -> int:
        while index in self.parents:
            index = self.parents[index]
        return index

    def join(self, a: int, b: int) -> None:
        a, b = self.root(a), self.root(b)
        if a != b:
            self.parents[a] = b


def find_groups(draft: Draft, layers: str, open_relu6: frozenset[int]) -> list[ChannelGroup]:
    """Return the groups whose makers and readers all match `layers`, in the graph's order.

    Args:
        open_relu6: nodes whose fused RELU6 never reaches 6, and counts as RELU.
    """
    graph, classes = draft.graph, _Classes()
    products = {p.node: p for p in products_of(draft, layers)}
    classes.closed.update(graph.inputs, graph.outputs)
    for node in graph.nodes:
        _add_node(graph, node, products.get(node.index), classes, open_relu6)
    closed = {classes.root(index) for index in classes.closed}
    members: dict[int, list[int]] = {}
    for node in graph.nodes:
        for index in node.outputs:
            members.setdefault(classes.root(index), []).append(index)
    found = [
        _group(graph, m, list(products.values()))
        for root, m in members.items()
        if root not in closed
    ]
    return [group for group in found if group is not None]


def _add_node(
    graph: Graph, node: Node, product: Product | None, classes: _Classes, open_relu6: frozenset[int]
) -> None:
    activation = str(node.options.get("fused_activation_function", "NONE"))
    free = activation in HOMOGENEOUS or node.index in open_relu6
    if product is not None:
        if not free:
            classes.closed.add(product.output)
        if not _reads_channels(graph, product):
            classes.closed.add(product.input)
        return
    data = [i for i in node.inputs if i >= 0 and graph.tensor(i).dtype == "float32"]
    if free and _keeps_channels(graph, node, data):
        for index in data:
            classes.join(index, node.outputs[0])
    else:
        classes.closed.update(data, node.outputs)


def _reads_channels(graph: Graph, product: Product) -> bool:
    """Whether a column of weights belongs to one channel of the input."""
    depth = graph.tensor(product.input).shape[-1]
    return product.groups in (1, depth) and product.length * product.groups % depth == 0


def _keeps_channels(graph: Graph, node: Node, data: Sequence[int]) -> bool:
    """Whether every channel of the output depends on the same channel of each input alone."""
    if any(graph.tensor(i).is_constant for i in data) or len(node.outputs) != 1:
        return False
    shapes = [graph.tensor(i).shape for i in data]
    out = graph.tensor(node.outputs[0]).shape
    if not out or any(not shape for shape in shapes):
        return False
    if node.op == "RESHAPE":
        return out[-1] % shapes[0][-1] == 0
    if any(shape[-1] != out[-1] for shape in shapes):
        return False
    if node.op in ("ADD", "SUB"):
        return all(shape == out for shape in shapes)
    if node.op in ("MEAN", "PAD"):
        second = graph.tensor(node.inputs[1]).data
        if second is None:
            return False
        rank = len(shapes[0])
        if node.op == "PAD":
            return not np.any(np.asarray(second).reshape(rank, 2)[-1])
        return not np.any(np.asarray(second).reshape(-1) % rank == rank - 1)
    return node.op in _POINTWISE


def _group(graph: Graph, members: list[int], products: Sequence[Product]) -> ChannelGroup | None:
    makers = tuple(p for p in products if p.output in members)
    readers = tuple(p for p in products if p.input in members)
    depths = {index: graph.tensor(index).shape[-1] for index in members}
    channels = min(depths.values())
    fit = all(depth % channels == 0 for depth in depths.values())
    # What makes or filters each channel by itself must see them apart, not flattened.
    single = (*(p.output for p in makers), *(p.input for p in readers if p.groups > 1))
    fit = fit and all(depths[index] == channels for index in single)
    if not makers or not readers or not fit or channels < 2:
        return None
    return ChannelGroup(tuple(members), channels, makers, readers)
