"""ADD, SUB and MUL, with broadcasting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeq.compile.arithmetic import pack_shift
from edgeq.compile.layer import Call, Layer, Overlap
from edgeq.compile.lower.loops import Steps, fill_loops, merge_loops, strides
from edgeq.compile.lower.overlaps import over_loops
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.elementwise import (
    SUM_SHIFT,
    product_factor,
    sum_factors,
)
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

LEVELS = 4
_LARGEST = 255  # |q - zero point| of an int8
_ONE_HALF = (1 << 30, 0)


def lower_sum(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower ADD or SUB: both operands on a common scale, 20 bits up."""
    op = call_of(graph, node)
    *sources, result = sum_factors(op)
    fields = {
        "loops": broadcast_fields(graph, node),
        "a": _operand(sources[0], zero_point_of(op.input(0))),
        "b": _operand(sources[1], zero_point_of(op.input(1))),
        "out": _result(graph, node, result, 2 * _LARGEST << SUM_SHIFT),
        "sign": 1 if node.op == "ADD" else -1,
    }
    return _layer(graph, node, "eq_add", fields)


def lower_product(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MUL."""
    op = call_of(graph, node)
    fields = {
        "loops": broadcast_fields(graph, node),
        "a_zero": zero_point_of(op.input(0)),
        "b_zero": zero_point_of(op.input(1)),
        "out": _result(graph, node, product_factor(op), _LARGEST * _LARGEST),
    }
    return _layer(graph, node, "eq_mul", fields)


def broadcast_sizes(shape: Steps, *operands: Steps) -> tuple[Steps, ...]:
    """Return the fewest loops over the output `shape`, and the steps of every operand in them."""
    steps = []
    for operand in operands:
        full = (1,) * (len(shape) - len(operand)) + operand
        steps.append([s if n > 1 else 0 for n, s in zip(full, strides(full), strict=True)])
    return merge_loops(shape, *steps)


def broadcast_fields(graph: Graph, node: Node) -> Mapping[str, Any]:
    """Return the initialiser of `struct eq_broadcast`."""
    op = call_of(graph, node)
    loops = broadcast_sizes(op.output.shape, op.input(0).shape, op.input(1).shape)
    size, a_step, b_step = fill_loops(loops, LEVELS)
    return {"size": size, "a_step": a_step, "b_step": b_step}


def _operand(factor: float, zero: int) -> Mapping[str, int]:
    multiplier, shift = quantize_multiplier(factor)
    if (multiplier, shift) == _ONE_HALF:
        multiplier, packed = 0, 0
    elif multiplier == 0:
        multiplier, packed = 1, 30  # nothing is left of the operand, and nought stands for a half
    else:
        packed = pack_shift(multiplier, shift, _LARGEST << SUM_SHIFT)
    return {"multiplier": multiplier, "shift": packed, "zero": zero}


def _result(graph: Graph, node: Node, factor: float, bound: int) -> Mapping[str, int]:
    op = call_of(graph, node)
    multiplier, shift = quantize_multiplier(factor)
    low, high = fused_range(op)
    return {
        "multiplier": multiplier,
        "shift": pack_shift(multiplier, shift, bound),
        "zero": zero_point_of(op.output),
        "min": low,
        "max": high,
    }


def _layer(graph: Graph, node: Node, kernel: str, fields: Mapping[str, Any]) -> Layer:
    operands = (*node.inputs[:2], node.outputs[0])
    return Layer(
        (Call(kernel, kernel, fields, operands),),
        ("eq_binary", "eq_broadcast"),
        overlaps=overlaps_of_operands(graph, node),
    )


def overlaps_of_operands(graph: Graph, node: Node) -> tuple[Overlap, ...]:
    """Return the overlaps of a kernel that takes all operands element by element, in order."""
    shapes = [graph.tensor(t).shape for t in node.inputs]
    size, *steps = broadcast_sizes(graph.tensor(node.outputs[0]).shape, *shapes)
    found = [over_loops(t, size, step) for t, step in zip(node.inputs, steps, strict=False)]
    return tuple(overlap for overlaps in found for overlap in overlaps)
