"""Operators with weights on int16 around nought, whose sums stay within 32 bits."""

from __future__ import annotations

from dataclasses import replace

from edgeq.compile.arithmetic import WRAP_LIMIT, accumulator_bounds, bias_values
from edgeq.compile.layer import Layer, constant
from edgeq.compile.lower.groups import group_node, weight_window
from edgeq.compile.lower.mve.arithmetic import (
    BYTES,
    LANES,
    Quantize,
    channel_output,
    split_shifts,
    vector_output,
)
from edgeq.compile.lower.mve.depthwise import lanes_layer
from edgeq.compile.lower.mve.matrix import conv_layer, is_product, product_layer, tile_weights
from edgeq.compile.lower.mve.order import fits_bytes
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier, reduce_multiplier
from edgeq.graph.oracle.weighted import has_wide_sums

_SIZE = 2  # bytes of an int16
_ROOM = 17  # bits of the upper half of a product that a multiplier of 15 bits leaves


def fits_sums(graph: Graph, node: Node, target: Target) -> bool:
    """Whether data is int16, and no sum leaves 32 bits, as it is or moved up."""
    if not (target.mve and _has_int16(graph, node)):
        return False
    group = group_node(graph, node)
    bias = bias_values(graph, node, len(group.rows))
    bound = int(accumulator_bounds(group.rows, bias, 0, largest=1 << 15).max())
    if not has_wide_sums(call_of(graph, node)):
        return bound < WRAP_LIMIT
    pairs = (quantize_multiplier(m) for m in group.multipliers)
    rooms = [shift + _ROOM for m, shift in pairs if m]
    up = max(0, max(rooms, default=0) - _ROOM + 1)
    return min(rooms, default=0) >= 0 and bound << up < WRAP_LIMIT


def _has_int16(graph: Graph, node: Node) -> bool:
    return all(graph.tensor(t).dtype == "int16" for t in (node.inputs[0], node.outputs[0]))


def upper_multiplier(real: float) -> tuple[int, int]:
    """Return a factor and how far sums go up, such that the upper half of their product, rounded,
    is TFLite's product with a multiplier of 15 bits: its 16 upper bits take the factor's place."""
    multiplier, shift = quantize_multiplier(real)
    room = max(0, shift + _ROOM)
    up = min(_ROOM - 1, room)
    return reduce_multiplier(multiplier) << up, room - up


def is_product_of_int16(graph: Graph, node: Node, target: Target) -> bool:
    """Whether the same holds of a product of matrices."""
    return is_product(weight_window(graph, node)) and fits_sums(graph, node, target)


def is_conv_of_int16(graph: Graph, node: Node, target: Target) -> bool:
    """Whether it holds of a window whose channels can be counted in bytes."""
    return fits_bytes(weight_window(graph, node), _SIZE) and fits_sums(graph, node, target)


def is_depthwise_of_int16(graph: Graph, node: Node, target: Target) -> bool:
    """Whether it holds, and each channel has one output."""
    one = graph.tensor(node.inputs[0]).shape[3] == graph.tensor(node.outputs[0]).shape[3]
    return one and is_conv_of_int16(graph, node, target)


def lower_product(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED, or a 1x1 CONV_2D."""
    return _rows_of_int16(graph, node, conv=False)


def lower_conv(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower any CONV_2D."""
    return _rows_of_int16(graph, node, conv=True)


def _rows_of_int16(graph: Graph, node: Node, *, conv: bool) -> Layer:
    group = group_node(graph, node)
    output = vector_output(graph, node, group.rows, group.multipliers, _quantize(graph, node))
    weights = constant("weights", tile_weights(group.rows, BYTES // _SIZE), group.rows.dtype.type)
    *arrays, shift = output.constants
    matrix = {
        "depth": group.rows.shape[1],
        "outputs": len(group.rows),
        "weights": weights.ref,
        "out": {**output.fields, "wide": int(has_wide_sums(call_of(graph, node)))},
    }
    constants = (weights, *arrays, split_shifts(shift, LANES))
    layer = (conv_layer if conv else product_layer)(graph, node, matrix, constants)
    kernel = "eq_mve_int16_conv" if conv else "eq_mve_int16_pointwise"
    return _of_int16(layer, kernel, ("eq_mve_int16", "eq_mve_lines", "eq_mve_windows"))


def lower_depthwise(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEPTHWISE_CONV_2D with one output for each channel."""
    group = group_node(graph, node)
    output = channel_output(graph, node, group.rows, group.multipliers, _quantize(graph, node))
    wide = {"wide": int(has_wide_sums(call_of(graph, node)))}
    layer = lanes_layer(graph, node, group.rows, replace(output, fields={**output.fields, **wide}))
    *arrays, shift = layer.constants
    layer = replace(layer, constants=(*arrays, split_shifts(shift, BYTES // _SIZE)))
    sources = ("eq_mve_int16_depthwise", "eq_mve_lines")
    return _of_int16(layer, "eq_mve_int16_depthwise", sources)


def _quantize(graph: Graph, node: Node) -> Quantize:
    return upper_multiplier if has_wide_sums(call_of(graph, node)) else quantize_multiplier


def _of_int16(layer: Layer, kernel: str, sources: tuple[str, ...]) -> Layer:
    """Return a layer by another kernel of the same structure."""
    (call,) = layer.calls
    return replace(
        layer,
        calls=(replace(call, kernel=kernel),),
        sources=sources,
        detail=", ".join(filter(None, (layer.detail, "int16"))),
    )


ROWS: dict[str, tuple[Variant, ...]] = {
    "FULLY_CONNECTED": (Variant("mve-int16-rows", fits_sums, lower_product),),
    "CONV_2D": (
        Variant("mve-int16-pointwise", is_product_of_int16, lower_product),
        Variant("mve-int16-conv", is_conv_of_int16, lower_conv),
    ),
    "DEPTHWISE_CONV_2D": (Variant("mve-int16-depthwise", is_depthwise_of_int16, lower_depthwise),),
}
