"""FULLY_CONNECTED and CONV_2D: rows of bytes by a matrix of weights."""

from __future__ import annotations

import numpy as np

from edgeq.compile.arithmetic import channel_multipliers, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, Overlap, constant
from edgeq.compile.lower.convolution import node_window
from edgeq.compile.lower.dense import dense_multipliers
from edgeq.compile.lower.mve.arithmetic import LANES, shifts_right, vector_output
from edgeq.compile.lower.mve.order import overlap_distance, window_starts
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of

PIXELS = 2  # rows of bytes that share each load of weights


def multiplies_rows(graph: Graph, node: Node, target: Target) -> bool:
    """Whether a FULLY_CONNECTED or CONV_2D has outputs for a vector and factors below a half."""
    wide = graph.tensor(node.outputs[0]).shape[-1] >= LANES
    return target.mve and wide and shifts_right(_multipliers(graph, node))


def is_pointwise(graph: Graph, node: Node, target: Target) -> bool:
    """Whether a CONV_2D is a product of matrices."""
    window = node_window(graph, node)
    plain = window.kernel == window.stride == (1, 1) and not window.is_padded
    return plain and multiplies_rows(graph, node, target)


def lower_dense(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED or a 1x1 CONV_2D."""
    weights = weight_values(graph, node)
    rows = weights.reshape(len(weights), -1)
    output = vector_output(graph, node, rows, _multipliers(graph, node))
    array = constant("weights", rows, np.int8)
    outputs, depth = rows.shape
    count = graph.tensor(node.outputs[0]).elements // outputs
    fields = {
        "rows": count,
        "depth": depth,
        "outputs": outputs,
        "weights": array.ref,
        "out": output.fields,
    }
    steps = range(0, count, PIXELS)
    distance = overlap_distance(
        [r * depth for r in steps], [min(r + PIXELS, count) * outputs for r in steps], held=True
    )
    call = Call("eq_mve_dense", "eq_mve_dense", fields, (node.inputs[0], node.outputs[0]))
    return Layer(
        (call,),
        ("eq_mve_dense", "eq_mve_matrix"),
        (array, *output.constants),
        "1x1" if node.op == "CONV_2D" else "",
        hot=True,
        overlaps=(Overlap(node.inputs[0], distance),),
    )


def lower_conv(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower any CONV_2D: windows of two pixels are gathered, then multiplied like rows."""
    window = node_window(graph, node)
    weights = weight_values(graph, node)
    rows = weights.reshape(len(weights), -1)
    output = vector_output(graph, node, rows, _multipliers(graph, node))
    array = constant("weights", rows, np.int8)
    in_place = window.kernel[0] == 1 and window.dilation[1] == 1
    fields = {
        "window": window.fields,
        "in_zero": zero_point_of(graph.tensor(node.inputs[0])),
        "weights": array.ref,
        "out": output.fields,
    }
    operands = (node.inputs[0], node.outputs[0], SCRATCH)
    distance = overlap_distance(*window_starts(window, PIXELS), held=in_place)
    return Layer(
        (Call("eq_mve_conv", "eq_mve_conv", fields, operands),),
        ("eq_mve_conv", "eq_mve_matrix"),
        (array, *output.constants),
        window.describe(),
        hot=True,
        scratch=PIXELS * rows.shape[1],
        overlaps=(Overlap(node.inputs[0], distance),),
    )


def _multipliers(graph: Graph, node: Node) -> list[float]:
    return (
        dense_multipliers(graph, node)
        if node.op == "FULLY_CONNECTED"
        else channel_multipliers(graph, node)
    )


MATRIX_ROWS: dict[str, tuple[Variant, ...]] = {
    "FULLY_CONNECTED": (Variant("mve-dense", multiplies_rows, lower_dense),),
    "CONV_2D": (
        Variant("mve-pointwise", is_pointwise, lower_dense),
        Variant("mve-conv", multiplies_rows, lower_conv),
    ),
}
