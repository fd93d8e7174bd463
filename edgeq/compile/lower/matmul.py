"""BATCH_MATMUL."""

from __future__ import annotations

import math
from typing import Any

from edgeq.compile.arithmetic import pack_shift
from edgeq.compile.layer import Call, Layer
from edgeq.compile.lower.loops import Steps, fill_loops, merge_loops, strides
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier, reduce_multiplier
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.oracle.weighted import matrix_factor

LEVELS = 3
LARGEST_PRODUCT = 255 * 255
WIDE_BITS = 15  # below the point of a multiplier of sums of 64 bits


def lower_batch_matmul(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower BATCH_MATMUL."""
    op = call_of(graph, node)
    sizes = _matrix_fields(op)
    multiplier, shift = quantize_multiplier(matrix_factor(op))
    fields = {
        **sizes,
        "multiplier": multiplier,
        "shift": pack_shift(multiplier, shift, sizes["depth"] * LARGEST_PRODUCT),
        "a_zero": zero_point_of(op.input(0)),
        "b_zero": zero_point_of(op.input(1)),
        "zero": zero_point_of(op.output),
    }
    operands = (*node.inputs, node.outputs[0])
    return Layer((Call("eq_matmul", "eq_matmul", fields, operands),), ("eq_matmul",), hot=True)


def lower_matmul16(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower BATCH_MATMUL on int16, whose sums have 64 bits."""
    op = call_of(graph, node)
    multiplier, shift = quantize_multiplier(matrix_factor(op))
    fields = {
        **_matrix_fields(op),
        "multiplier": reduce_multiplier(multiplier),
        "shift": WIDE_BITS - shift,
    }
    kernel, operands = "eq_int16_matmul", (*node.inputs, node.outputs[0])
    return Layer((Call(kernel, kernel, fields, operands),), (kernel,), (), "int16", hot=True)


def _matrix_fields(op: OperatorCall) -> dict[str, Any]:
    """Return sizes and steps of the loops; a transposed matrix is one with other steps."""
    rows, columns = op.output.shape[-2:]
    turned = bool(op.option("adj_x", False)), bool(op.option("adj_y", False))
    depth = op.data[-2] if turned[0] else op.data[-1]
    size, a_step, b_step = fill_loops(matrix_loops(op), LEVELS)
    return {
        "size": size,
        "a_step": a_step,
        "b_step": b_step,
        "rows": rows,
        "columns": columns,
        "depth": depth,
        "a_row": 1 if turned[0] else depth,
        "a_depth": rows if turned[0] else 1,
        "b_column": depth if turned[1] else 1,
        "b_depth": 1 if turned[1] else columns,
    }


def matrix_loops(op: OperatorCall) -> tuple[Steps, ...]:
    """Return the fewest loops over the matrices, and the steps of both operands in them."""
    lead = op.output.shape[:-2]
    steps = []
    for side in range(2):
        shape = op.input(side).shape
        batch = (1,) * (len(lead) - len(shape[:-2])) + shape[:-2]
        matrix = math.prod(shape[-2:])
        steps.append(
            [s * matrix if n > 1 else 0 for n, s in zip(batch, strides(batch), strict=True)]
        )
    return merge_loops(lead, *steps)
