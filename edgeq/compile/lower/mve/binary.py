"""ADD, SUB and MUL of operands whose rows are contiguous."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeq.compile.arithmetic import shifts_right
from edgeq.compile.layer import Call, Layer, Overlap
from edgeq.compile.lower.binary import broadcast_fields, broadcast_sizes
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.elementwise import SUM_SHIFT, product_factor, sum_factors
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

_ONE_HALF = (1 << 30, 0)
_KERNEL = "eq_mve_binary"


def adds_rows(graph: Graph, node: Node, target: Target) -> bool:
    """Whether a sum has contiguous rows and one operand on exactly half the common scale."""
    if not target.mve or not _has_rows(graph, node):
        return False
    *sources, result = sum_factors(call_of(graph, node))
    return _ONE_HALF in map(quantize_multiplier, sources) and shifts_right([result])


def multiplies_pairs(graph: Graph, node: Node, target: Target) -> bool:
    """Whether a product has contiguous rows and a factor below a half."""
    return (
        target.mve
        and _has_rows(graph, node)
        and shifts_right([product_factor(call_of(graph, node))])
    )


def lower_add(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower ADD or SUB; the operand with the larger scale comes first, whichever it is."""
    op = call_of(graph, node)
    *sources, result = sum_factors(op)
    pairs = [quantize_multiplier(s) for s in sources]
    signs = (1, 1 if node.op == "ADD" else -1)
    plain = pairs.index(_ONE_HALF)
    scaled = 1 - plain
    zeros = [zero_point_of(op.input(i)) for i in range(2)]
    factor = signs[plain] << (SUM_SHIFT - 1)
    multiplier, shift = pairs[scaled]
    # A half shifts right by nothing, where the kernel rounds: one bit up, and down again.
    up = SUM_SHIFT + (shift == 0)
    loops = broadcast_fields(graph, node)
    if plain == 1:
        loops = {"size": loops["size"], "a_step": loops["b_step"], "b_step": loops["a_step"]}
    fields = {
        "loops": loops,
        "plain_factor": factor,
        "plain_offset": -zeros[plain] * factor,
        "scaled_factor": 1 << up,
        "scaled_offset": -zeros[scaled] << up,
        "multiplier": multiplier,
        "shift": min(shift, -1),
        "sign": signs[scaled],
        "out": _result(graph, node, result),
    }
    operands = (node.inputs[plain], node.inputs[scaled], node.outputs[0])
    return _layer(graph, node, "eq_mve_add", fields, operands)


def lower_mul(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MUL."""
    op = call_of(graph, node)
    fields = {
        "loops": broadcast_fields(graph, node),
        "a_zero": zero_point_of(op.input(0)),
        "b_zero": zero_point_of(op.input(1)),
        "out": _result(graph, node, product_factor(op)),
    }
    return _layer(graph, node, "eq_mve_mul", fields, (*node.inputs[:2], node.outputs[0]))


def _has_rows(graph: Graph, node: Node) -> bool:
    op = call_of(graph, node)
    size, *steps = broadcast_sizes(op.output.shape, op.input(0).shape, op.input(1).shape)
    return bool(size) and all(step[-1] == 1 for step in steps)


def _result(graph: Graph, node: Node, factor: float) -> Mapping[str, int]:
    op = call_of(graph, node)
    multiplier, shift = quantize_multiplier(factor)
    low, high = fused_range(op)
    return {
        "multiplier": multiplier,
        "shift": shift if multiplier else -1,
        "zero": zero_point_of(op.output),
        "min": low,
        "max": high,
    }


def _layer(
    graph: Graph, node: Node, kernel: str, fields: Mapping[str, Any], operands: tuple[int, ...]
) -> Layer:
    """Return the layer; an operand that is no broadcast is read just before it is overwritten."""
    shape = graph.tensor(node.outputs[0]).shape
    whole = (t for t in dict.fromkeys(node.inputs[:2]) if graph.tensor(t).shape == shape)
    return Layer(
        (Call(kernel, kernel, fields, operands),),
        (_KERNEL,),
        hot=True,
        overlaps=tuple(Overlap(t) for t in whole if not graph.tensor(t).is_constant),
    )


BINARY_ROWS: dict[str, tuple[Variant, ...]] = {
    "ADD": (Variant("mve-add", adds_rows, lower_add),),
    "SUB": (Variant("mve-add", adds_rows, lower_add),),
    "MUL": (Variant("mve-mul", multiplies_pairs, lower_mul),),
}
