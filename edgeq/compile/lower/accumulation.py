"""Sums that grow: CUMSUM along an axis, ADD_N over tensors."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.compile.arithmetic import WRAP_LIMIT, pack_shift
from edgeq.compile.layer import SCRATCH, Call, Layer
from edgeq.compile.lower.loops import axis_loops
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.elementwise import accumulation_factor
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import zero_point_of


def lower_cumsum(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CUMSUM."""
    op = call_of(graph, node)
    fields = {
        **axis_loops(op.data, op.values(1)[0]),
        "backwards": int(bool(op.option("reverse", False))),
        "exclusive": int(bool(op.option("exclusive", False))),
        "out": _total(op),
    }
    operands = (node.inputs[0], node.outputs[0])
    return Layer((Call("eq_cumsum", "eq_cumsum", fields, operands),), ("eq_accumulate",))


def lower_add_n(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower ADD_N: one tensor after the other onto sums of 16 bits."""
    op = call_of(graph, node)
    count = op.output.elements
    calls = [
        Call("eq_add_one", "eq_add_one", {"count": count, "first": int(i == 0)}, (index, SCRATCH))
        for i, index in enumerate(node.inputs)
    ]
    # Every zero point, and the one from which the sum starts.
    offset = -(len(node.inputs) + 1) * zero_point_of(op.input(0))
    fields = {"count": count, "offset": offset, "out": _total(op)}
    calls.append(Call("eq_add_done", "eq_add_done", fields, (SCRATCH, node.outputs[0])))
    return Layer(tuple(calls), ("eq_accumulate",), scratch=2 * count)


def _total(op: OperatorCall) -> Mapping[str, int]:
    multiplier, shift = quantize_multiplier(accumulation_factor(op))
    return {
        "multiplier": multiplier,
        "shift": pack_shift(multiplier, shift, WRAP_LIMIT),
        "in_zero": zero_point_of(op.input(0)),
        "zero": zero_point_of(op.output),
    }
