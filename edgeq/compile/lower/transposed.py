"""TRANSPOSE_CONV."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.compile.arithmetic import channel_multipliers, weight_values, weighted_output
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.convolution import Window, option_pair
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of


def lower_transpose_conv(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower TRANSPOSE_CONV; every output gathers the inputs that spread to it."""
    inner = replace(node, inputs=(node.inputs[2], node.inputs[1], *node.inputs[3:]))
    rows = weight_values(graph, inner)
    window = Window(
        input=graph.tensor(node.outputs[0]).shape,
        output=graph.tensor(node.inputs[2]).shape,
        kernel=(rows.shape[1], rows.shape[2]),
        stride=option_pair(node, "stride_h", "stride_w"),
        dilation=(1, 1),
        same=node.options.get("padding", "SAME") == "SAME",
    )
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
