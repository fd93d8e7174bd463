"""Dead channels: those that are constant, or that nobody reads, are not computed.

A channel of a tensor can go where every operator that reads it can do without: a convolution or
dense layer, if the channel's interval is a single value that its bias can take in, or if its
weights for it are all nought; an operator through which channels pass one by one, if its own
channel goes too. What is removed is the largest set that keeps these rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import bias_values, weight_values
from edgeq.compile.lower.convolution import node_window
from edgeq.compile.passes.channel_cuts import CUTS, cut_again
from edgeq.compile.passes.intervals import (
    Interval,
    channels_of,
    find_intervals,
    is_constant_weighted,
    padded_taps,
)
from edgeq.compile.passes.links import Links, find_links
from edgeq.compile.passes.rewriting import Draft, Rewrite, constant, total_macs
from edgeq.graph.ir import Graph, Node, Quantization, Tensor, frozen
from edgeq.graph.oracle.requantization import zero_point_of

Mask = NDArray[np.bool_]
_SOURCES = ("CONV_2D", "FULLY_CONNECTED")
_COUNTED = (*_SOURCES, "DEPTHWISE_CONV_2D")


def remove_dead_channels(graph: Graph) -> Rewrite:
    """Return the graph without dead channels."""
    live = Draft(graph).finish()
    removal = _Removal(live)
    kept = removal.settle()
    if all(mask.all() for mask in kept.values()):
        return Rewrite(graph)
    draft = Draft(live)
    for index, mask in kept.items():
        draft.tensors[index] = _shrink_tensor(live.tensor(index), mask)
    for node in live.nodes:
        if node.op in _COUNTED:
            _shrink_weights(draft, node, removal)
        elif node.op in CUTS and removal.links[node.index] is not None:
            cut_again(draft, live, node, kept)
    made = draft.finish()
    return Rewrite(made, *_summary(live, made, kept))


def _summary(graph: Graph, made: Graph, kept: Mapping[int, Mask]) -> tuple[int, str]:
    """Return how many channels of layers with weights went, and a sentence on them."""
    masks = [kept[n.outputs[0]] for n in graph.nodes if n.op in _COUNTED]
    gone, channels = (sum(int(m.sum()) for m in each) for each in ([~m for m in masks], masks))
    before, after = total_macs(graph), total_macs(made)
    note = (
        f"{gone:,} of {gone + channels:,} channels of {len(masks)} layers are constant or unread: "
        f"{before - after:,} of {before:,} MACs removed"
    )
    return gone, note


class _Removal:
    """The search for the smallest set of channels that must stay."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.intervals = find_intervals(graph)
        self.links = {n.index: find_links(graph, n) for n in graph.nodes}
        self.sources = frozenset(
            n.index for n in graph.nodes if n.op in _SOURCES and is_constant_weighted(graph, n)
        )
        self.dense = {n.outputs[0] for n in graph.nodes if n.op == "FULLY_CONNECTED"}
        self.foldable = {
            n.index: _foldable(graph, n, self.intervals[n.inputs[0]])
            for n in graph.nodes
            if n.index in self.sources
        }
        used = {t for n in graph.nodes for t in (*n.inputs, *n.outputs) if t >= 0}
        self.kept = {t: self._at_first(graph.tensor(t)) for t in used}

    def _at_first(self, tensor: Tensor) -> Mask:
        ports = (*self.graph.inputs, *self.graph.outputs)
        free = tensor.dtype == "int8" and bool(tensor.shape) and tensor.index not in ports
        return np.full(channels_of(tensor), not free or tensor.is_variable)

    def settle(self) -> Mapping[int, Mask]:
        """Return for each tensor which of its channels stay: one of each at least."""
        self._propagate()
        for node in self.graph.nodes:
            for tensor in (*node.inputs, *node.outputs):
                while tensor >= 0 and self.kept[tensor].sum() < self._least(tensor):
                    self.kept[tensor][np.argmin(self.kept[tensor])] = True
                    self._propagate()
        return self.kept

    def _least(self, tensor: int) -> int:
        """Two where there are two: one scale instead of several means something else to FC."""
        return min(2, self.kept[tensor].size) if tensor in self.dense else 1

    def _propagate(self) -> None:
        """Let every node keep what it needs, until none asks for more."""
        count = -1
        while count != (count := sum(int(mask.sum()) for mask in self.kept.values())):
            for node in reversed(self.graph.nodes):
                self._require(node)

    def _require(self, node: Node) -> None:
        links = self.links[node.index]
        if links is not None:
            self._follow(node, links)
            whole = [t for i, t in enumerate(node.inputs) if i not in links]
        elif node.index in self.sources:
            self.kept[node.inputs[0]] |= self._needed(node)
            whole = list(node.inputs[1:])
        else:
            whole = [*node.inputs, *node.outputs]
        for tensor in whole:
            if tensor >= 0:
                self.kept[tensor][:] = True

    def _follow(self, node: Node, links: Links) -> None:
        """Keep a channel where one that is linked to it stays."""
        results = [self.kept[t] for t in node.outputs]
        ends = np.cumsum([len(mask) for mask in results])[:-1]
        for position, links_of_all in links.items():
            source = self.kept[node.inputs[position]]
            for result, channels in zip(results, np.split(links_of_all, ends), strict=True):
                mine = channels >= 0
                result[mine] |= source[channels[mine]]
                np.logical_or.at(source, channels[mine], result[mine])

    def _needed(self, node: Node) -> Mask:
        """Return which channels of its input a layer with weights must read."""
        rows = weight_values(self.graph, node)[self.kept[node.outputs[0]]]
        channels = self.kept[node.inputs[0]].size
        if rows.shape[-1] % channels:
            return np.ones(channels, np.bool_)
        used: Mask = (rows.reshape(-1, channels) != 0).any(axis=0) & ~self.foldable[node.index]
        return used


