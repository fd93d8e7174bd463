"""What has kernels for int16 around 0; operators with weights, in sums of 64 bits or of 32."""

from __future__ import annotations

import numpy as np

from edgeq.compile.arithmetic import (
    accumulator_bounds,
    bias_values,
    pack_shift,
)
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.dsp import int16 as dsp
from edgeq.compile.lower.groups import group_node
from edgeq.compile.lower.int16_elementwise import (
    lower_curve,
    lower_pool,
    lower_product,
    lower_rescaling,
    lower_softmax,
    lower_sum,
)
from edgeq.compile.lower.overlaps import in_elements, over_window
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier, reduce_multiplier
from edgeq.graph.oracle.requantization import fused_range
from edgeq.graph.oracle.weighted import has_wide_sums


def _is_int16(graph: Graph, node: Node, target: Target) -> bool:
    return "int16" in (graph.tensor(t).dtype for t in (node.inputs[0], node.outputs[0]))


def lower_weighted(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower an operator with weights."""
    group = group_node(graph, node)
    rows, multipliers = group.rows, group.multipliers
    wide = has_wide_sums(call_of(graph, node))
    weights = constant("weights", rows, np.int8)
    bias = constant("bias", bias_values(graph, node, len(rows)), np.int64)
    bounds = accumulator_bounds(rows, bias.data, 0, largest=1 << 15)
    if len(set(multipliers)) == 1:
        multipliers, bounds = multipliers[:1], bounds.max(keepdims=True)
    pairs = [quantize_multiplier(m) for m in multipliers]
    if wide:
        packed = [(reduce_multiplier(m), 15 - s) for m, s in pairs]
    else:
        packed = [(p[0], pack_shift(*p, int(b))) for p, b in zip(pairs, bounds, strict=True)]
    factors = constant("multiplier", [m for m, _ in packed], np.int32)
    shifts = constant("shift", [s for _, s in packed], np.int8)
    low, high = fused_range(call_of(graph, node))
    fields = {
        **group.fields,
        "weights": weights.ref,
        "out": {
            "bias": bias.ref,
            "multiplier": factors.ref,
            "shift": shifts.ref,
            "mask": -1 if len(packed) > 1 else 0,
            "wide": int(wide),
            "min": low,
            "max": high,
        },
    }
    call = Call("eq_int16_conv", "eq_int16_conv", fields, (node.inputs[0], node.outputs[0]))
    constants = (weights, bias, factors, shifts)
    return Layer(
        (call,),
        ("eq_int16",),
        constants,
        f"{group.window.describe()}, int16",
        hot=True,
        overlaps=in_elements(over_window(node.inputs[0], group.window), 2),
    )


ROWS: dict[str, tuple[Variant, ...]] = {
    op: (*dsp.ROWS.get(op, ()), Variant("int16", _is_int16, lower))
    for op, lower in {
        "CONV_2D": lower_weighted,
        "DEPTHWISE_CONV_2D": lower_weighted,
        "FULLY_CONNECTED": lower_weighted,
        "ADD": lower_sum,
        "SUB": lower_sum,
        "MUL": lower_product,
        "AVERAGE_POOL_2D": lower_pool,
        "MAX_POOL_2D": lower_pool,
        "SOFTMAX": lower_softmax,
        "LOGISTIC": lower_curve,
        "TANH": lower_curve,
        "QUANTIZE": lower_rescaling,
        "DEQUANTIZE": lower_rescaling,
    }.items()
}
