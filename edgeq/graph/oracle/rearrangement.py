"""Operators that pick, repeat or rearrange elements and compute nothing; any dtype.

Sources: tensorflow/lite/micro/kernels/{gather,gather_nd,mirror_pad,fill,split_v}.cc and
kernels/internal/reference/{space_to_batch_nd,batch_to_space_nd}.h.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call
from edgeq.graph.indexed_shapes import gather_axes
from edgeq.graph.ir import DTYPES
from edgeq.graph.oracle.requantization import Run, zero_point_of
from edgeq.graph.shapes import normalize
from edgeq.graph.spatial_shapes import space_blocks

Array = NDArray[Any]


def split_at(call: Call) -> Run:
    """SPLIT_V: parts of input 0 along the axis in input 2."""
    axis = normalize(call.values(2)[0], len(call.data), "axis")
    ends = list(itertools.accumulate(t.shape[axis] for t in call.outputs))[:-1]

    def run(x: Array, *_: Array) -> Any:
        return tuple(np.ascontiguousarray(part) for part in np.split(x, ends, axis))

    return run


def gather(call: Call) -> Run:
    """GATHER: slices of `axis` at the indices in input 1, which are clamped to what there is."""
    axis, batches = gather_axes(call)
    last = call.data[axis] - 1

    def run(x: Array, indices: Array) -> Array:
        rows = x.reshape(-1, *x.shape[batches:])
        picks = np.clip(indices, 0, last).reshape(-1, *indices.shape[batches:])
        taken = [row.take(pick, axis - batches) for row, pick in zip(rows, picks, strict=True)]
        return np.stack(taken).reshape(call.output.shape)

    return run


def gather_nd(call: Call) -> Run:
    """GATHER_ND: slices at the places in input 1, which are clamped to what there is."""
    depth = call.input(1).shape[-1]
    last = np.array(call.data[:depth]) - 1

    def run(x: Array, indices: Array) -> Array:
        places = np.clip(indices, 0, last).reshape(-1, depth)
        return np.asarray(x[tuple(places.T)]).reshape(call.output.shape)

    return run


def space_of_depth(call: Call) -> Run:
    """DEPTH_TO_SPACE: the channels hold blocks row by row."""
    batch, height, width, _ = call.data
    block = call.number("block_size")

    def run(x: Array) -> Array:
        blocks = x.reshape(batch, height, width, block, block, -1)
        return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(call.output.shape)

    return run


def depth_of_space(call: Call) -> Run:
    """SPACE_TO_DEPTH: blocks go into the channels row by row."""
    batch, height, width, _ = call.output.shape
    block = call.number("block_size")

    def run(x: Array) -> Array:
        blocks = x.reshape(batch, height, block, width, block, -1)
        return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(call.output.shape)

    return run


def batches_of_space(call: Call) -> Run:
    """SPACE_TO_BATCH_ND: padded with the output's zero point, then every block[i]-th row.

    LiteRT pads so; TFLite Micro pads with a byte that it never initialises.
    """
    block, edges = space_blocks(call)
    rest = len(call.data) - 1 - len(block)
    filler = 0 if call.output.quantization is None else zero_point_of(call.output)
    around = ((0, 0), *edges, *((0, 0),) * rest)

    def run(x: Array, *_: Array) -> Array:
        padded = np.pad(x, around, constant_values=filler)
        phases = itertools.product(*(range(b) for b in block))
        parts = [
            padded[(slice(None), *(slice(p, None, b) for p, b in zip(phase, block, strict=True)))]
            for phase in phases
        ]
        return np.concatenate(parts)

    return run


def space_of_batches(call: Call) -> Run:
    """BATCH_TO_SPACE_ND: the batches are interleaved, then cropped."""
    block, edges = space_blocks(call)
    batch = call.output.shape[0]

    def run(x: Array, *_: Array) -> Array:
        sizes = [size * b for size, b in zip(x.shape[1:], block, strict=False)]
        full = np.empty((batch, *sizes, x.shape[-1]), x.dtype)
        for i, phase in enumerate(itertools.product(*(range(b) for b in block))):
            places = (slice(p, None, b) for p, b in zip(phase, block, strict=True))
            full[(slice(None), *places)] = x[i * batch : (i + 1) * batch]
        kept = (slice(a, size - b) for size, (a, b) in zip(sizes, edges, strict=True))
        return np.ascontiguousarray(full[(slice(None), *kept)])

    return run


def mirror_pad(call: Call) -> Run:
    """MIRROR_PAD: the edges mirror the input, with (SYMMETRIC) or without its border."""
    edges = np.array(call.values(1), np.int64).reshape(-1, 2)
    mode = "reflect" if call.option("mode", "REFLECT") == "REFLECT" else "symmetric"
    return lambda x, _: np.pad(x, edges, mode=mode)  # type: ignore[call-overload]


def reverse(call: Call) -> Run:
    """REVERSE_V2 along the axes in input 1."""
    axes = tuple({axis % len(call.data) for axis in call.values(1)})
    return lambda x, _: np.ascontiguousarray(np.flip(x, axes))


def broadcast_to(call: Call) -> Run:
    """BROADCAST_TO the shape of the output."""
    return lambda x, _: np.ascontiguousarray(np.broadcast_to(x, call.output.shape))


def fill(call: Call) -> Run:
    """FILL: every element is the value in input 1."""
    return lambda _, value: np.full(call.output.shape, value.reshape(-1)[0], value.dtype)


def zeros_like(call: Call) -> Run:
    """ZEROS_LIKE: the stored number 0, whatever the zero point."""
    return lambda _: np.zeros(call.output.shape, DTYPES[call.output.dtype])