def _foldable(graph: Graph, node: Node, bounds: Interval) -> Mask:
    """Return which channels of its input a layer's bias can stand for.

    A padded tap reads the zero point: no channel of another value is constant to such a window.
    """
    if node.op == "CONV_2D" and padded_taps(node_window(graph, node)).any():
        at_zero: Mask = bounds.low == zero_point_of(graph.tensor(node.inputs[0]))
        return bounds.single & at_zero
    return bounds.single


# --- The graph without them ----------------------------------------------------------------------


def _shrink_tensor(tensor: Tensor, mask: Mask) -> Tensor:
    if mask.all():
        return tensor
    data = None if tensor.data is None else frozen(tensor.data[..., mask])
    return replace(tensor, shape=(*tensor.shape[:-1], int(mask.sum())), data=data)


def _shrink_weights(draft: Draft, node: Node, removal: _Removal) -> None:
    """Leave out the weights of dead channels; what constant inputs add goes into the bias."""
    graph = removal.graph
    source, result = (removal.kept[t] for t in (node.inputs[0], node.outputs[0]))
    if source.all() and result.all():
        return
    weights = weight_values(graph, node)
    bias = bias_values(graph, node, len(result))
    if node.op == "DEPTHWISE_CONV_2D":
        weights = weights[..., result]
    else:
        bias = bias + _constant_part(removal, node)
        weights = weights[result]
    if node.op in _SOURCES and not source.all():
        weights = weights[..., np.tile(source, weights.shape[-1] // source.size)]
    draft.replace(node, inputs=_new_inputs(draft, node, weights, bias[result], result))


def _constant_part(removal: _Removal, node: Node) -> NDArray[np.int64]:
    """Return what the removed input channels add to each accumulator."""
    bounds = removal.intervals[node.inputs[0]]
    zero = zero_point_of(removal.graph.tensor(node.inputs[0]))
    lost = ~removal.kept[node.inputs[0]] & removal.foldable[node.index]
    weights = weight_values(removal.graph, node)
    if not lost.any():
        return np.zeros(len(weights), np.int64)
    values = np.where(lost, bounds.low - zero, 0)
    pixels = weights.reshape(len(weights), -1, len(values)).astype(np.int64)
    total: NDArray[np.int64] = (pixels * values).sum(axis=(1, 2))
    return total


def _new_inputs(
    draft: Draft,
    node: Node,
    weights: NDArray[np.int8],
    bias: NDArray[np.int64],
    result: Mask,
) -> tuple[int, ...]:
    old, given = draft.tensors[node.inputs[1]], node.inputs[2] if len(node.inputs) > 2 else -1
    small = constant(old.name, weights, old.dtype, _kept_scales(old, result))
    inputs = (node.inputs[0], draft.add(small))
    if given < 0 and not bias.any():
        return inputs
    name = (
        draft.tensors[given].name if given >= 0 else f"{draft.tensors[node.outputs[0]].name}/bias"
    )
    scales = _kept_scales(draft.tensors[given], result) if given >= 0 else None
    return (*inputs, draft.add(constant(name, bias, "int32", scales)))


def _kept_scales(tensor: Tensor, result: Mask) -> Quantization | None:
    """Return the quantisation of a constant for the outputs that stay."""
    q = tensor.quantization
    if q is None or not q.per_channel:
        return q
    scales, zeros = (np.array(values)[result].tolist() for values in (q.scales, q.zero_points))
    return Quantization(tuple(scales), tuple(zeros), q.axis)
