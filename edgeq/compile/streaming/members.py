"""Which operators can run stripe by stripe, and how their rows depend on each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.pooling import pool_window
from edgeq.compile.streaming.stripes import Rows, Walk
from edgeq.graph.ir import Graph, Node, OptionValue
from edgeq.graph.tabled import TABLED

_WINDOWS: dict[str, Callable[[Graph, Node], Window]] = {
    "CONV_2D": node_window,
    "DEPTHWISE_CONV_2D": node_window,
    "AVERAGE_POOL_2D": pool_window,
    "MAX_POOL_2D": pool_window,
}
# Operators whose output rows are made from the same rows of each input.
_ROWWISE = frozenset(
    {"ADD", "SUB", "MUL", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU",
     "HARD_SWISH", "LOGISTIC", "TANH", "QUANTIZE", *TABLED}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """A node of a group: `source` is the input that the member before it makes."""

    node: Node
    source: int
    walk: Walk
    window: Window | None = None

    @property
    def output(self) -> int:
        """The tensor that it makes."""
        return self.node.outputs[0]


def member(graph: Graph, node: Node, source: int) -> Member | None:
    """Return the node as a member of a group, None if it cannot run stripe by stripe."""
    moving = [graph.tensor(t) for t in (*node.inputs, *node.outputs) if t >= 0]
    moving = [t for t in moving if not t.is_constant]
    if any(len(t.shape) != 4 or t.shape[0] != 1 for t in moving):
        return None
    if {t.dtype for t in moving} not in ({"int8"}, {"int16"}):
        return None
    x, y = graph.tensor(source).shape, graph.tensor(node.outputs[0]).shape
    if node.op in _WINDOWS and source == node.inputs[0]:
        window = _WINDOWS[node.op](graph, node)
        walk = Walk(x[1], y[1], window.reach[0], window.stride[0], window.pad[0])
        return Member(node, source, walk, window)
    if node.op in _ROWWISE and all(t.shape == y for t in moving):
        return Member(node, source, Walk(y[1], y[1]))
    return None


def cut_member(graph: Graph, item: Member, rows: Rows, needs: Rows) -> tuple[Graph, Node]:
    """Return the member as a node that makes output `rows` from input rows `needs`.

    Its tensors have as many rows as the stripe; indices stay as they are.
    """
    tensors = list(graph.tensors)
    for index in dict.fromkeys((*item.node.inputs, *item.node.outputs)):
        if index < 0 or graph.tensor(index).is_constant:
            continue
        low, high = needs if index == item.source else rows
        shape = graph.tensor(index).shape
        tensors[index] = replace(graph.tensor(index), shape=(1, high - low, *shape[2:]))
    node = item.node
    if item.window is not None and (item.walk.reach > 1 or item.walk.pad or item.window.pad[1]):
        options: dict[str, OptionValue] = dict(node.options)
        options["padding"] = "EXPLICIT"
        options["pad_top"], options["pad_left"] = item.walk.padding(rows), item.window.pad[1]
        node = replace(node, options=options)
    return replace(graph, tensors=tuple(tensors)), node


def row_bytes(graph: Graph, tensor: int) -> int:
    """Return the bytes of one row of [1][rows][width][channels]."""
    t = graph.tensor(tensor)
    return t.bytes // t.shape[1]
