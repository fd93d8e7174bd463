"""Operators of two tensors but sums and products: comparisons, PRELU, DIV, SELECT and their kin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeq.compile.arithmetic import pack_shift
from edgeq.compile.layer import Call, Layer
from edgeq.compile.lower.binary import (
    LEVELS,
    broadcast_fields,
    broadcast_sizes,
    overlaps_of_operands,
)
from edgeq.compile.lower.loops import fill_loops
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.comparisons import COMPARISON_SHIFT, comparison_factor
from edgeq.graph.oracle.elementwise import (
    DIFFERENCE_SHIFT,
    difference_factors,
    prelu_factors,
    quotient_factor,
)
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

_LARGEST = 255  # |q - zero point| of an int8
_UNBOUNDED = 1 << 31
# The result where the first element is less than, equal to and greater than the second.
_TRUTHS = {
    "EQUAL": 0b010,
    "NOT_EQUAL": 0b101,
    "LESS": 0b001,
    "LESS_EQUAL": 0b011,
    "GREATER": 0b100,
    "GREATER_EQUAL": 0b110,
}


def lower_extreme(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MAXIMUM and MINIMUM; of bools they are LOGICAL_OR and LOGICAL_AND."""
    least = node.op in ("MINIMUM", "LOGICAL_AND")
    fields = {"loops": broadcast_fields(graph, node), "least": int(least)}
    return _layer(graph, node, "eq_extreme", fields)


def lower_comparison(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower a comparison; of bools as they are stored."""
    op = call_of(graph, node)
    fields = {
        "loops": broadcast_fields(graph, node),
        "a": _compared(op, 0),
        "b": _compared(op, 1),
        "truth": _TRUTHS[node.op],
    }
    return _layer(graph, node, "eq_compare", fields)


def _compared(op: OperatorCall, side: int) -> Mapping[str, int]:
    if op.input(side).dtype == "bool":
        return {"multiplier": 1 << 30, "shift": 0, "zero": 0}
    bound = _LARGEST << COMPARISON_SHIFT
    return _scale(comparison_factor(op, side), bound, zero_point_of(op.input(side)))


def _scale(factor: tuple[int, int], bound: int, zero: int) -> Mapping[str, int]:
    multiplier, shift = factor
    return {"multiplier": multiplier, "shift": pack_shift(multiplier, shift, bound), "zero": zero}


def lower_prelu(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower PRELU."""
    op = call_of(graph, node)
    rest, slope = (quantize_multiplier(real) for real in prelu_factors(op))
    zero = zero_point_of(op.output)
    fields = {
        "loops": broadcast_fields(graph, node),
        "x_zero": zero_point_of(op.input(0)),
        "slope_zero": zero_point_of(op.input(1)),
        "rest": _scale(rest, _LARGEST, zero),
        "slope": _scale(slope, _LARGEST * _LARGEST, zero),
    }
    return _layer(graph, node, "eq_prelu", fields)


def lower_difference(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower SQUARED_DIFFERENCE: both operands on a common scale, 7 bits up."""
    op = call_of(graph, node)
    *sources, result = (quantize_multiplier(real) for real in difference_factors(op))
    bound = _LARGEST << DIFFERENCE_SHIFT
    fields = {
        "loops": broadcast_fields(graph, node),
        "a": _scale(sources[0], bound, zero_point_of(op.input(0))),
        "b": _scale(sources[1], bound, zero_point_of(op.input(1))),
        "out": _scale(result, _UNBOUNDED, zero_point_of(op.output)),
    }
    return _layer(graph, node, "eq_difference", fields)


def lower_quotient(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DIV."""
    op = call_of(graph, node)
    multiplier, shift = quantize_multiplier(quotient_factor(op))
    low, high = fused_range(op)
    fields = {
        "loops": broadcast_fields(graph, node),
        "a_zero": zero_point_of(op.input(0)),
        "b_zero": zero_point_of(op.input(1)),
        "multiplier": multiplier,
        "shift": shift,
        "zero": zero_point_of(op.output),
        "min": low,
        "max": high,
    }
    return _layer(graph, node, "eq_divide", fields, "eq_divide", "eq_fixed")


def lower_select(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower SELECT and SELECT_V2."""
    op = call_of(graph, node)
    loops = broadcast_sizes(op.output.shape, *(op.input(i).shape for i in range(3)))
    names = ("size", "c_step", "a_step", "b_step")
    fields = dict(zip(names, fill_loops(loops, LEVELS), strict=True))
    call = Call("eq_select", "eq_select", fields, (*node.inputs, node.outputs[0]))
    return Layer((call,), ("eq_select",), overlaps=overlaps_of_operands(graph, node))


def _layer(
    graph: Graph, node: Node, kernel: str, fields: Mapping[str, Any], *sources: str
) -> Layer:
    operands = (*node.inputs[:2], node.outputs[0])
    stems = (*(sources or ("eq_pairs",)), "eq_broadcast")
    call = Call(kernel, kernel, fields, operands)
    return Layer((call,), stems, overlaps=overlaps_of_operands(graph, node))
