"""What has kernels for int16 around 0; operators with weights, in sums of 64 bits or of 32."""

from __future__ import annotations

import numpy as np

from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.groups import group_node
from edgeq.compile.lower.int16_elementwise import (
    lower_curve,
    lower_extreme,
    lower_mean,
    lower_pool,
    lower_product,
    lower_rectifier,
    lower_rescaling,
    lower_softmax,
    lower_sum,
)
from edgeq.compile.lower.int16_output import int16_output
from edgeq.compile.lower.matmul import lower_matmul16
from edgeq.compile.lower.overlaps import in_elements, over_window
from edgeq.compile.lower.transposed import lower_transpose_conv16
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node


def _is_int16(graph: Graph, node: Node, target: Target) -> bool:
    return "int16" in (graph.tensor(t).dtype for t in (node.inputs[0], node.outputs[0]))


def lower_weighted(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower an operator with weights."""
    group = group_node(graph, node)
    output = int16_output(graph, node, group)
    weights = constant("weights", group.rows, np.int8)
    fields = {
        **group.fields,
        "weights": weights.ref,
        "out": output.fields,
    }
    call = Call("eq_int16_conv", "eq_int16_conv", fields, (node.inputs[0], node.outputs[0]))
    return Layer(
        (call,),
        ("eq_int16",),
        (weights, *output.constants),
        f"{group.window.describe()}, int16",
        hot=True,
        overlaps=in_elements(over_window(node.inputs[0], group.window), 2),
    )


ROWS: dict[str, tuple[Variant, ...]] = {
    op: (Variant("int16", _is_int16, lower),)
    for op, lower in {
        "CONV_2D": lower_weighted,
        "DEPTHWISE_CONV_2D": lower_weighted,
        "FULLY_CONNECTED": lower_weighted,
        "ADD": lower_sum,
        "SUB": lower_sum,
        "MUL": lower_product,
        "MAXIMUM": lower_extreme,
        "MINIMUM": lower_extreme,
        "RELU": lower_rectifier,
        "RELU6": lower_rectifier,
        "LEAKY_RELU": lower_rectifier,
        "TRANSPOSE_CONV": lower_transpose_conv16,
        "BATCH_MATMUL": lower_matmul16,
        "AVERAGE_POOL_2D": lower_pool,
        "MAX_POOL_2D": lower_pool,
        "MEAN": lower_mean,
        "SUM": lower_mean,
        "SOFTMAX": lower_softmax,
        "LOGISTIC": lower_curve,
        "TANH": lower_curve,
        "QUANTIZE": lower_rescaling,
        "DEQUANTIZE": lower_rescaling,
    }.items()
}
