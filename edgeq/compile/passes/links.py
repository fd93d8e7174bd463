"""Operators through which channels pass one by one: which input channel each output channel has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.passes.channel_cuts import cut_channels, split_channels
from edgeq.compile.passes.intervals import channels_of, is_constant_weighted
from edgeq.compile.passes.tables import PAIRS, byte_function
from edgeq.graph.calls import Call
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.reductions import reduced_axes
from edgeq.graph.shapes import normalize

# Input position -> for each output channel the input's channel, -1 for one of another input.
# Several outputs follow each other.
Links = dict[int, NDArray[np.int64]]


def find_links(graph: Graph, node: Node) -> Links | None:
    """Return the links of a node whose channels can be removed one by one, None for others.

    Input positions without a link are read as they are, whichever channels are removed.
    """
    function = byte_function(graph, node)
    if function is not None:
        return {node.inputs.index(function.source): np.arange(_channels(graph, node))}
    rule = LINKS.get(node.op)
    return rule(graph, node, call_of(graph, node)) if rule and _is_int8(graph, node) else None


def _channels(graph: Graph, node: Node) -> int:
    return channels_of(graph.tensor(node.outputs[0]))


def _is_int8(graph: Graph, node: Node) -> bool:
    return graph.tensor(node.outputs[0]).dtype == "int8"


def _through(graph: Graph, node: Node, call: Call) -> Links | None:
    return {0: np.arange(_channels(graph, node))}


def _depthwise(graph: Graph, node: Node, call: Call) -> Links | None:
    if not is_constant_weighted(graph, node):
        return None
    return {0: np.arange(_channels(graph, node)) // call.number("depth_multiplier")}


def _pad(graph: Graph, node: Node, call: Call) -> Links | None:
    return _through(graph, node, call) if call.data and not any(call.values(1)[-2:]) else None


def _reduction(graph: Graph, node: Node, call: Call) -> Links | None:
    kept = len(call.data) - 1 not in reduced_axes(call)[0]
    return _through(graph, node, call) if kept else None


def _transpose(graph: Graph, node: Node, call: Call) -> Links | None:
    last = len(call.data) - 1
    return _through(graph, node, call) if call.data and call.values(1)[last] == last else None


def _reshape(graph: Graph, node: Node, call: Call) -> Links | None:
    """Rows that hold whole pixels: channel c of the input is every output c, c + channels, ..."""
    channels = channels_of(call.input(0))
    repeats, rest = divmod(_channels(graph, node), channels)
    return None if rest else {0: np.tile(np.arange(channels), repeats)}


def _binary(graph: Graph, node: Node, call: Call) -> Links | None:
    """Operands with as many channels as the result, or constants that are repeated."""
    channels = _channels(graph, node)
    found: Links = {}
    for i in range(2):
        if channels_of(call.input(i)) == channels:
            found[i] = np.arange(channels)
        elif not call.input(i).is_constant:
            return None
    return found


def _concatenation(graph: Graph, node: Node, call: Call) -> Links | None:
    axis = normalize(call.number("axis"), len(call.data), "axis")
    channels, at = _channels(graph, node), 0
    if axis < len(call.data) - 1:
        return {i: np.arange(channels) for i in range(len(node.inputs))}
    found: Links = {}
    for i in range(len(node.inputs)):
        width = channels_of(call.input(i))
        found[i] = np.full(channels, -1)
        found[i][at : at + width] = np.arange(width)
        at += width
    return found


LINKS: dict[str, Callable[[Graph, Node, Call], Links | None]] = {
    "DEPTHWISE_CONV_2D": _depthwise,
    "AVERAGE_POOL_2D": _through,
    "MAX_POOL_2D": _through,
    "RESIZE_BILINEAR": _through,
    "RESIZE_NEAREST_NEIGHBOR": _through,
    "PAD": _pad,
    "PADV2": _pad,
    "TRANSPOSE": _transpose,
    "CONCATENATION": _concatenation,
    **dict.fromkeys(("MEAN", "REDUCE_MAX", "REDUCE_MIN"), _reduction),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _reshape),
    **dict.fromkeys(("SLICE", "STRIDED_SLICE"), cut_channels),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), split_channels),
    **dict.fromkeys(PAIRS, _binary),
}
