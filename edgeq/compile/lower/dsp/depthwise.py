"""DEPTHWISE_CONV_2D on the DSP extension: windows over a plane of one channel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import (
    accumulator_bounds,
    accumulator_reach,
    bias_values,
    channel_multipliers,
    pack_shift,
    weight_values,
    weighted_output,
)
from edgeq.compile.layer import SCRATCH, Call, Constant, Layer, constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.dsp.planes import Axes
from edgeq.compile.lower.dsp.requantization import Stage, prove
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

# As in kernels/dsp/eq_plane.h: elements are 256 * x.
SCALE, SHIFT, PROVED = 256, 9, 127
_WORDS = 64  # as in kernels/dsp/eq_plane_any.h
PLANES = 2  # two channels are gathered at once
_ROW = (0, 1, 1, 2)  # taps of a line, so that a word widens to (w0, w1) and (w1, w2)
# Instructions of the assembly for a pair of outputs, a single one, and a line.
_PAIR, _SINGLE, _LINE = 26, 18, 12


def _cost(axes: Axes) -> int:
    """Return the instructions for a channel."""
    pairs, odd = divmod(axes.window.output[axes.line], 2)
    return axes.window.output[axes.across] * (pairs * _PAIR + odd * _SINGLE + _LINE)


def axes_3x3(window: Window) -> Axes:
    """Return the axes that cost the fewest instructions."""
    both = [Axes(window, line) for line in (2, 1) if window.output[line] > 1]
    return min(both, key=_cost)


def is_window_3x3(window: Window, target: Target, element_bytes: int = 1) -> bool:
    """Return whether the assembly of 3x3 windows takes the window, on a core with SMLAD."""
    return (
        target.dsp
        and window.kernel == (3, 3)
        and window.dilation == (1, 1)
        and window.stride in ((1, 1), (2, 2))
        and window.input[3] == window.output[3]
        and max(window.output[1:3]) > 1
        and axes_3x3(window).is_inside
        and axes_3x3(window).affords(target, PLANES, element_bytes)
    )


def is_3x3(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether lower_3x3 takes the node."""
    return is_window_3x3(node_window(graph, node), target) and is_rectified(graph, node)


def line_kernels(graph: Graph, node: Node, axes: Axes) -> NDArray[np.int8]:
    """Return the weights as [output][across lines][along lines]."""
    taps: NDArray[np.int8] = weight_values(graph, node)[0].transpose(
        2, 0, 1
    )  # [output][height][width]
    return taps if axes.line == 2 else taps.transpose(0, 2, 1)


def row_words(kernels: NDArray[np.int8]) -> NDArray[np.int32]:
    """Return the rows of 3x3 kernels as bytes (w0, w1, w1, w2): words [output][row]."""
    words: NDArray[np.int32] = kernels[:, :, _ROW].copy().view("<i4")[:, :, 0]
    return words


