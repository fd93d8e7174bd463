"""Padding as an operator of its own becomes the padding of the windows that read it.

A convolution takes every tap outside its input for the zero point, which is what PAD writes there.
A pool takes the largest of the taps inside: padding that is below everything inside never wins.
"""

from __future__ import annotations

from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.pooling import pool_window
from edgeq.compile.passes.intervals import Intervals, find_intervals
from edgeq.compile.passes.rewriting import Draft, Rewrite, count_of, find_consumers
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.shapes import EXPLICIT

_PADS = ("PAD", "PADV2")
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def fold_pads(graph: Graph) -> Rewrite:
    """Return the graph with PAD folded into the windows that read its output."""
    draft, folded = Draft(graph), 0
    intervals, consumers = find_intervals(graph), find_consumers(graph)
    for pad in graph.nodes:
        if pad.op not in _PADS or not _pads_pixels(graph, pad):
            continue
        for node in consumers[pad.outputs[0]]:
            options = _folded_options(graph, pad, node, intervals)
            if options is not None:
                draft.replace(node, inputs=(pad.inputs[0], *node.inputs[1:]), options=options)
                folded += 1
    if not folded:
        return Rewrite(graph)
    return Rewrite(draft.finish(), folded, f"{count_of(folded, 'window')} padded without a copy")


def _pads_pixels(graph: Graph, pad: Node) -> bool:
    """Whether a PAD of int8 leaves images and channels alone, and keeps the quantisation."""
    x, y = graph.tensor(pad.inputs[0]), graph.tensor(pad.outputs[0])
    if x.dtype != "int8" or len(x.shape) != 4 or x.quantization is None:
        return False
    edges = call_of(graph, pad).values(1)
    return not any((*edges[:2], *edges[6:])) and x.quantization == y.quantization


def _value(graph: Graph, pad: Node) -> int:
    if pad.op == "PADV2":
        return call_of(graph, pad).values(2)[0]
    return zero_point_of(graph.tensor(pad.outputs[0]))


def _folded_options(
    graph: Graph, pad: Node, node: Node, intervals: Intervals
) -> dict[str, object] | None:
    """Return the options of a window that pads for itself, None where it cannot."""
    value = _value(graph, pad)
    if node.inputs[0] != pad.outputs[0]:
        return None
    if node.op in _CONVOLUTIONS and value == zero_point_of(graph.tensor(pad.outputs[0])):
        window = node_window(graph, node)
    elif node.op == "MAX_POOL_2D" and value <= intervals[pad.inputs[0]].low.min():
        window = pool_window(graph, node)
    else:
        return None
    top, left = (
        before + own
        for before, own in zip(call_of(graph, pad).values(1)[2:6:2], window.pad, strict=True)
    )
    if not _every_window_touches(window, (top, left), graph.tensor(pad.inputs[0]).shape):
        return None
    return {**node.options, "padding": EXPLICIT, "pad_top": top, "pad_left": left}


def _every_window_touches(window: Window, pad: tuple[int, int], shape: tuple[int, ...]) -> bool:
    return all(
        before < reach and (count - 1) * stride - before < size
        for before, reach, count, stride, size in zip(
            pad, window.reach, window.output[1:3], window.stride, shape[1:3], strict=True
        )
    )
