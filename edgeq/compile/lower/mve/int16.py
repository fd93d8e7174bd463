"""Operators with weights on int16 around nought, in sums of 32 bits where these suffice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import WRAP_LIMIT, Output, accumulator_bounds, bias_values
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.groups import group_node, weight_window
from edgeq.compile.lower.int16_output import LARGEST, int16_output
from edgeq.compile.lower.mve.arithmetic import (
    BYTES,
    LANES,
    Factor,
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
_WINDOWS = ("eq_mve_lines", "eq_mve_windows")
_ROOM = 17  # bits of the upper half of a product that a multiplier of 15 bits leaves


def has_int16(graph: Graph, node: Node, target: Target) -> bool:
    """Whether the target has Helium and data is int16."""
    ends = (graph.tensor(t) for t in (node.inputs[0], node.outputs[0]))
    return target.mve and all(t.dtype == "int16" for t in ends)


def fits_sums(graph: Graph, node: Node, target: Target) -> bool:
    """Whether, besides, no sum leaves 32 bits, as it is or moved up."""
    return has_int16(graph, node, target) and None not in _factors(graph, node)


def _factors(graph: Graph, node: Node) -> list[Factor | None]:
    """Return what the kernels multiply sums with; None for an output whose sums do not fit."""
    group = group_node(graph, node)
    bias = bias_values(graph, node, len(group.rows))
    bounds = accumulator_bounds(group.rows, bias, 0, largest=LARGEST)
    reals = group.multipliers
    if len(reals) == 1:
        bounds = bounds.max(keepdims=True)
    wide = has_wide_sums(call_of(graph, node))
    factor_of = upper_factor if wide else whole_factor
    return [factor_of(real, int(bound)) for real, bound in zip(reals, bounds, strict=True)]


def whole_factor(real: float, bound: int) -> Factor | None:
    """Return TFLite's factor for sums of magnitude `bound` at most."""
    return quantize_multiplier(real) if bound < WRAP_LIMIT else None


def upper_factor(real: float, bound: int) -> Factor | None:
    """Return a factor and how far sums of magnitude `bound` go up, such that the upper half of
    their product, rounded, is TFLite's product with a multiplier of 15 bits."""
    multiplier, shift = quantize_multiplier(real)
    narrow, room = reduce_multiplier(multiplier), shift + _ROOM
    if bound * narrow < 1 << (14 - shift):  # every product is rounded to nought
        return 0, 0
    up = min(_ROOM - 1, room)
    if room < 0 or bound << (room - up) >= WRAP_LIMIT:
        return None
    return narrow << up, room - up


def is_depthwise(graph: Graph, node: Node, target: Target) -> bool:
    """Whether the same holds, and each channel has one output."""
    window = weight_window(graph, node)
    one = window.input[3] == window.output[3] and fits_bytes(window, _SIZE)
    return one and fits_sums(graph, node, target)


def is_long(graph: Graph, node: Node, target: Target) -> bool:
    """Whether data is int16, and sums take any bits."""
    window = weight_window(graph, node)
    return has_int16(graph, node, target) and (is_product(window) or fits_bytes(window, _SIZE))


def is_short(graph: Graph, node: Node, target: Target) -> bool:
    """Whether data is int16, and sums fit 32 bits."""
    return is_long(graph, node, target) and fits_sums(graph, node, target)


def lower_short(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D or FULLY_CONNECTED."""
    rows = group_node(graph, node).rows
    output = _with_width(graph, node, vector_output(graph, node, rows, _known_factors(graph, node)))
    *arrays, shift = output.constants
    constants = (*arrays, split_shifts(shift, LANES))
    layer = _layer(graph, node, rows, Output(output.fields, constants))
    (call,) = layer.calls
    kernel = call.kernel.replace("eq_mve_", "eq_mve_int16_")
    return _of_int16(layer, replace(call, kernel=kernel), ("eq_mve_int16", *_WINDOWS))


def lower_long(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D or FULLY_CONNECTED with sums of 64 bits, a chunk of the depth at a time."""
    group = group_node(graph, node)
    layer = _layer(graph, node, group.rows, int16_output(graph, node, group))
    (call,) = layer.calls
    kernel = call.kernel.replace("eq_mve_", "eq_mve_long_")
    sources = ("eq_mve_long", *_WINDOWS)
    return _of_int16(layer, replace(call, kernel=kernel, struct=kernel), sources)


def _layer(graph: Graph, node: Node, rows: NDArray[np.int8], output: Output) -> Layer:
    weights = constant("weights", tile_weights(rows, BYTES // _SIZE), np.int8)
    matrix = {
        "depth": rows.shape[1],
        "outputs": len(rows),
        "weights": weights.ref,
        "out": output.fields,
    }
    lower = product_layer if is_product(weight_window(graph, node)) else conv_layer
    return lower(graph, node, matrix, (weights, *output.constants))


def lower_depthwise(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEPTHWISE_CONV_2D with one output for each channel."""
    rows = group_node(graph, node).rows
    output = _with_width(
        graph, node, channel_output(graph, node, rows, _known_factors(graph, node))
    )
    layer = lanes_layer(graph, node, rows, output)
    (call,), (*arrays, shift) = layer.calls, layer.constants
    layer = replace(layer, constants=(*arrays, split_shifts(shift, BYTES // _SIZE)))
    sources = ("eq_mve_int16_depthwise", "eq_mve_lines")
    return _of_int16(layer, replace(call, kernel="eq_mve_int16_depthwise"), sources)


def _known_factors(graph: Graph, node: Node) -> list[Factor]:
    return [factor for factor in _factors(graph, node) if factor is not None]


def _with_width(graph: Graph, node: Node, output: Output) -> Output:
    wide = {"wide": int(has_wide_sums(call_of(graph, node)))}
    return replace(output, fields={**output.fields, **wide})


def _of_int16(layer: Layer, call: Call, sources: tuple[str, ...]) -> Layer:
    detail = ", ".join(filter(None, (layer.detail, "int16")))
    return replace(layer, calls=(call,), sources=sources, detail=detail)


_ROWS = (
    Variant("mve-int16", is_short, lower_short),
    Variant("mve-int16-long", is_long, lower_long),
)
ROWS: dict[str, tuple[Variant, ...]] = {
    "FULLY_CONNECTED": _ROWS,
    "CONV_2D": _ROWS,
    "DEPTHWISE_CONV_2D": (Variant("mve-int16-depthwise", is_depthwise, lower_depthwise),),
}
