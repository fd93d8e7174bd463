"""BATCH_MATMUL."""

from __future__ import annotations

import math

from edgeq.compile.arithmetic import pack_shift
from edgeq.compile.layer import Call, Layer
from edgeq.compile.lower.loops import Steps, fill_loops, merge_loops, strides
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.oracle.weighted import matrix_factor

LEVELS = 3
LARGEST_PRODUCT = 255 * 255


def lower_batch_matmul(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower BATCH_MATMUL; a transposed matrix is one with other steps."""
    op = call_of(graph, node)
    rows, columns = op.output.shape[-2:]
    turned = bool(op.option("adj_x", False)), bool(op.option("adj_y", False))
    depth = op.data[-2] if turned[0] else op.data[-1]
    multiplier, shift = quantize_multiplier(matrix_factor(op))
    size, a_step, b_step = fill_loops(matrix_loops(op), LEVELS)
    fields = {
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
        "multiplier": multiplier,
        "shift": pack_shift(multiplier, shift, depth * LARGEST_PRODUCT),
        "a_zero": zero_point_of(op.input(0)),
        "b_zero": zero_point_of(op.input(1)),
        "zero": zero_point_of(op.output),
    }
    operands = (*node.inputs, node.outputs[0])
    return Layer((Call("eq_matmul", "eq_matmul", fields, operands),), ("eq_matmul",), hot=True)


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
