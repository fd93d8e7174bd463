"""CONV_2D on cores with SMLAD."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import channel_multipliers, shifts_right, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, Overlap
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.dsp.tiles import PIXELS, order_runs, pairs_fit, tile_matrix
from edgeq.compile.lower.dsp.winograd import WINOGRAD
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of


def _is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    weights = weight_values(graph, node)
    return (
        target.dsp
        and shifts_right(channel_multipliers(graph, node))
        and pairs_fit(graph, node, weights.reshape(len(weights), -1))
    )


def _is_pointwise(graph: Graph, node: Node, target: Target) -> bool:
    window = node_window(graph, node)
    return window.kernel == window.stride == (1, 1) and _is_tiled(graph, node, target)


def lower_pointwise(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D with a 1x1 kernel and stride 1."""
    window = node_window(graph, node)
    depth, outputs = window.input[3], window.output[3]
    weights = weight_values(graph, node).reshape(outputs, -1)
    factors = channel_multipliers(graph, node)
    matrix = tile_matrix(graph, node, weights, factors, order_runs(1, 1, depth))
    pixels = math.prod(window.output[:3])
    fields = {"rows": pixels, "depth": depth, "matrix": matrix.fields}
    distance = write_distance(outputs, np.arange(pixels) * depth)
    return Layer(
        (Call("eq_dsp_pointwise", "eq_dsp_pointwise", fields, _operands(node)),),
        ("eq_dsp_pointwise", "eq_dsp_tile"),
        (matrix.constant,),
        window.describe(),
        hot=True,
        scratch=matrix.scratch,
        overlaps=(Overlap(node.inputs[0], distance),),
    )


def lower_convolution(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D of any window."""
    return window_layer(graph, node, node_window(graph, node), channel_multipliers(graph, node))


def window_order(window: Window) -> NDArray[np.int64]:
    """Return the order in which a window is widened; see order_runs."""
    (kh, kw), depth = window.kernel, window.input[3]
    runs = (1, kh, kw * depth) if window.dilation[1] == 1 else (kh, kw, depth)
    return order_runs(*runs)


def window_layer(graph: Graph, node: Node, window: Window, multipliers: Sequence[float]) -> Layer:
    """Return the layer y = window over x * weights, with weights [outputs][taps]."""
    kh, depth = window.kernel[0], window.input[3]
    weights = weight_values(graph, node)
    rows = weights.reshape(len(weights), -1)
    matrix = tile_matrix(graph, node, rows, multipliers, window_order(window))
    zero = zero_point_of(graph.tensor(node.inputs[0]))
    fields = {"window": window.fields, "in_zero": zero, "matrix": matrix.fields}
    border = kh * ((PIXELS - 1) * window.stride[1] + window.reach[1]) * depth
    distance = write_distance(window.output[3], first_reads(window))
    return Layer(
        (Call("eq_dsp_conv", "eq_dsp_conv", fields, _operands(node)),),
        ("eq_dsp_border", "eq_dsp_conv", "eq_dsp_tile"),
        (matrix.constant,),
        window.describe(),
        hot=True,
        scratch=matrix.scratch + (border if window.is_padded else 0),
        overlaps=(Overlap(node.inputs[0], distance),),
    )


def _operands(node: Node) -> tuple[int, int, int]:
    return node.inputs[0], SCRATCH, node.outputs[0]


def first_reads(window: Window) -> NDArray[np.int64]:
    """Return for each output pixel the offset of the first input byte that its window reads."""
    batch, height, width, depth = window.input
    starts = []
    for axis, size in ((0, height), (1, width)):
        first = np.arange(window.output[1 + axis]) * window.stride[axis] - window.pad[axis]
        step = window.dilation[axis]
        starts.append(np.minimum(np.where(first < 0, first % step, first), size))
    image = (starts[0][:, None] * width + starts[1]).reshape(-1)
    images = np.arange(batch)[:, None] * height * width
    reads: NDArray[np.int64] = ((images + image) * depth).reshape(-1)
    return reads


def write_distance(outputs: int, reads: NDArray[np.int64]) -> int:
    """Return how far below its input an output must start: a tile is read before it is written.

    Args:
        outputs: bytes of an output pixel.
        reads: of each output pixel, the first offset that it reads.
    """
    to_read = np.minimum.accumulate(reads[::-1])[::-1]
    ends = np.arange(PIXELS, len(reads), PIXELS)
    if not len(ends):
        return -int(reads.max(initial=0))
    return int(np.max(ends * outputs - to_read[ends]))


CONVOLUTIONS = (
    Variant("pointwise", _is_pointwise, lower_pointwise),
    WINOGRAD,
    Variant("convolution", _is_tiled, lower_convolution),
)
