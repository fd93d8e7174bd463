"""CONV_2D by Winograd's F(2x2, 3x3), exact in integers, where speed is worth the flash.

A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, arXiv:1509.09308,
section 4.1. G's halves are doubled on both sides: the products' sums are four times the
convolution's, and the division at the end leaves no rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import channel_multipliers, shifts_right, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, Overlap, constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.dsp.tiles import factor_words, folded_weights
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

NAME = "winograd"
_ROWS, _COLUMNS = 2, 8  # of outputs at a time
_READS = 4, 10  # rows and columns of inputs that they read
_PLACES = 16
_LEAST_DEPTH = 8  # below, the transforms cost what the products save
_SUM_LIMIT = 1 << 29  # a quarter of what 32 bits hold
_CODE = 16_384  # bytes of flash set aside for kernels
_DOUBLED_G = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])


def applies(graph: Graph, node: Node, target: Target) -> bool:
    """Whether the node is one that Winograd serves, and is asked to."""
    options = target.options
    if options.goal != "speed" or NAME in options.omitted_passes or not _suits(graph, node, target):
        return False
    return options.flash_bytes is None or node.index in _chosen(graph, target, options.flash_bytes)


def _suits(graph: Graph, node: Node, target: Target) -> bool:
    """Whether the kernel takes the node: 3x3, stride 1, channels in fours, sums that fit."""
    window = node_window(graph, node)
    weights = weight_values(graph, node).astype(np.int64)
    return (
        target.dsp
        and window.kernel == (3, 3)
        and window.stride == window.dilation == (1, 1)
        and window.input[3] >= _LEAST_DEPTH
        and window.input[3] % 4 == 0
        and window.output[3] % 2 == 0
        and int(np.abs(weights).sum(axis=(1, 2, 3)).max()) * 128 < _SUM_LIMIT
        and shifts_right(channel_multipliers(graph, node))
    )


def _chosen(graph: Graph, target: Target, budget: int) -> frozenset[int]:
    """Return the nodes whose weights fit the budget, those with the most pixels first."""
    constants = (t.data.nbytes for t in graph.tensors if t.data is not None)
    left = budget - _CODE - sum(constants)
    nodes = [n for n in graph.nodes if n.op == "CONV_2D" and _suits(graph, n, target)]
    chosen = []
    for node in sorted(nodes, key=lambda n: -_pixels(graph, n)):
        more = weight_values(graph, node).size * (2 * _PLACES - 9) // 9
        if more <= left:
            chosen.append(node.index)
            left -= more
    return frozenset(chosen)


def _pixels(graph: Graph, node: Node) -> int:
    window = node_window(graph, node)
    return window.output[1] * window.output[2]


def lower_winograd(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower a 3x3 CONV_2D of stride 1."""
    window = node_window(graph, node)
    depth, outputs = window.input[3], window.output[3]
    rows = weight_values(graph, node).reshape(outputs, -1)
    weights, bias, factors = folded_weights(graph, node, rows, channel_multipliers(graph, node))
    low, high = fused_range(call_of(graph, node))
    words: list[NDArray[Any]] = [
        bias.reshape(-1, 2),
        transformed_words(weights.reshape(outputs, 3, 3, depth)),
        factor_words(factors, outputs),
    ]
    array = constant("stream", np.concatenate(words, axis=1), np.int32)
    fields = {
        "window": window.fields,
        "in_zero": zero_point_of(graph.tensor(node.inputs[0])),
        "zero": zero_point_of(graph.tensor(node.outputs[0])),
        "min": low,
        "max": high,
        "stream": array.ref,
    }
    operands = (node.inputs[0], SCRATCH, node.outputs[0])
    return Layer(
        (Call("eq_dsp_winograd", "eq_dsp_winograd", fields, operands),),
        ("eq_dsp_border", "eq_dsp_winograd"),
        (array,),
        f"{window.describe()}, Winograd",
        hot=True,
        scratch=128 * depth + 512 + _READS[0] * _READS[1] * depth,
        overlaps=(Overlap(node.inputs[0], _distance(window)),),
    )


def transformed_words(weights: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return 4 G g G' as words of two inputs: [outputs / 2, 16 * inputs / 2 * 2].

    Args:
        weights: [outputs, 3, 3, inputs].
    """
    outputs, depth = len(weights), weights.shape[3]
    made = np.einsum("ih,ohwc,jw->oijc", _DOUBLED_G, weights, _DOUBLED_G)
    fours = made.reshape(outputs, _PLACES, depth // 4, 4)[..., [0, 2, 1, 3]]
    pairs = fours.reshape(outputs // 2, 2, _PLACES, depth // 2, 2).transpose(0, 2, 3, 1, 4)
    words = np.ascontiguousarray(pairs.astype("<i2")).reshape(-1).view("<i4")
    return words.reshape(outputs // 2, -1)


def _distance(window: Window) -> int:
    """Return how far below its input the output must start."""
    steps = list(_steps(window))
    to_read = np.minimum.accumulate([first for first, _ in steps][::-1])[::-1]
    ends = [end for _, end in steps[:-1]]
    return max((int(e - r) for e, r in zip(ends, to_read[1:], strict=True)), default=0)


def _steps(window: Window) -> Iterator[tuple[int, int]]:
    """Yield the first byte that each step reads, and the end of what it writes."""
    (batch, height, width, depth), (_, out_h, out_w, outputs) = window.input, window.output
    for n in range(batch):
        for oy in range(0, out_h, _ROWS):
            for ox in range(0, out_w, _COLUMNS):
                row, column = (max(0, o - p) for o, p in zip((oy, ox), window.pad, strict=True))
                last_row, last = min(oy + _ROWS, out_h) - 1, min(ox + _COLUMNS, out_w)
                yield (
                    ((n * height + row) * width + column) * depth,
                    ((n * out_h + last_row) * out_w + last) * outputs,
                )


WINOGRAD = Variant(NAME, applies, lower_winograd)
