"""Operators that move elements and compute nothing; any dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call
from edgeq.graph.ir import DTYPES
from edgeq.graph.oracle.requantization import Run, zero_point_of
from edgeq.graph.shapes import normalize, slice_bounds

Array = NDArray[Any]


def reshape(call: Call) -> Run:
    """RESHAPE, SQUEEZE and EXPAND_DIMS: the elements in another shape."""
    return lambda x, *_: x.reshape(call.output.shape)


def duplicate(call: Call) -> Run:
    """READ_VARIABLE and ASSIGN_VARIABLE: the elements as they are now."""
    return lambda x: x.copy()


def concatenate(call: Call) -> Run:
    """CONCATENATION along `axis`."""
    axis = normalize(call.number("axis"), len(call.data), "axis")
    return lambda *arrays: np.concatenate(arrays, axis)


def pad(call: Call) -> Run:
    """PAD with the output's zero point (0 where it has none), PADV2 with input 2."""
    edges = np.array(call.values(1), np.int64).reshape(-1, 2)
    quantized = call.output.quantization is not None and call.output.dtype != "float32"
    zero_point = zero_point_of(call.output) if quantized else 0

    def run(x: Array, _: Array, value: Array | None = None) -> Array:
        filler = zero_point if value is None else value.reshape(-1)[0]
        return np.pad(x, edges, constant_values=filler)

    return run


def transpose(call: Call) -> Run:
    """TRANSPOSE by the permutation in input 1."""
    permutation = call.values(1)
    return lambda x, _: np.ascontiguousarray(x.transpose(permutation))


def strided_slice(call: Call) -> Run:
    """STRIDED_SLICE: begin, end and strides in inputs 1 to 3; masks in the options."""
    bounds = list(zip(call.values(1), call.values(2), call.values(3), strict=True))
    shrunk = call.number("shrink_axis_mask")
    picks = []
    for axis, (begin, end, stride) in enumerate(bounds):
        start, stop, step = slice_bounds(call, axis, begin, end, stride)
        picks.append(np.arange(start, start + 1 if shrunk >> axis & 1 else stop, step))

    def run(x: Array, *_: Array) -> Array:
        for axis, pick in enumerate(picks):
            x = x.take(pick, axis)
        return x.reshape(call.output.shape)

    return run


def slice_out(call: Call) -> Run:
    """SLICE: begin in input 1, the size is the output's."""
    region = tuple(
        slice(begin, begin + size)
        for begin, size in zip(call.values(1), call.output.shape, strict=True)
    )
    return lambda x, *_: np.ascontiguousarray(x[region])


def pack(call: Call) -> Run:
    """PACK: stacks along a new `axis`."""
    axis = normalize(call.number("axis"), len(call.data) + 1, "axis")
    return lambda *arrays: np.stack(arrays, axis)


def unpack(call: Call) -> Run:
    """UNPACK: one output for each index of `axis`."""
    axis = call.number("axis")
    return lambda x: _pieces(call, np.moveaxis(x, axis, 0))


def split(call: Call) -> Run:
    """SPLIT: equal parts of input 1 along the axis in input 0."""
    (axis,) = call.values(0)
    return lambda _, x: _pieces(call, np.split(x, len(call.outputs), axis))


def shape_of(call: Call) -> Run:
    """SHAPE: the sizes of the dimensions."""
    return lambda _: np.array(call.data, DTYPES[call.output.dtype])


def _pieces(call: Call, arrays: Sequence[Array] | Array) -> Any:
    return tuple(np.ascontiguousarray(array) for array in arrays)
