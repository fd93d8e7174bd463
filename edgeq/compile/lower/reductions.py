"""MEAN and SOFTMAX."""

from __future__ import annotations

import numpy as np

from edgeq.compile.arithmetic import pack_shift
from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.loops import strides
from edgeq.compile.lower.overlaps import in_order, over_loops
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.reductions import mean_factor, reduced_axes, softmax_exponentials
from edgeq.graph.oracle.requantization import scale_of, zero_point_of

LARGEST_SUM = 255  # |q - zero point| of one element
# The loops of eq_mean: kept, reduced, kept, reduced, kept.
_PATTERN = (False, True, False, True, False)


def lower_mean(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MEAN: the division goes into the multiplier, the zero point into an offset."""
    op = call_of(graph, node)
    _, count = reduced_axes(op)
    multiplier, shift = mean_factor(op)
    loops = mean_loops(op)
    assert loops is not None
    steps = strides(loops)
    fields = {
        "size": loops,
        "offset": -zero_point_of(op.input(0)) * count,
        "multiplier": multiplier,
        "shift": pack_shift(multiplier, shift, count * LARGEST_SUM),
        "zero": zero_point_of(op.output),
    }
    operands = (node.inputs[0], node.outputs[0])
    call = Call("eq_mean", "eq_mean", fields, operands)
    overlaps = over_loops(operands[0], loops[::2], steps[::2])
    return Layer((call,), ("eq_mean",), overlaps=overlaps)


def mean_loops(op: OperatorCall) -> tuple[int, ...] | None:
    """Return the input's shape as [kept][reduced][kept][reduced][kept], None if it is not so."""
    axes, _ = reduced_axes(op)
    sizes, slot = [1] * len(_PATTERN), 0
    for axis, size in enumerate(op.data):
        if size == 1:
            continue
        while slot < len(_PATTERN) and _PATTERN[slot] != (axis in axes):
            slot += 1
        if slot == len(_PATTERN):
            return None
        sizes[slot] *= size
    return tuple(sizes)


def lower_softmax(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower SOFTMAX with a table of exponentials for its input scale."""
    op = call_of(graph, node)
    beta, scale = float(op.option("beta", 0.0)), float(scale_of(op.input(0)))  # type: ignore[arg-type]
    values = softmax_exponentials(beta, scale)
    table = constant("exp", values, np.int32)
    fields = {
        "rows": op.output.elements // op.data[-1],
        "depth": op.data[-1],
        "entries": len(values),
        "exp": table.ref,
    }
    operands = (node.inputs[0], node.outputs[0])
    call = Call("eq_softmax", "eq_softmax", fields, operands)
    return Layer((call,), ("eq_softmax",), (table,), overlaps=in_order(graph, node))
