"""BATCH_MATMUL on cores with SMLAD."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import shifts_right
from edgeq.compile.layer import SCRATCH, Call, Layer
from edgeq.compile.lower.dsp.dense import tile_layer
from edgeq.compile.lower.dsp.tiles import pairs_fit
from edgeq.compile.lower.loops import fill_loops
from edgeq.compile.lower.matmul import LEVELS, matrix_loops
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.oracle.weighted import matrix_factor

_FOUR, _PAIR = 4, 2  # lines of a tile
_BLOCK_BYTES = 1024  # of lines that are widened at a time, four of them at least


@dataclass(frozen=True, slots=True)
class Lines:
    """The rows of the first operand, or the columns of the second: `struct eq_dsp_lines`."""

    side: int
    count: int
    line: int
    step: int
    y: int
    zero: int

    @property
    def fields(self) -> Mapping[str, int]:
        """The initialiser."""
        return {n: getattr(self, n) for n in ("count", "line", "step", "y", "zero")}


def _is_dense(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether one constant matrix, with zero point 0, multiplies all rows."""
    op = call_of(graph, node)
    weights = op.input(1)
    return (
        weights.is_constant
        and math.prod(weights.shape[:-2]) == 1
        and zero_point_of(weights) == 0
        and not op.option("adj_x", False)
        and _is_tiled(graph, node, target)
        and pairs_fit(graph, node, _rows(op))
    )


def _lower_dense(graph: Graph, node: Node, target: Target) -> Layer:
    op = call_of(graph, node)
    return tile_layer(graph, node, _rows(op), [matrix_factor(op)])


def _rows(op: OperatorCall) -> NDArray[np.int8]:
    """Return a constant second operand as [columns, depth]."""
    data = op.input(1).data
    assert data is not None
    matrix = data.reshape(data.shape[-2:]).astype(np.int8)
    return matrix if op.option("adj_y", False) else matrix.T


def _is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    factor = matrix_factor(call_of(graph, node))
    return target.dsp and factor > 0 and shifts_right([factor])


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    op = call_of(graph, node)
    depth = op.data[-2] if op.option("adj_x", False) else op.data[-1]
    multiplier, shift = quantize_multiplier(matrix_factor(op))
    size, *steps = fill_loops(matrix_loops(op), LEVELS)
    x, w = _order(*_lines(op, depth))
    line = 4 * (2 * (depth // 4) + (depth % 4 + 1) // 2)
    most = _BLOCK_BYTES // line if target.options.goal != "ram" else 0
    block = min(max(most - most % _FOUR, _FOUR), _whole(w.count, _FOUR))
    fields = {
        "size": size,
        "x_step": steps[x.side],
        "w_step": steps[w.side],
        "depth": depth,
        "block": block,
        "x": x.fields,
        "w": w.fields,
        "matrix": x.count * w.count,
        "multiplier": 2 * multiplier - (1 << 32),
        "shift": -shift,
        "zero": zero_point_of(op.output),
    }
    kernel = "eq_dsp_matmul"
    operands = (node.inputs[x.side], node.inputs[w.side], SCRATCH, node.outputs[0])
    return Layer(
        (Call(kernel, kernel, fields, operands),),
        (kernel,),
        hot=True,
        scratch=line * (_FOUR + block),
    )


def _lines(op: OperatorCall, depth: int) -> tuple[Lines, Lines]:
    rows, columns = op.output.shape[-2:]
    zeros = [zero_point_of(op.input(side)) for side in range(2)]
    row = (1, rows) if op.option("adj_x", False) else (depth, 1)
    column = (depth, 1) if op.option("adj_y", False) else (1, columns)
    return Lines(0, rows, *row, columns, zeros[0]), Lines(1, columns, *column, 1, zeros[1])


def _order(a: Lines, b: Lines) -> tuple[Lines, Lines]:
    """Return the operand whose lines are taken in fours, then the other: what wastes least."""
    waste = [_whole(x.count, _FOUR) * _whole(w.count, _PAIR) for x, w in ((a, b), (b, a))]
    return (a, b) if waste[0] <= waste[1] else (b, a)


def _whole(count: int, size: int) -> int:
    return -(-count // size) * size


MATRICES = (
    Variant("dense", _is_dense, _lower_dense),
    Variant("tiles", _is_tiled, _lower),
)
