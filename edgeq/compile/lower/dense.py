"""FULLY_CONNECTED, and the product of matrices that a 1x1 convolution is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import (
    channel_multipliers,
    weight_values,
    weighted_output,
)
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.overlaps import over_rows
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import quantization, scale_of


def dense_layer(
    graph: Graph,
    node: Node,
    rows: NDArray[np.int8],
    multipliers: Sequence[float],
    detail: str = "",
) -> Layer:
    """Return the layer y[n][outputs] = x[n][depth] * rows[outputs][depth]."""
    outputs, depth = rows.shape
    output = weighted_output(graph, node, rows, multipliers)
    array = constant("weights", rows, np.int8)
    count = graph.tensor(node.outputs[0]).elements // outputs
    fields = {
        "rows": count,
        "depth": depth,
        "outputs": outputs,
        "weights": array.ref,
        "out": output.fields,
    }
    call = Call("eq_dense", "eq_dense", fields, (node.inputs[0], node.outputs[0]))
    overlaps = over_rows(node.inputs[0], count, depth, outputs, tile=2)
    constants = (array, *output.constants)
    return Layer((call,), ("eq_dense",), constants, detail, hot=True, overlaps=overlaps)


def lower_fully_connected(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED, per-tensor or per-channel."""
    return dense_layer(graph, node, weight_values(graph, node), dense_multipliers(graph, node))


def dense_multipliers(graph: Graph, node: Node) -> list[float]:
    """Return the real multipliers of a FULLY_CONNECTED: a single one, or one for each output."""
    x, w, y = (graph.tensor(i) for i in (*node.inputs[:2], node.outputs[0]))
    if quantization(w).per_channel:
        return channel_multipliers(graph, node)
    # Single precision product, double division: GetQuantizedConvolutionMultipler.
    return [float(scale_of(x) * scale_of(w)) / float(scale_of(y))]
