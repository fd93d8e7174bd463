"""TRANSPOSE_CONV."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.compile.arithmetic import channel_multipliers, weight_values, weighted_output
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.convolution import Window, option_pair
from edgeq.compile.lower.groups import Grouped
from edgeq.compile.lower.int16_output import int16_output
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of


def lower_transpose_conv(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower TRANSPOSE_CONV; every output gathers the inputs that spread to it."""
    inner = _as_convolution(node)
    rows, window = weight_values(graph, inner), _window(graph, node)
    output = weighted_output(
        graph, inner, rows.reshape(len(rows), -1), channel_multipliers(graph, inner), folded=False
    )
    array = constant("weights", rows, np.int8)
    fields = {
        "window": window.fields,
        "in_zero": zero_point_of(graph.tensor(node.inputs[2])),
        "weights": array.ref,
        "out": output.fields,
    }
    call = Call("eq_transpose_conv", "eq_transpose_conv", fields, (node.inputs[2], node.outputs[0]))
    constants = (array, *output.constants)
    return Layer((call,), ("eq_transpose_conv",), constants, window.describe(), hot=True)


def lower_transpose_conv16(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower TRANSPOSE_CONV on int16."""
    inner, window = _as_convolution(node), _window(graph, node)
    rows, multipliers = weight_values(graph, inner), channel_multipliers(graph, inner)
    flat, depth = rows.reshape(len(rows), -1), rows.shape[3]
    output = int16_output(graph, inner, Grouped(window, flat, multipliers, depth, len(rows)))
    array = constant("weights", rows, np.int8)
    fields = {"window": window.fields, "weights": array.ref, "out": output.fields}
    kernel = "eq_int16_transpose_conv"
    call = Call(kernel, kernel, fields, (node.inputs[2], node.outputs[0]))
    detail = f"{window.describe()}, int16"
    return Layer((call,), (kernel,), (array, *output.constants), detail, hot=True)


def _as_convolution(node: Node) -> Node:
    """Return a TRANSPOSE_CONV with its tensors where a CONV_2D has them."""
    inputs = (node.inputs[2], node.inputs[1], *node.inputs[3:])
    return replace(node, op="CONV_2D", inputs=inputs)


def _window(graph: Graph, node: Node) -> Window:
    """Return the window of the convolution from the output back to the input."""
    _, *kernel, _ = graph.tensor(node.inputs[1]).shape
    return Window(
        input=graph.tensor(node.outputs[0]).shape,
        output=graph.tensor(node.inputs[2]).shape,
        kernel=(kernel[0], kernel[1]),
        stride=option_pair(node, "stride_h", "stride_w"),
        dilation=(1, 1),
        same=node.options.get("padding", "SAME") == "SAME",
    )
