"""What the kernels permit: outputs over inputs, stated from the order in which they work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.layer import Overlap
from edgeq.compile.lower.loops import Steps
from edgeq.compile.memory.inplace import least_distance
from edgeq.graph.ir import Graph, Node

if TYPE_CHECKING:
    from edgeq.compile.lower.convolution import Window

# Walks longer than this are not followed: such a tensor does not fit a microcontroller.
_LONGEST = 1 << 21


def in_order(graph: Graph, node: Node) -> tuple[Overlap, ...]:
    """Return the overlap of a kernel that reads an element, then writes it, from first to last."""
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    wider = (y.bytes - x.bytes) // max(1, y.elements)
    return (Overlap(x.index, max(0, wider * (y.elements - 1))),)


def over_rows(
    tensor: int, rows: int, depth: int, outputs: int, tile: int = 1, *, buffered: bool = False
) -> tuple[Overlap, ...]:
    """Return the overlap of y[rows][outputs] = f(x[rows][depth]), up to `tile` rows at a time.

    See `over_window`; a row is a pixel.
    """
    row = np.arange(rows, dtype=np.int64)
    return _over_steps(tensor, row * depth, outputs, tile, buffered)


def over_window(
    tensor: int, window: Window, tile: int = 1, *, buffered: bool = False
) -> tuple[Overlap, ...]:
    """Return the overlap of a kernel that makes whole output pixels one after the other.

    Args:
        tensor: the input.
        tile: pixels that may be under way: bytes of the first are read when those of the last
            are written. A kernel that works row by row in any order has a tile of a row.
        buffered: everything that a tile reads is read before any of it is written. Tiles then
            start at multiples of `tile`, or of any smaller number.
    """
    batch, in_h, in_w, in_c = window.input
    _, out_h, out_w, out_c = window.output
    (top, left), (down, right) = window.pad, window.stride
    row = np.clip(np.arange(out_h, dtype=np.int64) * down - top, 0, in_h)
    column = np.clip(np.arange(out_w, dtype=np.int64) * right - left, 0, in_w)
    image = np.arange(batch, dtype=np.int64) * in_h
    reads = ((image[:, None, None] + row[:, None]) * in_w + column).reshape(-1) * in_c
    return _over_steps(tensor, reads, out_c, tile, buffered)


def in_elements(overlaps: Sequence[Overlap], bytes_each: int) -> tuple[Overlap, ...]:
    """Return overlaps that were stated for elements of a byte, for larger ones."""
    return tuple(replace(o, distance=o.distance * bytes_each) for o in overlaps)


def over_loops(
    tensor: int, sizes: Sequence[int], steps: Steps, start: int = 0
) -> tuple[Overlap, ...]:
    """Return the overlap of a kernel with nested loops whose output is dense and in order.

    Args:
        sizes: iterations of each loop, outermost first.
        steps: of the input in each loop, in bytes.
        start: the byte of the input that is read first.
    """
    count = int(np.prod(sizes))
    if count > _LONGEST:
        return ()
    reads: NDArray[np.int64] = np.full((1,) * max(1, len(sizes)), start, np.int64)
    for axis, (size, step) in enumerate(zip(sizes, steps, strict=True)):
        walk = np.arange(size, dtype=np.int64) * step
        reads = reads + walk.reshape((-1,) + (1,) * (len(sizes) - axis - 1))
    ends = np.arange(1, count, dtype=np.int64)
    return _unless_apart(tensor, reads.reshape(-1)[1:], ends, count)


def _over_steps(
    tensor: int, reads: NDArray[np.int64], written: int, tile: int, buffered: bool
) -> tuple[Overlap, ...]:
    """Return the overlap of steps that each read from `reads` on and write `written` bytes."""
    count = reads.size
    step = np.arange(count, dtype=np.int64)
    if buffered:  # what step i writes may be read by steps that are no longer in its tile
        return _unless_apart(tensor, reads[1:], step[1:] * written, count * written)
    return _unless_apart(tensor, reads, np.minimum(step + tile, count) * written, count * written)


def _unless_apart(
    tensor: int, reads: NDArray[np.int64], ends: NDArray[np.int64], size: int
) -> tuple[Overlap, ...]:
    distance = least_distance(reads, ends)
    return (Overlap(tensor, distance),) if distance < size else ()
