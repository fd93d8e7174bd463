"""Operators with weights of four bits, which flash holds two to a byte."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import channel_multipliers, weight_values, weighted_output
from edgeq.compile.layer import SCRATCH, Call, Layer, constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.dense import dense_multipliers
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.tensors import pack_int4

_LARGEST = (1 << 15) - 1  # of a size in struct eq_window


def dense_window(graph: Graph, node: Node) -> Window:
    """Return a FULLY_CONNECTED as a window of one tap, every row an image of one pixel."""
    outputs, depth = graph.tensor(node.inputs[1]).shape
    rows = graph.tensor(node.outputs[0]).elements // outputs
    one = (1, 1)
    return Window((rows, *one, depth), (rows, *one, outputs), one, one, one, same=False)


def _is_packed(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the filter is int4, after the passes too."""
    weights = graph.tensor(node.inputs[1])
    values = weight_values(graph, node)
    rows = graph.tensor(node.outputs[0]).elements // graph.tensor(node.outputs[0]).shape[-1]
    return (
        weights.dtype == "int4"
        and int(values.min(initial=0)) >= -8
        and int(values.max(initial=0)) <= 7
        and (node.op != "FULLY_CONNECTED" or rows <= _LARGEST)
    )


def _lower_conv_2d(graph: Graph, node: Node, target: Target) -> Layer:
    weights = weight_values(graph, node)
    rows = weights.reshape(len(weights), -1)
    window = node_window(graph, node)
    return _layer(graph, node, window, rows, channel_multipliers(graph, node))


def _lower_depthwise_conv_2d(graph: Graph, node: Node, target: Target) -> Layer:
    window = node_window(graph, node)
    rows = weight_values(graph, node)[0].reshape(-1, window.output[3]).T
    return _layer(graph, node, window, rows, channel_multipliers(graph, node), depth=1)


def _lower_fully_connected(graph: Graph, node: Node, target: Target) -> Layer:
    rows, window = weight_values(graph, node), dense_window(graph, node)
    return _layer(graph, node, window, rows, dense_multipliers(graph, node))


def _layer(
    graph: Graph,
    node: Node,
    window: Window,
    rows: NDArray[np.int8],
    multipliers: Sequence[float],
    depth: int | None = None,
) -> Layer:
    """Return the layer with weights `rows` [outputs, taps], each of `depth` input channels."""
    output = weighted_output(graph, node, rows, multipliers)
    packed = constant("weights", pack_int4(np.ascontiguousarray(rows)).view(np.int8), np.int8)
    fields = {
        "window": window.fields,
        "depth": depth or window.input[3],
        "copies": window.output[3] // window.input[3] if depth else window.output[3],
        "in_zero": zero_point_of(graph.tensor(node.inputs[0])),
        "weights": packed.ref,
        "out": output.fields,
    }
    call = Call("eq_int4", "eq_int4", fields, (node.inputs[0], SCRATCH, node.outputs[0]))
    return Layer(
        (call,),
        ("eq_int4",),
        (packed, *output.constants),
        f"{window.describe()}, int4",
        hot=True,
        scratch=rows.shape[1],
    )


ROWS: dict[str, tuple[Variant, ...]] = {
    "CONV_2D": (Variant("int4", _is_packed, _lower_conv_2d),),
    "DEPTHWISE_CONV_2D": (Variant("int4", _is_packed, _lower_depthwise_conv_2d),),
    "FULLY_CONNECTED": (Variant("int4", _is_packed, _lower_fully_connected),),
}
