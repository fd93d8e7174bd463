"""DEPTHWISE_CONV_2D: sixteen channels, or pixels of few channels, side by side in a vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import Output, channel_multipliers, shifts_right, weight_values
from edgeq.compile.layer import SCRATCH, Call, Constant, Layer, Overlap, constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.mve.arithmetic import BYTES, channel_output
from edgeq.compile.lower.mve.order import line_distance, line_scratch
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of

# Where accumulators of 32 bits lie after two widenings: even and odd lanes, twice.
_ORDER = np.arange(BYTES).reshape(4, 2, 2).transpose(2, 1, 0).reshape(-1)
_HEAVIEST_PAIR = 255  # taps whose products with any int8 sum up in 16 bits


def takes_lanes(graph: Graph, node: Node, target: Target) -> bool:
    """Whether each channel has one output, and neighbouring taps sum up in 16 bits."""
    window = node_window(graph, node)
    if not target.mve or window.input[3] != window.output[3]:
        return False
    taps = np.abs(weight_values(graph, node)[0].astype(np.int64))
    pairs = taps.reshape(-1, window.output[3])
    heaviest = (pairs[1:] + pairs[:-1]).max(initial=0)
    return bool(heaviest <= _HEAVIEST_PAIR) and shifts_right(channel_multipliers(graph, node))


def lower_depthwise(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEPTHWISE_CONV_2D with one output for each channel."""
    window = node_window(graph, node)
    channels = window.output[3]
    taps = weight_values(graph, node)[0].reshape(-1, channels)
    pixels = _pixels_side_by_side(window)
    output, arrays = _output(graph, node, taps, pixels)
    weights = constant("weights", _blocks(np.tile(taps, pixels)), np.int8)
    fields = {
        "window": window.fields,
        "in_zero": zero_point_of(graph.tensor(node.inputs[0])),
        "side_by_side": int(pixels > 1),
        "steps": -(-window.output[2] // pixels),
        "x_step": BYTES if pixels > 1 else window.stride[1] * channels,
        "y_step": BYTES if pixels > 1 else channels,
        "weights": weights.ref,
        "out": output,
    }
    operands = (node.inputs[0], node.outputs[0], SCRATCH)
    return Layer(
        (Call("eq_mve_depthwise", "eq_mve_depthwise", fields, operands),),
        ("eq_mve_depthwise", "eq_mve_lines"),
        (weights, *arrays),
        window.describe(),
        hot=True,
        scratch=line_scratch(window),
        overlaps=(Overlap(node.inputs[0], line_distance(window)),),
    )


def _pixels_side_by_side(window: Window) -> int:
    """Return how many pixels a vector holds: several only where both tensors have them so."""
    channels = window.output[3]
    return BYTES // channels if window.stride[1] == 1 and BYTES % channels == 0 else 1


def _blocks(taps: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return [taps][channels] as [blocks][taps][16], noughts where there is no channel."""
    count, channels = taps.shape
    padded = np.pad(taps, ((0, 0), (0, -channels % BYTES)))
    return padded.reshape(count, -1, BYTES).transpose(1, 0, 2)


def _output(
    graph: Graph, node: Node, taps: NDArray[np.int8], pixels: int
) -> tuple[Mapping[str, Any], tuple[Constant, ...]]:
    """Return the output stage in the order of the accumulators' lanes."""
    plain: Output = channel_output(graph, node, taps.T, channel_multipliers(graph, node))
    arrays = []
    for array in plain.constants:
        lanes = np.tile(array.data[: taps.shape[1]], pixels)
        blocks = np.pad(lanes, (0, -len(lanes) % BYTES)).reshape(-1, BYTES)
        arrays.append(Constant(array.name, blocks[:, _ORDER].reshape(-1)))
    return plain.fields, tuple(arrays)


DEPTHWISE_ROWS: dict[str, tuple[Variant, ...]] = {
    "DEPTHWISE_CONV_2D": (Variant("mve-depthwise", takes_lanes, lower_depthwise),),
}
