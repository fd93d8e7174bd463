"""Resizing of height and width.

Sources: tensorflow/lite/kernels/internal/reference/resize_{nearest_neighbor,bilinear}.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call, Unfit
from edgeq.graph.oracle.fixed_point import Integers
from edgeq.graph.oracle.requantization import Run

_ONE = 1 << 10  # places between input rows and columns are in tenths of a bit


def resize_nearest(call: Call) -> Run:
    """RESIZE_NEAREST_NEIGHBOR, whose places are computed in single precision."""
    rows, columns = (nearest_places(call, axis) for axis in (1, 2))
    return lambda x, _: np.ascontiguousarray(x[:, rows][:, :, columns])


def nearest_places(call: Call, axis: int) -> Integers:
    """Return the input's place along `axis` of every output place (GetNearestNeighbor)."""
    size, count = call.data[axis], call.output.shape[axis]
    corners = bool(call.option("align_corners", False))
    scale = np.float32(size) / np.float32(count)
    if corners and count > 1:
        scale = np.float32(size - 1) / np.float32(count - 1)
    offset = np.float32(0.5 if call.option("half_pixel_centers", False) else 0.0)
    real = (np.arange(count, dtype=np.float32) + offset) * scale
    places = np.floor(real.astype(np.float64) + (0.5 if corners else 0.0)).astype(np.int64)
    clipped: Integers = np.clip(places, 0, size - 1)
    return clipped


def resize_bilinear(call: Call) -> Run:
    """RESIZE_BILINEAR in 10 bits of fixed point, halves away from zero."""
    (top, bottom, down), (left, right, across) = (bilinear_places(call, axis) for axis in (1, 2))

    def run(x: NDArray[Any], _: NDArray[np.int32]) -> NDArray[np.int8]:
        wide = x.astype(np.int64)
        upper, lower = (_blend(wide[:, rows], left, right, across) for rows in (top, bottom))
        weights = down[:, None, None]
        sums = upper * (_ONE - weights) + lower * weights
        rounded = np.sign(sums) * ((np.abs(sums) + _ONE * _ONE // 2) // (_ONE * _ONE))
        result: NDArray[np.int8] = rounded.astype(np.int8)
        return result

    return run


def _blend(rows: Integers, left: Integers, right: Integers, across: Integers) -> Integers:
    weights = across[:, None]
    return rows[:, :, left] * (_ONE - weights) + rows[:, :, right] * weights


def bilinear_places(call: Call, axis: int) -> tuple[Integers, Integers, Integers]:
    """Return for each output place along `axis` the input's places around it, and how far the
    place is from the first one, in 1/1024 (ComputeInterpolationValuesInteger).

    Raises:
        Unfit: a place lies behind the input, where TFLite Micro reads what comes after it.
    """
    size, count = call.data[axis], call.output.shape[axis]
    if call.option("align_corners", False) and count > 1:
        size, count = size - 1, count - 1
    scale = (_ONE * size + count // 2) // count
    places = np.arange(call.output.shape[axis], dtype=np.int64) * scale
    if call.option("half_pixel_centers", False):
        places = places + scale // 2 - _ONE // 2
    last = call.data[axis] - 1
    # C divides towards zero.
    first = np.maximum(np.trunc(places / _ONE).astype(np.int64), 0)
    if first.max() > last:
        raise Unfit(f"axis {axis} has a place {first.max()} outside {list(call.data)}")
    above = np.minimum(np.trunc((places + _ONE - 1) / _ONE).astype(np.int64), last)
    return first, above, places - _ONE * first
