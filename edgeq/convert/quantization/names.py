"""Names: which Keras layer each operator of its float export computes, told by the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.graph.ir import Graph

# Float kernels of two libraries agree to this share of a tensor's peak.
_TOLERANCE = 1e-3


class LayerCall(NamedTuple):
    """One call of a layer: which calls made its inputs (-1: none did), and its output, flat.

    `weights`: the most axes that a weight of the layer has; 0 without weights, 1 for a batch norm.
    """

    layer: str
    sources: tuple[int, ...]
    value: Array
    weights: int = 0


def match_layers(
    graph: Graph, values: Mapping[int, Array], calls: Sequence[LayerCall]
) -> dict[int, str]:
    """Return node index -> layer name for a float graph and the layers that it was exported from.

    Names of tensors tell little once operators are fused; values do. A node whose output is a
    layer's belongs to it, and to what that layer alone reads as long as no other node computes
    that: a batch norm and an activation belong to the convolution before them. A node between
    two layers belongs to the later one.

    Args:
        values: tensor index -> its value on the sample that `calls` ran on.
    """
    equal = {
        node.index: _equal_calls(values[node.outputs[0]], calls)
        for node in graph.nodes
        if node.outputs and node.outputs[0] in values
    }
    made = {place for places in equal.values() for place in places}
    names: dict[int, str] = {}
    claimed: set[int] = set()
    for node in graph.nodes:
        place = next((p for p in equal.get(node.index, ()) if p not in claimed), None)
        if place is not None:
            claimed.add(place)
            names[node.index] = calls[_first(calls, place, made)].layer
    return _fill(graph, names)


def _equal_calls(value: Array, calls: Sequence[LayerCall]) -> list[int]:
    flat = np.asarray(value, np.float64).reshape(-1)
    slack = _TOLERANCE * max(float(np.max(np.abs(flat), initial=0.0)), 1e-6)
    return [
        place
        for place, call in enumerate(calls)
        if call.value.size == flat.size and float(np.max(np.abs(call.value - flat))) <= slack
    ]


def _first(calls: Sequence[LayerCall], place: int, made: set[int]) -> int:
    """Return the earliest call of a chain that ends at `place` and that no other node computes.

    One with a kernel goes before those with vectors for weights (a batch norm may be folded into
    the layer behind it), these before those without (padding may be fused into a convolution).
    """
    chain = [place]
    while True:
        sources = {s for s in calls[chain[-1]].sources if s >= 0}
        if len(sources) != 1 or (before := sources.pop()) in made:
            break
        chain.append(before)
    most = max(min(calls[call].weights, 2) for call in chain)
    return [call for call in chain if min(calls[call].weights, 2) == most][-1]


def _fill(graph: Graph, names: dict[int, str]) -> dict[int, str]:
    """Give a node without a name that of the first node that reads it."""
    for node in reversed(graph.nodes):
        if node.index in names:
            continue
        readers = (n.index for n in graph.nodes if set(node.outputs) & set(n.inputs))
        found = next((names[index] for index in readers if index in names), None)
        if found is not None:
            names[node.index] = found
    return names
