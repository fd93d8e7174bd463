"""Operators that move bytes: every one is a fill or a strided copy, or several."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgeq.compile.layer import Call, Layer, Overlap
from edgeq.compile.lower.loops import Steps, fill_loops, merge_loops, strides
from edgeq.compile.lower.overlaps import over_loops
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.ir import DTYPES, Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.shapes import normalize, slice_bounds
from edgeq.graph.spatial_shapes import space_blocks

LEVELS = 5


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of `source` between strided arrays, in its fewest loops; starts are in elements.

    It writes to output number `output` of its node.
    """

    source: int
    start: int
    to: int
    loops: tuple[Steps, ...]
    output: int = 0

    def in_bytes(self, itemsize: int) -> Copy:
        """Return the copy of elements of `itemsize` as one of bytes."""
        size, from_step, to_step = self.loops
        loops = merge_loops(
            (*size, itemsize),
            (*(step * itemsize for step in from_step), 1),
            (*(step * itemsize for step in to_step), 1),
        )
        return replace(self, start=self.start * itemsize, to=self.to * itemsize, loops=loops)

    def call(self, node: Node) -> Call:
        """Return the kernel call that writes to an output of `node`."""
        size, from_step, to_step = fill_loops(self.loops, LEVELS)
        fields = {
            "from": self.start,
            "to": self.to,
            "size": size,
            "from_step": from_step,
            "to_step": to_step,
        }
        return Call("eq_copy", "eq_copy", fields, (self.source, node.outputs[self.output]))

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
    copies = copies_of(call_of(graph, node))
    overlaps = copies[0].overlaps() if len(copies) == 1 else ()
    return Layer(tuple(copy.call(node) for copy in copies), ("eq_copy",), overlaps=overlaps)


