"""Operators that move bytes: every one is a fill or a strided copy, or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeq.compile.layer import Call, Layer, Overlap
from edgeq.compile.lower.loops import Steps, fill_loops, merge_loops, strides
from edgeq.compile.lower.overlaps import over_loops
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.shapes import normalize, slice_bounds

LEVELS = 5


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of `source` between strided arrays, in its fewest loops; starts are in elements."""

    source: int
    start: int
    to: int
    loops: tuple[Steps, ...]

    def call(self, output: int) -> Call:
        """Return the kernel call that writes to tensor `output`."""
        size, from_step, to_step = fill_loops(self.loops, LEVELS)
        fields = {
            "from": self.start,
            "to": self.to,
            "size": size,
            "from_step": from_step,
            "to_step": to_step,
        }
        return Call("eq_copy", "eq_copy", fields, (self.source, output))

    def overlaps(self) -> tuple[Overlap, ...]:
        """Return where the output may lie: of a copy that fills it from first to last."""
        size, from_step, to_step = self.loops
        return (
            over_loops(self.source, size, from_step, self.start) if _is_dense(size, to_step) else ()
        )


def _is_dense(size: Steps, step: Steps) -> bool:
    return tuple(step) == strides(size)


def lower_movement(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower an operator that consists of copies."""
    copies = COPIES[node.op](call_of(graph, node))
    calls = tuple(copy.call(node.outputs[0]) for copy in copies)
    overlaps = copies[0].overlaps() if len(copies) == 1 else ()
    return Layer(calls, ("eq_copy",), overlaps=overlaps)


def lower_pad(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower PAD (with the output's zero point) or PADV2 (with a constant)."""
    op = call_of(graph, node)
    value = op.values(2)[0] if node.op == "PADV2" else zero_point_of(op.output)
    fields = {"count": op.output.elements, "value": value}
    fill = Call("eq_fill", "eq_fill", fields, (node.outputs[0],))
    copies = (copy.call(node.outputs[0]) for copy in _pad(op))
    return Layer((fill, *copies), ("eq_copy",))


def _pad(op: OperatorCall) -> tuple[Copy, ...]:
    to_step = strides(op.output.shape)
    start = _dot(op.values(1)[0::2], to_step)
    loops = merge_loops(op.data, strides(op.data), to_step)
    return (Copy(op.node.inputs[0], 0, start, loops),)


def _concatenate(op: OperatorCall) -> tuple[Copy, ...]:
    axis = normalize(op.number("axis"), len(op.data), "axis")
    return _stack(op, axis)


def _stack(op: OperatorCall, axis: int) -> tuple[Copy, ...]:
    """Return the copies of all inputs, one behind the other along `axis` of the output."""
    shape = op.output.shape
    to_step, at, copies = strides(shape), 0, []
    for i, index in enumerate(op.node.inputs):
        size = op.input(i).shape
        size = size if len(size) == len(shape) else (*size[:axis], 1, *size[axis:])
        loops = merge_loops(size, strides(size), to_step)
        copies.append(Copy(index, 0, at * to_step[axis], loops))
        at += size[axis]
    return tuple(copies)


def _pack(op: OperatorCall) -> tuple[Copy, ...]:
    axis = normalize(op.number("axis"), len(op.data) + 1, "axis")
    return _stack(op, axis)


def _transpose(op: OperatorCall) -> tuple[Copy, ...]:
    steps = strides(op.data)
    from_step = tuple(steps[axis] for axis in op.values(1))
    loops = merge_loops(op.output.shape, from_step, strides(op.output.shape))
    return (Copy(op.node.inputs[0], 0, 0, loops),)


def _slice(op: OperatorCall) -> tuple[Copy, ...]:
    loops = merge_loops(op.output.shape, strides(op.data), strides(op.output.shape))
    return (Copy(op.node.inputs[0], _dot(op.values(1), strides(op.data)), 0, loops),)


def _strided_slice(op: OperatorCall) -> tuple[Copy, ...]:
    shrunk = op.number("shrink_axis_mask")
    size, step, starts = list(op.data), list(strides(op.data)), [0] * len(op.data)
    for axis, (begin, end, by) in enumerate(
        zip(op.values(1), op.values(2), op.values(3), strict=True)
    ):
        starts[axis], stop, by = slice_bounds(op, axis, begin, end, by)
        size[axis] = 1 if shrunk >> axis & 1 else -(-(stop - starts[axis]) // by)
        step[axis] *= by
    start = _dot(starts, strides(op.data))
    return (Copy(op.node.inputs[0], start, 0, merge_loops(size, step, strides(size))),)


def _dot(indices: Sequence[int], steps: Sequence[int]) -> int:
    return sum(i * s for i, s in zip(indices, steps, strict=True))


COPIES: dict[str, Callable[[OperatorCall], tuple[Copy, ...]]] = {
    "CONCATENATION": _concatenate,
    "PACK": _pack,
    "PAD": _pad,
    "PADV2": _pad,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "TRANSPOSE": _transpose,
}
