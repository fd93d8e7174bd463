"""CONV_2D and FULLY_CONNECTED with weights of four bits: the layers of int8, two weights a byte."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import WRAP_LIMIT, accumulator_bounds, bias_values
from edgeq.compile.layer import Constant, Layer
from edgeq.compile.lower.convolution import node_window
from edgeq.compile.lower.groups import group_node, is_packed
from edgeq.compile.lower.mve.arithmetic import BYTES, LANES, split_shifts
from edgeq.compile.lower.mve.depthwise import lower_depthwise
from edgeq.compile.lower.mve.matrix import is_product, lower_conv, lower_product
from edgeq.compile.lower.variants import Lower, Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of

_SCALE_BITS = 4  # of sums and biases: weights are taken from the upper halves of bytes
_HEAVIEST = 255  # taps whose products with any int8 sum up in 16 bits

_KERNELS = {
    "eq_mve_conv": "eq_mve_int4_conv",
    "eq_mve_pointwise": "eq_mve_int4_pointwise",
}
_SOURCES = ("eq_mve_int4", "eq_mve_lines", "eq_mve_windows")


def takes_nibbles(graph: Graph, node: Node, target: Target) -> bool:
    """Whether the weights have four bits, and sixteen times any sum fits 32."""
    if not (target.mve and is_packed(graph, node, target)):
        return False
    rows = group_node(graph, node).rows
    zero = zero_point_of(graph.tensor(node.inputs[0]))
    bounds = accumulator_bounds(rows, bias_values(graph, node, len(rows)), zero)
    return bool(bounds.max() < WRAP_LIMIT >> _SCALE_BITS)


def is_pointwise_nibbles(graph: Graph, node: Node, target: Target) -> bool:
    """Whether the same holds of a product of matrices."""
    return is_product(node_window(graph, node)) and takes_nibbles(graph, node, target)


def _packed(lower: Lower) -> Lower:
    """Return `lower`, a lowering to tiles of int8, with weights of four bits."""

    def lower_packed(graph: Graph, node: Node, target: Target) -> Layer:
        layer = lower(graph, node, target)
        (call,), (weights, bias, multiplier, shift) = layer.calls, layer.constants
        return replace(
            layer,
            calls=(replace(call, kernel=_KERNELS[call.kernel]),),
            sources=_SOURCES,
            constants=(
                Constant(weights.name, pack_pairs(weights.data)),
                Constant(bias.name, bias.data << _SCALE_BITS),
                multiplier,
                split_shifts(shift, LANES, _SCALE_BITS),
            ),
            detail=f"{layer.detail}, int4".removeprefix(", "),
        )

    return lower_packed


def pack_pairs(tiles: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return vectors of 16 weights, one of which lies in the lower halves of the other's bytes."""
    pairs = tiles.reshape(-1, 2, BYTES)
    return (pairs[:, 0] & 15 | pairs[:, 1] << 4).reshape(-1)


def takes_lanes(graph: Graph, node: Node, target: Target) -> bool:
    """Whether each channel has one output, whose products sum up in 16 bits."""
    if not (target.mve and is_packed(graph, node, target)):
        return False
    group = group_node(graph, node)
    heaviest = np.abs(group.rows.astype(np.int64)).sum(axis=1).max()
    return group.copies == 1 and bool(heaviest <= _HEAVIEST)


def lower_lanes(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEPTHWISE_CONV_2D with one output for each channel."""
    layer = lower_depthwise(graph, node, target)
    (call,), (weights, bias, multiplier, shift) = layer.calls, layer.constants
    taps = weights.data.reshape(-1, *node_window(graph, node).kernel, BYTES)
    packed = Constant(weights.name, pack_taps(taps))
    return replace(
        layer,
        calls=(replace(call, kernel="eq_mve_int4_depthwise"),),
        sources=("eq_mve_int4_depthwise", "eq_mve_lines"),
        constants=(packed, bias, multiplier, split_shifts(shift, BYTES)),
        detail=f"{layer.detail}, int4",
    )


def pack_taps(taps: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return [..][width][16] as pairs of taps; the last of an odd row comes second in its own."""
    width = taps.shape[-2]
    blank = np.zeros_like(taps[..., :1, :])
    whole = np.concatenate((taps[..., :-1, :], blank, taps[..., -1:, :]), axis=-2)
    return pack_pairs(whole if width % 2 else taps)


ROWS: dict[str, tuple[Variant, ...]] = {
    "FULLY_CONNECTED": (Variant("mve-int4-rows", takes_nibbles, _packed(lower_product)),),
    "CONV_2D": (
        Variant("mve-int4-pointwise", is_pointwise_nibbles, _packed(lower_product)),
        Variant("mve-int4-conv", takes_nibbles, _packed(lower_conv)),
    ),
    "DEPTHWISE_CONV_2D": (Variant("mve-int4-depthwise", takes_lanes, lower_lanes),),
}
