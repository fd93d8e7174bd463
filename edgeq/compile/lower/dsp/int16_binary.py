"""ADD, SUB and MUL on int16 for cores with SMMLAR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeq.compile.layer import Call, Layer
from edgeq.compile.lower.binary import broadcast_fields, overlaps_of_operands
from edgeq.compile.lower.dsp.int16_tiles import ELEMENT_BYTES, is_int16
from edgeq.compile.lower.overlaps import in_elements
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.elementwise import SUM_SHIFT_16, product_factor, sum_factors
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range

_ONE_HALF = (1 << 30, 0)
_NOTHING = (1 << 30, -31)  # of what stays below 2^30 nothing is left


def is_sum(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the kernel takes an ADD or a SUB: the operand of the larger scale is halved
    without a rest, as it always is, and the sum gets smaller."""
    if not is_int16(graph, node, target):
        return False
    *sources, result = map(quantize_multiplier, sum_factors(call_of(graph, node)))
    first, second = (_is_below_half(s) for s in sources)
    halved = _ONE_HALF in sources and (first or second or sources[0] == sources[1])
    return halved and _is_below_half(result)


def lower_sum(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower ADD or SUB: both operands on a common scale, 15 bits up."""
    op = call_of(graph, node)
    *sources, result = map(quantize_multiplier, sum_factors(op))
    signs = (1, 1 if node.op == "ADD" else -1)
    a = sources.index(_ONE_HALF)
    loops = broadcast_fields(graph, node)
    if a == 1:
        loops = {"size": loops["size"], "a_step": loops["b_step"], "b_step": loops["a_step"]}
    # One half as (2^31, -1) has the form of all others.
    other = _factor(sources[1 - a]) if sources[1 - a] != _ONE_HALF else (0, 1)
    fields = {
        "loops": loops,
        "a_factor": signs[a] << SUM_SHIFT_16 - 1,
        "b_sign": signs[1 - a],
        "b_factor": _named(other),
        "out": _result(op, result),
    }
    operands = (node.inputs[a], node.inputs[1 - a])
    return _layer(graph, node, "eq_dsp16_sum", fields, operands)


def is_product(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the kernel takes a MUL: the product gets smaller."""
    return is_int16(graph, node, target) and _is_below_half(
        quantize_multiplier(product_factor(call_of(graph, node)))
    )


def lower_product(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MUL."""
    op = call_of(graph, node)
    out = _result(op, quantize_multiplier(product_factor(op)))
    fields = {"loops": broadcast_fields(graph, node), "out": out}
    return _layer(graph, node, "eq_dsp16_product", fields, (node.inputs[0], node.inputs[1]))


def _is_below_half(factor: tuple[int, int]) -> bool:
    multiplier, shift = factor
    return multiplier == 0 or shift < 0


def _factor(factor: tuple[int, int]) -> tuple[int, int]:
    """Return the fields of `struct eq_dsp16_factor` of a factor below a half."""
    multiplier, shift = factor if factor[0] else _NOTHING
    return 2 * multiplier - (1 << 32), -shift


def _named(factor: tuple[int, int]) -> Mapping[str, int]:
    return {"multiplier": factor[0], "shift": factor[1]}


def _result(op: OperatorCall, factor: tuple[int, int]) -> Mapping[str, Any]:
    low, high = fused_range(op)
    return {"factor": _named(_factor(factor)), "min": low, "max": high}


def _layer(
    graph: Graph, node: Node, kernel: str, fields: Mapping[str, Any], inputs: tuple[int, int]
) -> Layer:
    call = Call(kernel, kernel, fields, (*inputs, node.outputs[0]))
    overlaps = in_elements(overlaps_of_operands(graph, node), ELEMENT_BYTES)
    return Layer((call,), ("eq_dsp16_binary",), (), "int16", hot=True, overlaps=overlaps)