def lower_3x3(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower a 3x3 window over the plane of each channel."""
    window = node_window(graph, node)
    axes = axes_3x3(window)
    kernels = line_kernels(graph, node, axes)
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
    constants: tuple[Constant, ...] = (words,)
    if shift is not None:
        fields["shift"] = shift.ref
        constants += (shift,)
    kernel = f"eq_plane_stride{window.stride[0]}"
    call = Call(kernel, "eq_plane", fields, _operands(node))
    return Layer(
        (call,),
        ("eq_plane", kernel),
        constants,
        window.describe(),
        hot=True,
        scratch=axes.scratch(PLANES),
        overlaps=axes.overlaps(node.inputs[0]),
    )


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
    affine = prove(Stage(multiplier, shift, low, high), SCALE, SHIFT)
    offset = affine.offset + SCALE * folded
    proved = affine.proved & (np.abs(offset) < 1 << 31)
    words = np.empty((len(rows), 5), np.int32)
    words[:, :3] = row_words(kernels)
    words[:, 3] = np.where(proved, offset, folded)
    words[:, 4] = np.where(proved, affine.multiplier, multiplier)
    bounds = accumulator_bounds(kernels.reshape(len(rows), -1), bias, zero)
    shifts = [
        PROVED if fine else pack_shift(int(m), int(s), int(b))
        for fine, m, s, b in zip(proved, multiplier, shift, bounds, strict=True)
    ]
    exact = None if proved.all() else constant("shift", shifts, np.int8)
    return constant("channel", words, np.int32), exact


def is_rectified(graph: Graph, node: Node) -> bool:
    """Return whether the output is clamped at its zero point and nowhere else."""
    low, high = fused_range(call_of(graph, node))
    return low == zero_point_of(graph.tensor(node.outputs[0])) == -128 and high == 127


def _axes_any(window: Window) -> Axes:
    return min((Axes(window, line) for line in (2, 1)), key=lambda axes: math.prod(_rows(axes)))


def _rows(axes: Axes) -> tuple[int, int]:
    """Return the rows of a window and the words of a row; dilated taps have noughts between."""
    return axes.window.kernel[axes.across - 1], (axes.window.reach[axes.line - 1] + 1) // 2


def has_plane(window: Window, target: Target) -> bool:
    """Return whether the windows can walk over a plane, on a core with SMLAD."""
    axes = _axes_any(window)
    return target.dsp and math.prod(_rows(axes)) <= _WORDS and axes.is_inside


def affords_plane(window: Window, target: Target, element_bytes: int = 1) -> bool:
    """Return whether a plane serves more than one pixel, and stays small beside the tensors where
    more than speed counts."""
    several = math.prod(window.output[1:3]) > 1
    return several and _axes_any(window).affords(target, 1, element_bytes)


def is_any(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether lower_any takes the node, on a core with SMLAD."""
    window = node_window(graph, node)
    sums = np.abs(weight_values(graph, node).astype(np.int64)).sum(axis=(0, 1, 2))
    return (
        has_plane(window, target)
        and affords_plane(window, target)
        and bool(sums.max() * 128 * SCALE < 1 << 31)
    )


def lower_any(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower any window, and any number of outputs for each channel."""
    window = node_window(graph, node)
    taps = weight_values(graph, node)[0].reshape(-1, window.output[3]).T
    output = weighted_output(graph, node, taps, channel_multipliers(graph, node))
    axes, walk, weights = spread_window(graph, node)
    fields: dict[str, Any] = {
        "plane": {**axes.fields(), "in_zero": zero_point_of(graph.tensor(node.inputs[0]))},
        **walk,
        "out": output.fields,
    }
    call = Call("eq_plane_any", "eq_plane_any", fields, _operands(node))
    return Layer(
        (call,),
        ("eq_plane", "eq_plane_any"),
        (weights, *output.constants),
        window.describe(),
        hot=True,
        scratch=axes.scratch(1),
        overlaps=axes.overlaps(node.inputs[0]),
    )


def spread_window(graph: Graph, node: Node) -> tuple[Axes, Mapping[str, Any], Constant]:
    """Return the axes of any window, how it walks over a plane, and its weights: noughts stand
    between taps that a dilation parts."""
    window = node_window(graph, node)
    axes = _axes_any(window)
    rows, words = _rows(axes)
    lines = line_kernels(graph, node, axes)
    spread = np.zeros((len(lines), rows, 2 * words), np.int8)
    spread[:, :, : axes.window.reach[axes.line - 1] : window.dilation[axes.line - 1]] = lines
    weights = constant("weights", spread, np.int8)
    fields = {
        "copies": window.output[3] // window.input[3],
        "rows": rows,
        "words": words,
        "row_step": window.dilation[axes.across - 1] * axes.pitch,
        "step": window.stride[axes.line - 1],
        "advance": window.stride[axes.across - 1] * axes.pitch,
        "weights": weights.ref,
    }
    return axes, fields, weights


def _operands(node: Node) -> tuple[int, int, int]:
    return node.inputs[0], SCRATCH, node.outputs[0]


DEPTHWISE = (Variant("3x3", is_3x3, lower_3x3), Variant("any", is_any, lower_any))
