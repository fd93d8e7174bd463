"""DEPTHWISE_CONV_2D on the DSP extension: 3x3 kernels over a plane of one channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import (
    accumulator_bounds,
    bias_values,
    channel_multipliers,
    pack_shift,
    weight_values,
)
from edgeq.compile.layer import SCRATCH, Call, Constant, Layer, Overlap, constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.compile.thresholds import Stage, prove
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

# As in kernels/eq_plane.h: elements are 256 * x.
SCALE, SHIFT, PROVED = 256, 9, 127
_PLANES = 2  # two channels are gathered at once
_ROW = (0, 1, 1, 2)  # taps of a line, so that a word widens to (w0, w1) and (w1, w2)
# Instructions of the assembly for a pair of outputs, a single one, and a line.
_PAIR, _SINGLE, _LINE = 26, 18, 12


@dataclass(frozen=True, slots=True)
class Axes:
    """The image as lines: `line` is the axis (1 height, 2 width) that a line runs along."""

    window: Window
    line: int

    @property
    def across(self) -> int:
        """The axis from line to line."""
        return 3 - self.line

    def extent(self, axis: int) -> int:
        """Return the elements of the plane along `axis` that the windows cover."""
        return (self.window.output[axis] - 1) * self.window.stride[0] + 3

    def inside(self, axis: int) -> int:
        """Return how many of them come from the input."""
        pad = self.window.pad[axis - 1]
        return max(0, min(self.window.input[axis], self.extent(axis) - pad))

    @property
    def pitch(self) -> int:
        """Elements of the plane from line to line: whole words."""
        return self.extent(self.line) + 1 & ~1

    @property
    def cost(self) -> int:
        """Instructions for a channel."""
        pairs, odd = divmod(self.window.output[self.line], 2)
        return self.window.output[self.across] * (pairs * _PAIR + odd * _SINGLE + _LINE)

    @property
    def elements(self) -> int:
        """Elements of the plane."""
        return self.pitch * self.extent(self.across)

    def fields(self) -> Mapping[str, int]:
        """Return the geometry in `struct eq_plane`."""
        (batch, *x), (_, *y) = self.window.input, self.window.output
        channels = x[2]
        in_step, out_step = ({1: shape[1] * channels, 2: channels} for shape in (x, y))
        pad = self.window.pad
        return {
            "batch": batch,
            "in_bytes": x[0] * x[1] * channels,
            "out_bytes": y[0] * y[1] * channels,
            "channels": channels,
            "in_lines": self.inside(self.across),
            "in_length": self.inside(self.line),
            "in_line_step": in_step[self.across],
            "in_step": in_step[self.line],
            "out_lines": y[self.across - 1],
            "out_length": y[self.line - 1],
            "out_line_step": out_step[self.across],
            "out_step": out_step[self.line],
            "pitch": 2 * self.pitch,
            "first": pad[self.across - 1] * self.pitch + pad[self.line - 1],
            "elements": self.elements,
        }


def _axes(window: Window) -> Axes:
    both = [Axes(window, line) for line in (2, 1) if window.output[line] > 1]
    return min(both, key=lambda axes: axes.cost)


def _is_plain_3x3(graph: Graph, node: Node, target: Target) -> bool:
    window = node_window(graph, node)
    return (
        target.dsp
        and window.kernel == (3, 3)
        and window.dilation == (1, 1)
        and window.stride in ((1, 1), (2, 2))
        and window.input[3] == window.output[3]
        and max(window.output[1:3]) > 1
        and all(Axes(window, 1).inside(axis) for axis in (1, 2))
    )


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    window = node_window(graph, node)
    axes = _axes(window)
    kernels = weight_values(graph, node)[0].transpose(2, 0, 1)  # [channel][height][width]
    if axes.line == 1:
        kernels = kernels.transpose(0, 2, 1)
    words, shift = _channels(graph, node, kernels)
    low, high = fused_range(call_of(graph, node))
    fields: dict[str, Any] = {
        **axes.fields(),
        "in_zero": zero_point_of(graph.tensor(node.inputs[0])),
        "zero": zero_point_of(graph.tensor(node.outputs[0])),
        "min": low,
        "max": high,
        "channel": words.ref,
    }
    constants = (words,)
    if shift is not None:
        fields["shift"] = shift.ref
        constants += (shift,)
    kernel = f"eq_plane_stride{window.stride[0]}"
    call = Call(kernel, "eq_plane", fields, (node.inputs[0], SCRATCH, node.outputs[0]))
    return Layer(
        (call,),
        ("eq_plane", kernel),
        constants,
        window.describe(),
        hot=True,
        scratch=_PLANES * 2 * axes.elements,
        overlaps=_overlaps(node, fields),
    )


def _overlaps(node: Node, fields: Mapping[str, Any]) -> tuple[Overlap, ...]:
    """A channel's plane is whole before its outputs are written, to bytes of this channel alone."""
    apart = fields["batch"] > 1 and fields["out_bytes"] > fields["in_bytes"]
    return () if apart else (Overlap(node.inputs[0], exact=True),)


def _channels(
    graph: Graph, node: Node, kernels: NDArray[np.int8]
) -> tuple[Constant, Constant | None]:
    """Return five words for each channel, and shifts where a channel is without proof."""
    rows = kernels.reshape(len(kernels), -1).astype(np.int64)
    zero = zero_point_of(graph.tensor(node.inputs[0]))
    bias = bias_values(graph, node, len(rows))
    folded = bias - zero * rows.sum(axis=1)
    pairs = [quantize_multiplier(m) for m in channel_multipliers(graph, node)]
    multiplier, shift = np.array(pairs, np.int64).T
    multiplier, shift = (np.broadcast_to(a, len(rows)) for a in (multiplier, shift))
    low, high = accumulator_reach(rows, bias, zero)
    least, most = fused_range(call_of(graph, node))
    y_zero = zero_point_of(graph.tensor(node.outputs[0]))
    affine = prove(Stage(multiplier, shift, low, high, y_zero, least, most), SCALE, SHIFT)
    offset = affine.offset + SCALE * folded
    proved = affine.proved & (np.abs(offset) < 1 << 31)
    words = np.empty((len(rows), 5), np.int32)
    words[:, :3] = kernels[:, :, _ROW].copy().view("<i4")[:, :, 0]
    words[:, 3] = np.where(proved, offset, folded)
    words[:, 4] = np.where(proved, affine.multiplier, multiplier)
    bounds = accumulator_bounds(kernels.reshape(len(rows), -1), bias, zero)
    shifts = [
        PROVED if fine else pack_shift(int(m), int(s), int(b))
        for fine, m, s, b in zip(proved, multiplier, shift, bounds, strict=True)
    ]
    exact = None if proved.all() else constant("shift", shifts, np.int8)
    return constant("channel", words, np.int32), exact


def accumulator_reach(
    weights: NDArray[np.int64], bias: NDArray[np.int64], zero_point: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the least and the greatest accumulator of each output, whatever the input.

    Args:
        weights: [outputs, depth].
        bias: [outputs].
        zero_point: of the input.
    """
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    least, most = -128 - zero_point, 127 - zero_point
    return bias + positive * least + negative * most, bias + positive * most + negative * least


DEPTHWISE = (Variant("plane", _is_plain_3x3, _lower),)
