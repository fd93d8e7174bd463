"""Reductions over axes, and what is normalised over the last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.compile.arithmetic import WRAP_LIMIT, pack_shift
from edgeq.compile.layer import Call, Layer, Overlap, constant
from edgeq.compile.lower.loops import axis_loops, strides
from edgeq.compile.lower.overlaps import in_order, over_loops
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.normalization import (
    log_softmax_differences,
    log_softmax_divisor,
    log_softmax_exponentials,
)
from edgeq.graph.oracle.reductions import (
    mean_factor,
    reduced_axes,
    softmax_exponentials,
    total_factor,
)
from edgeq.graph.oracle.requantization import scale_of, zero_point_of

LARGEST_SUM = {"int8": 255, "int16": 1 << 15}  # |q - zero point| of one element
# The loops of eq_mean: kept, reduced, kept, reduced, kept.
_PATTERN = (False, True, False, True, False)


def lower_mean(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MEAN and SUM: the division goes into the multiplier, the zero point into an offset."""
    operands = (node.inputs[0], node.outputs[0])
    fields, overlaps = mean_of(graph, node)
    call = Call("eq_mean", "eq_mean", fields, operands)
    return Layer((call,), ("eq_mean",), overlaps=overlaps)


def mean_of(graph: Graph, node: Node) -> tuple[Mapping[str, Any], tuple[Overlap, ...]]:
    """Return the fields of a MEAN or SUM, and where its output may lie in its input."""
    op = call_of(graph, node)
    _, count = reduced_axes(op)
    multiplier, shift = mean_factor(op) if node.op == "MEAN" else total_factor(op)
    loops = mean_loops(op)
    assert loops is not None
    steps = strides(loops)
    fields = {
        "size": loops,
        "offset": -zero_point_of(op.input(0)) * count,
        "multiplier": multiplier,
        "shift": pack_shift(multiplier, shift, count * LARGEST_SUM[op.input(0).dtype]),
        "zero": zero_point_of(op.output),
    }
    return fields, over_loops(node.inputs[0], loops[::2], steps[::2])


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
    overlaps = in_order(graph, node)
    return Layer((call,), ("eq_softmax", "eq_fixed"), (table,), overlaps=overlaps)


def lower_extreme_of(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower REDUCE_MAX and REDUCE_MIN, which of bools is REDUCE_ALL."""
    fields = {"size": mean_loops(call_of(graph, node)), "least": int(node.op != "REDUCE_MAX")}
    return _layer(node, "eq_reduce", fields, "eq_reduce")


def lower_arg(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower ARG_MAX and ARG_MIN."""
    op = call_of(graph, node)
    fields = {
        **axis_loops(op.data, op.values(1)[0]),
        "least": int(node.op == "ARG_MIN"),
    }
    return _layer(node, "eq_arg", fields, "eq_reduce")


def lower_l2_normalize(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower L2_NORMALIZATION."""
    op = call_of(graph, node)
    depth = op.data[-1]
    fields = {
        "rows": op.output.elements // depth,
        "depth": depth,
        "zero": zero_point_of(op.input(0)),
    }
    layer = _layer(node, "eq_l2_normalize", fields, "eq_l2_normalize", "eq_fixed")
    return replace(layer, overlaps=in_order(graph, node))


def lower_log_softmax(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower LOG_SOFTMAX with tables of differences and exponentials for its input scale."""
    op = call_of(graph, node)
    scaled = constant("scaled", log_softmax_differences(op), np.int32)
    exp = constant("exp", log_softmax_exponentials(op), np.int32)
    multiplier, shift = log_softmax_divisor(op)
    fields = {
        "rows": op.output.elements // op.data[-1],
        "depth": op.data[-1],
        "entries": scaled.data.size,
        "scaled": scaled.ref,
        "exp": exp.ref,
        "multiplier": multiplier,
        "shift": pack_shift(multiplier, shift, WRAP_LIMIT),
    }
    layer = _layer(node, "eq_log_softmax", fields, "eq_log_softmax", "eq_fixed")
    return replace(layer, constants=(scaled, exp), overlaps=in_order(graph, node))


def _layer(node: Node, kernel: str, fields: Mapping[str, Any], *sources: str) -> Layer:
    return Layer((Call(kernel, kernel, fields, (node.inputs[0], node.outputs[0])),), sources)
