"""TRANSPOSE_CONV on cores with SMLAD: convolutions of stride 1 that take turns in the output.

With stride s, output s * q + r is made of inputs q, q - 1, ... and of every s-th tap from tap r
on: all outputs of one r are a convolution, whose results lie s apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import channel_multipliers, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer
from edgeq.compile.lower.convolution import Window
from edgeq.compile.lower.dsp.tiles import (
    PIXELS,
    Matrix,
    order_runs,
    pairs_fit,
    shifts_right,
    tile_matrix,
)
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.oracle.weighted import transposed_padding

_KERNEL = "eq_dsp_transposed"
_MOST_CALLS = 16  # beyond which their constants cost more than they save


@dataclass(frozen=True, slots=True)
class _Turn:
    """Along an axis, the outputs from `first` on: how many, their taps, and their padding."""

    first: int
    outputs: int
    taps: NDArray[np.int64]
    pad: int


def _is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    inner = _inputs_first(node)
    weights = weight_values(graph, inner)
    return (
        target.dsp
        and math.prod(_strides(graph, node)) <= _MOST_CALLS
        and shifts_right(channel_multipliers(graph, inner))
        and pairs_fit(graph, inner, weights.reshape(len(weights), -1))
    )


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    x, y = graph.tensor(node.inputs[2]), graph.tensor(node.outputs[0])
    strides = _strides(graph, node)
    _, height, width, channels = y.shape
    calls, constants, scratch = [], [], 0
    for i, (rows, columns) in enumerate(_turns(graph, node)):
        window = Window(
            input=x.shape,
            output=(y.shape[0], rows.outputs, columns.outputs, channels),
            kernel=(len(rows.taps), len(columns.taps)),
            stride=(1, 1),
            dilation=(1, 1),
            same=False,
            explicit=(rows.pad, columns.pad),
        )
        matrix = _matrix(graph, node, rows, columns)
        stream = replace(matrix.constant, name=f"part{i}_stream")
        distances = {"outputs": strides[1] * channels, "made": channels, "stream": stream.ref}
        fields = {
            "window": window.fields,
            "in_zero": zero_point_of(x),
            "first": (rows.first * width + columns.first) * channels,
            "row": strides[0] * width * channels,
            "image": height * width * channels,
            "matrix": {**matrix.fields, **distances},
        }
        calls.append(Call(_KERNEL, _KERNEL, fields, (x.index, SCRATCH, y.index)))
        constants.append(stream)
        border = window.kernel[0] * (window.kernel[1] + PIXELS - 1) * x.shape[3]
        scratch = max(scratch, matrix.scratch + (border if window.is_padded else 0))
    sources = (_KERNEL, "eq_dsp_border", "eq_dsp_tile")
    detail = f"stride {strides[0]}x{strides[1]}"
    return Layer(tuple(calls), sources, tuple(constants), detail, hot=True, scratch=scratch)


def _inputs_first(node: Node) -> Node:
    """Return the node with its inputs in the order of other operators with weights."""
    return replace(node, inputs=(node.inputs[2], node.inputs[1], *node.inputs[3:]))


def _strides(graph: Graph, node: Node) -> tuple[int, int]:
    call = call_of(graph, node)
    return call.number("stride_h"), call.number("stride_w")


def _turns(graph: Graph, node: Node) -> Iterator[tuple[_Turn, _Turn]]:
    call = call_of(graph, node)
    axes = zip(
        call.input(1).shape[1:3],
        _strides(graph, node),
        call.output.shape[1:3],
        transposed_padding(call),
        strict=True,
    )
    rows, columns = ([*_turns_along(*axis)] for axis in axes)
    yield from ((row, column) for row in rows for column in columns)


def _turns_along(kernel: int, stride: int, size: int, pad: int) -> Iterator[_Turn]:
    for first in range(min(stride, size)):
        place, tap = divmod(first + pad, stride)
        # The last tap reads the earliest input; without any tap, one of noughts reads some input.
        taps = np.arange(tap, kernel, stride)[::-1]
        taps = taps if taps.size else np.array([-1])
        yield _Turn(first, -(-(size - first) // stride), taps, len(taps) - 1 - place)


def _matrix(graph: Graph, node: Node, rows: _Turn, columns: _Turn) -> Matrix:
    """Return the constants of the outputs of two turns, with noughts for the tap -1."""
    inner = _inputs_first(node)
    weights = weight_values(graph, inner)
    full = np.pad(weights, ((0, 0), (0, 1), (0, 1), (0, 0)))
    part = full[:, rows.taps][:, :, columns.taps]
    order = order_runs(1, len(rows.taps), len(columns.taps) * weights.shape[3])
    flat = part.reshape(len(weights), -1)
    return tile_matrix(graph, inner, flat, channel_multipliers(graph, inner), order)


TRANSPOSED = (Variant("turns", _is_tiled, _lower),)
