"""DEPTHWISE_CONV_2D: sixteen channels, or pixels of few channels, side by side in a vector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import Output, channel_multipliers, shifts_right, weight_values
from edgeq.compile.layer import SCRATCH, Call, Constant, Layer, Overlap, constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.groups import group_node
from edgeq.compile.lower.mve.arithmetic import BYTES, LANES, channel_output, quantize_factors
from edgeq.compile.lower.mve.order import in_bytes, line_distance, line_scratch
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of

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
    group = group_node(graph, node)
    factors = quantize_factors(group.multipliers)
    output = channel_output(graph, node, group.rows, factors)
    return lanes_layer(graph, node, group.rows, output)


def lanes_layer(graph: Graph, node: Node, rows: NDArray[np.int8], output: Output) -> Layer:
    """Return the layer of `struct eq_mve_depthwise`, of elements of any size.

    Args:
        rows: the weights as [channels, taps].
        output: with entries for each channel, in order.
    """
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    size = x.bytes // x.elements
    window = in_bytes(node_window(graph, node), size)
    channels, lanes = window.output[3], BYTES // size
    pixels = _pixels_side_by_side(window)
    weights = constant("weights", _blocks(np.tile(rows.T, pixels), lanes), np.int8)
    fields = {
        "window": window.fields,
        "in_zero": zero_point_of(x),
        "side_by_side": int(pixels > 1),
        "steps": -(-window.output[2] // pixels),
        "x_step": BYTES if pixels > 1 else window.stride[1] * channels,
        "y_step": BYTES if pixels > 1 else channels,
        "weights": weights.ref,
        "out": output.fields,
    }
    arrays = (_in_lanes(array, len(rows), pixels, lanes) for array in output.constants)
    return Layer(
        (Call("eq_mve_depthwise", "eq_mve_depthwise", fields, (x.index, y.index, SCRATCH)),),
        ("eq_mve_depthwise", "eq_mve_lines"),
        (weights, *arrays),
        window.describe(),
        hot=True,
        scratch=line_scratch(window),
        overlaps=(Overlap(x.index, line_distance(window)),),
    )


def _pixels_side_by_side(window: Window) -> int:
    """Return how many pixels a vector holds: several only where both tensors have them so."""
    channels = window.output[3]
    return BYTES // channels if window.stride[1] == 1 and BYTES % channels == 0 else 1


def _blocks(taps: NDArray[np.int8], lanes: int) -> NDArray[np.int8]:
    """Return [taps][channels] as [blocks][taps][lanes], noughts where there is no channel."""
    count, channels = taps.shape
    padded = np.pad(taps, ((0, 0), (0, -channels % lanes)))
    return padded.reshape(count, -1, lanes).transpose(1, 0, 2)


def _in_lanes(array: Constant, channels: int, pixels: int, lanes: int) -> Constant:
    """Return an entry for each channel in the order of the accumulators' lanes."""
    values = np.tile(array.data[:channels], pixels)
    blocks = np.pad(values, (0, -len(values) % lanes)).reshape(-1, lanes)
    return Constant(array.name, blocks[:, lane_order(lanes)].reshape(-1))


def lane_order(lanes: int) -> NDArray[np.int64]:
    """Return where accumulators of 32 bits lie: each widening parts even lanes from odd ones."""
    shape = (LANES, *(2,) * (lanes // LANES).bit_length())[:-1]
    return np.arange(lanes).reshape(shape).T.reshape(-1)


DEPTHWISE_ROWS: dict[str, tuple[Variant, ...]] = {
    "DEPTHWISE_CONV_2D": (Variant("mve-depthwise", takes_lanes, lower_depthwise),),
}
