"""TRANSPOSE_CONV on cores with SMLAD: kernels/dsp/eq_dsp_transposed.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import channel_multipliers, shifts_right, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, Overlap, constant
from edgeq.compile.lower.convolution import Window
from edgeq.compile.lower.dsp.tiles import PIXELS, Matrix, order_runs, pairs_fit, tile_matrix
from edgeq.compile.lower.variants import Variant
from edgeq.compile.memory.inplace import least_distance
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.oracle.weighted import transposed_padding


@dataclass(frozen=True, slots=True)
class _Axis:
    """Height or width."""

    kernel: int
    stride: int
    outputs: int
    pad: int

    @property
    def turns(self) -> Iterator[NDArray[np.int64]]:
        """The taps of each of the first outputs in the order of inputs, -1 where it has none."""
        for first in range(min(self.stride, self.outputs)):
            taps = np.arange((first + self.pad) % self.stride, self.kernel, self.stride)
            yield taps[::-1] if taps.size else np.array([-1])

    @property
    def first_reads(self) -> NDArray[np.int64]:
        """The first input of each output; it may lie before all inputs, or behind them."""
        place, tap = np.divmod(np.arange(self.outputs) + self.pad, self.stride)
        last = np.maximum(self.kernel - 1 - tap, 0) // self.stride
        reads: NDArray[np.int64] = place - last
        return reads


def _is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    inner = _inputs_first(node)
    weights = weight_values(graph, inner)
    return (
        target.dsp
        and shifts_right(channel_multipliers(graph, inner))
        and pairs_fit(graph, inner, weights.reshape(len(weights), -1))
    )


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    x, y = graph.tensor(node.inputs[2]), graph.tensor(node.outputs[0])
    rows, columns = axes = _axes(graph, node)
    parts = [_matrix(graph, node, i, j) for i in rows.turns for j in columns.turns]
    largest = max(parts, key=lambda part: part.scratch)
    stream = constant("stream", np.concatenate([p.constant.data for p in parts]), np.int32)
    depth, channels = x.shape[3], y.shape[3]
    window = Window(
        input=x.shape,
        output=y.shape,
        kernel=(rows.kernel, columns.kernel),
        stride=(rows.stride, columns.stride),
        dilation=(1, 1),
        same=False,
        explicit=(rows.pad, columns.pad),
    )
    matrix = {**largest.fields, "outputs": columns.stride * channels, "made": channels}
    fields = {
        "window": window.fields,
        "in_zero": zero_point_of(x),
        "matrix": {**matrix, "stream": stream.ref},
    }
    kernel = "eq_dsp_transposed"
    call = Call(kernel, kernel, fields, (x.index, SCRATCH, y.index))
    taps = [max(len(turn) for turn in axis.turns) for axis in axes]
    border = taps[0] * (taps[1] + PIXELS - 1) * depth
    return Layer(
        (call,),
        (kernel, "eq_dsp_border", "eq_dsp_tile"),
        (stream,),
        window.describe(),
        hot=True,
        scratch=largest.scratch + border,
        overlaps=(Overlap(x.index, _distance(window, rows)),),
    )


def _inputs_first(node: Node) -> Node:
    """Return the node with its inputs in the order of other operators with weights."""
    return replace(node, inputs=(node.inputs[2], node.inputs[1], *node.inputs[3:]))


def _axes(graph: Graph, node: Node) -> tuple[_Axis, _Axis]:
    call = call_of(graph, node)
    kernel, outputs = call.input(1).shape[1:3], call.output.shape[1:3]
    strides, pads = (call.number("stride_h"), call.number("stride_w")), transposed_padding(call)
    height, width = (_Axis(*each) for each in zip(kernel, strides, outputs, pads, strict=True))
    return height, width


def _matrix(
    graph: Graph, node: Node, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Matrix:
    """Return the constants of the outputs that have these taps, with noughts for tap -1."""
    inner = _inputs_first(node)
    weights = np.pad(weight_values(graph, inner), ((0, 0), (0, 1), (0, 1), (0, 0)))
    channels, _, _, depth = weights.shape
    part = weights[:, rows][:, :, columns].reshape(channels, -1)
    order = order_runs(1, len(rows), len(columns) * depth)
    return tile_matrix(graph, inner, part, channel_multipliers(graph, inner), order)


def _distance(window: Window, rows: _Axis) -> int:
    """Return how far below its input an output must start: row by row, reads before writes."""
    batch, height, width, depth = window.input
    first = np.clip(rows.first_reads, 0, height)
    reads = (np.arange(batch)[:, None] * height + first).reshape(-1) * width * depth
    ends = np.arange(1, reads.size + 1) * window.output[2] * window.output[3]
    return least_distance(reads, ends)


TRANSPOSED = (Variant("turns", _is_tiled, _lower),)
