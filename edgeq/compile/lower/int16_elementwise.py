"""Operators without weights on int16: sums, products, pools, curves and requantisation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.compile.arithmetic import pack_shift
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.binary import broadcast_fields, overlaps_of_operands
from edgeq.compile.lower.overlaps import in_elements, in_order, over_window
from edgeq.compile.lower.pooling import pool_window
from edgeq.compile.lower.reductions import mean_of
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.curves16 import (
    curve_factor,
    exp_table,
    reciprocal_table,
    sigmoid_table,
    softmax_factor,
)
from edgeq.graph.oracle.elementwise import (
    SUM_SHIFT_16,
    clamp_limits,
    leaky_alpha,
    product_factor,
    sum_factors,
)
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import affine, fused_range, levels_of, scale_of
from edgeq.graph.oracle.tables import leaky_factors

_LARGEST = 1 << 15
_HIGHEST = {"RELU": math.inf, "RELU6": 6.0}


def lower_sum(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower ADD or SUB: both operands on a common scale, 15 bits up."""
    op = call_of(graph, node)
    *sources, result = sum_factors(op)
    a, b = (_factor(real, _LARGEST << SUM_SHIFT_16) for real in sources)
    fields = {
        "loops": broadcast_fields(graph, node),
        "a": a,
        "b": b,
        "out": _result(op, result, 2 * _LARGEST << SUM_SHIFT_16),
        "sign": 1 if node.op == "ADD" else -1,
    }
    return _pair(graph, node, "eq_int16_add", fields)


def lower_product(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MUL."""
    op = call_of(graph, node)
    out = _result(op, product_factor(op), _LARGEST * _LARGEST)
    return _pair(graph, node, "eq_int16_mul", {"loops": broadcast_fields(graph, node), "out": out})


def lower_extreme(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MAXIMUM and MINIMUM."""
    least = int(node.op == "MINIMUM")
    fields = {"loops": broadcast_fields(graph, node), "least": least}
    return _pair(graph, node, "eq_int16_extreme", fields)


def lower_rectifier(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower RELU, RELU6 or LEAKY_RELU."""
    op = call_of(graph, node)
    if node.op == "LEAKY_RELU":
        scales = float(scale_of(op.input(0))), float(scale_of(op.output))
        above, below = leaky_factors(leaky_alpha(op), *scales)
        low, high = levels_of("int16")
    else:
        above = below = float(scale_of(op.input(0)) / scale_of(op.output))
        low, high = clamp_limits(op, 0.0, _HIGHEST[node.op])
    rest, slope = _factor(above, _LARGEST), _factor(abs(below), _LARGEST)
    fields = {
        "count": op.output.elements,
        "multiplier": rest["multiplier"],
        "below_multiplier": slope["multiplier"],
        "shift": rest["shift"],
        "below_shift": slope["shift"],
        "sign": 1 if below >= 0 else -1,
        "min": low,
        "max": high,
    }
    kernel = "eq_int16_rectify"
    overlaps = in_order(graph, node)
    return Layer(
        (Call(kernel, kernel, fields, _ends(node)),), (kernel,), (), "int16", overlaps=overlaps
    )


def _pair(graph: Graph, node: Node, kernel: str, fields: Mapping[str, Any]) -> Layer:
    call = Call(kernel, kernel, fields, (*node.inputs[:2], node.outputs[0]))
    overlaps = in_elements(overlaps_of_operands(graph, node), 2)
    return Layer((call,), ("eq_int16_binary",), (), "int16", overlaps=overlaps)


def _factor(real: float, bound: int) -> Mapping[str, int]:
    multiplier, shift = quantize_multiplier(real)
    return {"multiplier": multiplier, "shift": pack_shift(multiplier, shift, bound)}


def _result(op: OperatorCall, real: float, bound: int) -> Mapping[str, int]:
    low, high = fused_range(op)
    return {**_factor(real, bound), "min": low, "max": high}


def lower_pool(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower AVERAGE_POOL_2D or MAX_POOL_2D."""
    window, (low, high) = pool_window(graph, node), fused_range(call_of(graph, node))
    kind = {"AVERAGE_POOL_2D": "average", "MAX_POOL_2D": "max"}[node.op]
    fields = {"window": window.fields, "min": low, "max": high}
    call = Call(f"eq_int16_{kind}_pool", "eq_int16_pool", fields, _ends(node))
    overlaps = in_elements(over_window(node.inputs[0], window), 2)
    detail = f"{window.describe()}, int16"
    return Layer((call,), ("eq_int16_pool",), (), detail, overlaps=overlaps)


def lower_mean(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MEAN or SUM."""
    fields, overlaps = mean_of(graph, node)
    call = Call("eq_int16_mean", "eq_mean", fields, _ends(node))
    return Layer((call,), ("eq_int16_mean",), (), "int16", overlaps=in_elements(overlaps, 2))


def lower_curve(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower LOGISTIC or TANH with the table that they share."""
    op = call_of(graph, node)
    multiplier, shift = curve_factor(op)
    table = constant("sigmoids", sigmoid_table(), np.int32, shared=True)
    fields = {
        "count": op.output.elements,
        "multiplier": multiplier,
        "shift": shift,
        "sigmoid": table.ref,
    }
    call = Call(f"eq_int16_{node.op.lower()}", "eq_int16_curve", fields, _ends(node))
    overlaps = in_order(graph, node)
    return Layer((call,), ("eq_int16_curves",), (table,), "int16", overlaps=overlaps)


def lower_softmax(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower SOFTMAX with tables of exponentials and reciprocals."""
    op = call_of(graph, node)
    multiplier, shift = softmax_factor(op)
    exp = constant("exponentials", exp_table(), np.int16, shared=True)
    reciprocal = constant("reciprocals", reciprocal_table(), np.int16, shared=True)
    fields = {
        "rows": op.output.elements // op.data[-1],
        "depth": op.data[-1],
        "multiplier": multiplier,
        "shift": pack_shift(multiplier, shift, 2 * _LARGEST),
        "exp": exp.ref,
        "reciprocal": reciprocal.ref,
    }
    call = Call("eq_int16_softmax", "eq_int16_softmax", fields, _ends(node))
    overlaps = in_order(graph, node)
    return Layer((call,), ("eq_int16_curves",), (exp, reciprocal), "int16", overlaps=overlaps)


def lower_rescaling(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower QUANTIZE from or to int16, and DEQUANTIZE from it."""
    op = call_of(graph, node)
    source, result = op.input(0), op.output
    if "float32" in (source.dtype, result.dtype):
        kernel = "eq_quantize_16" if source.dtype == "float32" else "eq_dequantize_16"
        scale, zero = affine(result if source.dtype == "float32" else source)
        fields: dict[str, Any] = {"count": result.elements, "scale": scale, "zero": zero}
        call = Call(kernel, "eq_float", fields, _ends(node))
        overlaps = in_order(graph, node)
        return Layer((call,), ("eq_float_16",), (), "int16", overlaps=overlaps)
    (in_scale, in_zero), (out_scale, out_zero) = affine(source), affine(result)
    fields = {
        "count": result.elements,
        "from": source.bytes // source.elements,
        "to": result.bytes // result.elements,
        "in_zero": in_zero,
        "zero": out_zero,
        **_factor(in_scale / out_scale, 2 * _LARGEST),
    }
    call = Call("eq_convert_16", "eq_convert_16", fields, _ends(node))
    return Layer((call,), ("eq_float_16",), (), f"{source.dtype} to {result.dtype}")


def _ends(node: Node) -> tuple[int, int]:
    return node.inputs[0], node.outputs[0]
