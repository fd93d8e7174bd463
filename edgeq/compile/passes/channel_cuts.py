"""Operators that cut a tensor into parts: which channels each part has, and cuts of fewer ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.passes.rewriting import Draft, constant
from edgeq.graph.calls import Call
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import OPS, call_of
from edgeq.graph.shapes import normalize, slice_bounds

Channels = NDArray[np.int64]
Mask = NDArray[np.bool_]


def cut_channels(graph: Graph, node: Node, call: Call) -> dict[int, Channels] | None:
    """Return the links of SLICE and STRIDED_SLICE: input channels of neighbouring ones."""
    first, channels = _first_channel(call), call.output.shape[-1:]
    if first is None or channels in ((), (0,)):
        return None
    return {0: first + np.arange(channels[0])}


def split_channels(graph: Graph, node: Node, call: Call) -> dict[int, Channels] | None:
    """Return the links of SPLIT and SPLIT_V: input channels of all outputs, one after the other."""
    source, axis = _SPLITS[node.op]
    shape = call.input(source).shape
    if not call.input(axis).is_constant or not _other_constants(call, source):
        return None
    channels = np.arange(shape[-1])
    if not _is_last(call, axis, shape):
        channels = np.tile(channels, len(call.outputs))
    return {source: channels}


def cut_again(draft: Draft, graph: Graph, node: Node, kept: Mapping[int, Mask]) -> None:
    """Give an operator that cuts the channels the constants for those that are kept.

    Args:
        graph: before channels were removed.
        kept: of each tensor, its channels that stay.
    """
    call = call_of(graph, node)
    if node.op in _SPLITS:
        _split_again(draft, node, call, [int(kept[t].sum()) for t in node.outputs])
        return
    source, first = kept[node.inputs[0]], _first_channel(call)
    rank = len(call.data)
    if source.all() or first is None or len(call.values(1)) < rank:
        return
    begin, count = int(source[:first].sum()), int(kept[node.outputs[0]].sum())
    ends = {1: begin, 2: count if node.op == "SLICE" else begin + count}
    changed = {i: _replaced(draft, call, i, (*call.values(i)[:-1], n)) for i, n in ends.items()}
    draft.replace(node, inputs=tuple(changed.get(i, t) for i, t in enumerate(node.inputs)))


# Where SPLIT and SPLIT_V have what they split, and the axis.
_SPLITS = {"SPLIT": (1, 0), "SPLIT_V": (0, 2)}
CUTS = frozenset({"SLICE", "STRIDED_SLICE", *_SPLITS})


def _first_channel(call: Call) -> int | None:
    """Return the first channel of a slice of neighbours, None for any other slice."""
    if not call.data or not _other_constants(call, 0):
        return None
    begin, last = call.values(1), len(call.data) - 1
    if len(begin) <= last:
        return 0
    if call.node.op == "SLICE":
        return begin[last]
    start, _, stride = slice_bounds(
        call, last, begin[last], call.values(2)[last], call.values(3)[last]
    )
    shrunk = call.number("shrink_axis_mask") >> last & 1
    return None if stride != 1 or shrunk or call.option("offset", False) else start


def _other_constants(call: Call, data: int) -> bool:
    return all(t is None or t.is_constant for i, t in enumerate(call.inputs) if i != data)


def _is_last(call: Call, axis: int, shape: Sequence[int]) -> bool:
    return normalize(call.values(axis)[0], len(shape), "axis") == len(shape) - 1


def _split_again(draft: Draft, node: Node, call: Call, sizes: Sequence[int]) -> None:
    source, axis = _SPLITS[node.op]
    shape = call.input(source).shape
    if sum(sizes) == shape[-1] or not _is_last(call, axis, shape):
        return
    name = draft.tensors[node.outputs[0]].name
    parts = draft.add(constant(f"{name}/sizes", np.array(sizes), "int32"))
    inputs = (node.inputs[source], parts, node.inputs[axis])
    draft.replace(node, op="SPLIT_V", version=OPS["SPLIT_V"].version, inputs=inputs)


def _replaced(draft: Draft, call: Call, position: int, values: Sequence[int]) -> int:
    old = call.input(position)
    return draft.add(constant(old.name, np.array(values), old.dtype))