def lower_pad(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower PAD, PADV2 (with a constant) or SPACE_TO_BATCH_ND (with the output's zero point)."""
    op = call_of(graph, node)
    value = op.values(2)[0] if node.op == "PADV2" else zero_point_of(op.output)
    fields = {"count": op.output.elements, "value": value}
    fill = Call("eq_fill", "eq_fill", fields, (node.outputs[0],))
    copies = (copy.call(node) for copy in copies_of(op))
    return Layer((fill, *copies), ("eq_copy",))


def copies_of(op: OperatorCall) -> tuple[Copy, ...]:
    """Return the copies that an operator consists of, in bytes."""
    itemsize = DTYPES[op.output.dtype].itemsize
    return tuple(copy.in_bytes(itemsize) for copy in COPIES[op.node.op](op))


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


def _unpack(op: OperatorCall) -> tuple[Copy, ...]:
    axis = normalize(op.number("axis"), len(op.data), "axis")
    return _parts(op, 0, axis, [1] * len(op.outputs))


def _split(op: OperatorCall) -> tuple[Copy, ...]:
    axis = normalize(op.values(0)[0], len(op.input(1).shape), "axis")
    return _parts(op, 1, axis, [t.shape[axis] for t in op.outputs])


def _split_at(op: OperatorCall) -> tuple[Copy, ...]:
    axis = normalize(op.values(2)[0], len(op.data), "axis")
    return _parts(op, 0, axis, [t.shape[axis] for t in op.outputs])


def _parts(op: OperatorCall, side: int, axis: int, counts: Sequence[int]) -> tuple[Copy, ...]:
    """Return the copies of parts of an input along `axis`, one to each output."""
    shape = op.input(side).shape
    from_step, at, copies = strides(shape), 0, []
    for output, count in enumerate(counts):
        size = (*shape[:axis], count, *shape[axis + 1 :])
        loops = merge_loops(size, from_step, strides(size))
        copies.append(Copy(op.node.inputs[side], at * from_step[axis], 0, loops, output))
        at += count
    return tuple(copies)


def _repeat(op: OperatorCall) -> tuple[Copy, ...]:
    """Return the copy of a tensor to all places of a shape to which it broadcasts."""
    index = next(i for i, t in enumerate(op.inputs) if t is not None and op.role(i) != "shape")
    source, shape = op.input(index).shape, op.output.shape
    full = (1,) * (len(shape) - len(source)) + source
    from_step = tuple(s if n > 1 else 0 for n, s in zip(full, strides(full), strict=True))
    loops = merge_loops(shape, from_step, strides(shape))
    return (Copy(op.node.inputs[index], 0, 0, loops),)


def _reverse(op: OperatorCall) -> tuple[Copy, ...]:
    steps, axes = list(strides(op.data)), {axis % len(op.data) for axis in op.values(1)}
    start = sum((op.data[axis] - 1) * steps[axis] for axis in axes)
    from_step = [-s if axis in axes else s for axis, s in enumerate(steps)]
    return (Copy(op.node.inputs[0], start, 0, merge_loops(op.data, from_step, steps)),)


def _space_of_depth(op: OperatorCall) -> tuple[Copy, ...]:
    batch, height, width, depth = op.data
    block = op.number("block_size")
    size = (batch, height, width, block, block, depth // (block * block))
    return (_swapped(op, size),)


def _depth_of_space(op: OperatorCall) -> tuple[Copy, ...]:
    batch, height, width, _ = op.output.shape
    block = op.number("block_size")
    return (_swapped(op, (batch, height, block, width, block, op.data[-1])),)


def _swapped(op: OperatorCall, size: Sequence[int]) -> Copy:
    """Return the copy that swaps dimensions 2 and 3 of an input of shape `size`."""
    order = [0, 1, 3, 2, 4, 5]
    from_step = strides(size)
    shape = [size[i] for i in order]
    loops = merge_loops(shape, [from_step[i] for i in order], strides(shape))
    return Copy(op.node.inputs[0], 0, 0, loops)


def _batches_of_space(op: OperatorCall) -> tuple[Copy, ...]:
    return _blocks(op, op.data, op.output.shape, to_space=False)


def _space_of_batches(op: OperatorCall) -> tuple[Copy, ...]:
    return _blocks(op, op.output.shape, op.data, to_space=True)


def _blocks(op: OperatorCall, space: Steps, batches: Steps, *, to_space: bool) -> tuple[Copy, ...]:
    """Return a copy for each place of a block: every block[i]-th element of `space`, which is
    padded or cropped, is a part of `batches`."""
    block, edges = space_blocks(op)
    copies = []
    for number, place in enumerate(itertools.product(*(range(b) for b in block))):
        size, space_at, batch_at = list(space), [0] * len(space), [0] * len(space)
        batch_at[0] = number * space[0]
        for axis, (at, by, (before, _)) in enumerate(zip(place, block, edges, strict=True), 1):
            first = max(0, -(-(before - at) // by))  # of this part inside the space
            space_at[axis] = first * by + at - before
            batch_at[axis] = first
            size[axis] = min(batches[axis] - first, -(-(space[axis] - space_at[axis]) // by))
        if min(size) < 1:
            continue
        step = list(strides(space))
        start = _dot(space_at, step)
        step[1 : 1 + len(block)] = [s * b for s, b in zip(step[1:], block, strict=False)]
        part = strides(batches)
        ends = (start, _dot(batch_at, part), step, part)
        here, there, from_step, to_step = (ends[1], ends[0], part, step) if to_space else ends
        copies.append(Copy(op.node.inputs[0], here, there, merge_loops(size, from_step, to_step)))
    return tuple(copies)


COPIES: dict[str, Callable[[OperatorCall], tuple[Copy, ...]]] = {
    "ASSIGN_VARIABLE": _repeat,
    "BATCH_TO_SPACE_ND": _space_of_batches,
    "BROADCAST_TO": _repeat,
    "CAST": _repeat,
    "CONCATENATION": _concatenate,
    "DEPTH_TO_SPACE": _space_of_depth,
    "FILL": _repeat,
    "PACK": _pack,
    "PAD": _pad,
    "PADV2": _pad,
    "READ_VARIABLE": _repeat,
    "REVERSE_V2": _reverse,
    "SLICE": _slice,
    "SPACE_TO_BATCH_ND": _batches_of_space,
    "SPACE_TO_DEPTH": _depth_of_space,
    "SPLIT": _split,
    "SPLIT_V": _split_at,
    "STRIDED_SLICE": _strided_slice,
    "TRANSPOSE": _transpose,
    "UNPACK": _unpack,
}
