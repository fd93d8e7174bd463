"""DEPTHWISE_CONV_2D on int16 for cores with SMLAD: windows over a plane of one channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import bias_values
from edgeq.compile.layer import SCRATCH, Call, Constant, Layer, constant
from edgeq.compile.lower.convolution import node_window
from edgeq.compile.lower.dsp.depthwise import (
    PLANES,
    affords_plane,
    axes_3x3,
    has_plane,
    is_window_3x3,
    line_kernels,
    row_words,
    spread_window,
)
from edgeq.compile.lower.dsp.int16_tiles import ELEMENT_BYTES, high_multipliers, is_int16
from edgeq.compile.lower.dsp.planes import Axes
from edgeq.compile.lower.groups import group_node
from edgeq.compile.lower.int16_output import int16_output, sums_fit
from edgeq.compile.lower.overlaps import in_elements, over_window
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import fused_range
from edgeq.graph.oracle.weighted import has_wide_sums

_CHANNELS = 4  # at once


def is_3x3(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the assembly takes the node."""
    return (
        is_int16(graph, node, target)
        and is_window_3x3(node_window(graph, node), target, ELEMENT_BYTES)
        and has_wide_sums(call_of(graph, node))
        and sums_fit(graph, node, group_node(graph, node))
        and high_multipliers(group_node(graph, node).multipliers) is not None
    )


def lower_3x3(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower 3x3 windows with one output for each channel."""
    group = group_node(graph, node)
    axes, multipliers = axes_3x3(group.window), high_multipliers(group.multipliers)
    assert multipliers is not None
    words = np.empty((len(group.rows), 5), np.int32)
    words[:, :3] = row_words(line_kernels(graph, node, axes))
    words[:, 3] = bias_values(graph, node, len(group.rows))
    words[:, 4] = multipliers
    channel = constant("channel", words, np.int32)
    low, high = fused_range(call_of(graph, node))
    fields = {"plane": _plane(axes), "channel": channel.ref, "min": low, "max": high}
    kernel = f"eq_dsp16_3x3_stride{group.window.stride[0]}"
    sources = ("eq_dsp16_3x3", "eq_dsp16_plane", kernel)
    return _layer(
        node,
        axes,
        Call(kernel, "eq_dsp16_3x3", fields, _operands(node)),
        sources,
        (channel,),
        PLANES,
    )


def is_any(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether planes serve any window of the node."""
    window = node_window(graph, node)
    return _has_plane(graph, node, target) and affords_plane(window, target, ELEMENT_BYTES)


def is_large(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether planes serve, though they are no longer small beside the tensors: what is
    left runs ten times slower in plain C, and nothing asks for the least memory."""
    thrifty = target.options.goal == "ram" or target.options.ram_bytes is not None
    return not thrifty and _has_plane(graph, node, target)


def _has_plane(graph: Graph, node: Node, target: Target) -> bool:
    return (
        is_int16(graph, node, target)
        and has_plane(node_window(graph, node), target)
        and sums_fit(graph, node, group_node(graph, node))
    )


def lower_any(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower any window, and any number of outputs for each channel."""
    output = int16_output(graph, node, group_node(graph, node))
    axes, walk, weights = spread_window(graph, node)
    fields = {"plane": _plane(axes), **walk, "out": output.fields}
    call = Call("eq_dsp16_any", "eq_dsp16_any", fields, _operands(node))
    sources = ("eq_dsp16_any", "eq_dsp16_plane")
    return _layer(node, axes, call, sources, (weights, *output.constants), 1)


def is_single(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether each of at least four channels has one output."""
    window = node_window(graph, node)
    return (
        is_int16(graph, node, target)
        and _CHANNELS <= window.input[3] == window.output[3]
        and sums_fit(graph, node, group_node(graph, node))
    )


def lower_channels(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower one output for each channel, without planes."""
    group = group_node(graph, node)
    output = int16_output(graph, node, group)
    weights = constant("weights", channel_words(group.rows.T), np.int32)
    fields = {"window": group.window.fields, "weights": weights.ref, "out": output.fields}
    kernel = "eq_dsp16_channels"
    return Layer(
        (Call(kernel, kernel, fields, (node.inputs[0], node.outputs[0])),),
        (kernel,),
        (weights, *output.constants),
        f"{group.window.describe()}, int16",
        hot=True,
        overlaps=in_elements(over_window(node.inputs[0], group.window), ELEMENT_BYTES),
    )


def channel_words(taps: NDArray[np.int8]) -> NDArray[np.int32]:
    """Return the words of eq_dsp16_channels.h.

    Args:
        taps: the weights as [taps, channels].
    """
    channels = taps.shape[1]
    first = np.minimum(np.arange(0, channels, _CHANNELS), channels - _CHANNELS)
    fours = np.ascontiguousarray(taps[:, first[:, None] + [0, 2, 1, 3]])
    words: NDArray[np.int32] = fours.view("<i4").reshape(-1)
    return words


def _plane(axes: Axes) -> Mapping[str, Any]:
    """Return `struct eq_dsp16_plane`, which counts elements."""
    names = {"in_bytes": "in_image", "out_bytes": "out_image"}
    return {names.get(name, name): value for name, value in axes.fields().items()}


def _operands(node: Node) -> tuple[int, int, int]:
    return node.inputs[0], SCRATCH, node.outputs[0]


def _layer(
    node: Node,
    axes: Axes,
    call: Call,
    sources: tuple[str, ...],
    constants: tuple[Constant, ...],
    planes: int,
) -> Layer:
    return Layer(
        (call,),
        sources,
        constants,
        f"{axes.window.describe()}, int16",
        hot=True,
        scratch=axes.scratch(planes),
        overlaps=axes.overlaps(node.inputs[0]),
    )
