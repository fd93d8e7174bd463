"""Windows that slide over an NHWC input: geometry, and the pools.

Sources: tensorflow/lite/kernels/padding.h, internal/reference/integer_ops/pooling.h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.calls import Call
from edgeq.graph.oracle.requantization import Run, clamp, fused_range
from edgeq.graph.shapes import EXPLICIT


@dataclass(frozen=True, slots=True)
class Span:
    """The windows along one axis: `count` of `size` taps; `before` of the padding comes first."""

    length: int
    count: int
    size: int
    stride: int
    dilation: int
    before: int

    @property
    def after(self) -> int:
        """Padding that the last window needs behind the input."""
        reach = (self.count - 1) * self.stride + (self.size - 1) * self.dilation + 1
        return max(0, reach - self.before - self.length)


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of a convolution or a pool."""

    rows: Span
    columns: Span

    @classmethod
    def of(cls, call: Call, height: int, width: int) -> Windows:
        """Return the windows of `call`, each of `height` x `width` taps."""
        return cls(_span(call, 1, "h", height, "top"), _span(call, 2, "w", width, "left"))

    def pad(self, x: NDArray[Any], value: float) -> NDArray[Any]:
        """Return `x` (NHWC) with `value` where windows reach over the border."""
        rows, columns = self.rows, self.columns
        edges = ((0, 0), (rows.before, rows.after), (columns.before, columns.after), (0, 0))
        return np.pad(x, edges, constant_values=value)

    def taps(self, padded: NDArray[Any]) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Yield (row, column, view of shape [N, output height, output width, C]) of each tap."""
        for row, lines in _places(self.rows):
            for column, points in _places(self.columns):
                yield row, column, padded[:, lines, points]


def _span(call: Call, axis: int, side: str, size: int, edge: str) -> Span:
    length, count = call.data[axis], call.output.shape[axis]
    stride = call.number(f"stride_{side}", 1)
    dilation = call.number(f"dilation_{side}_factor", 1)
    before = 0
    if call.option("padding", "SAME") == "SAME":
        before = max(0, (count - 1) * stride + (size - 1) * dilation + 1 - length) // 2
    elif call.option("padding") == EXPLICIT:
        before = call.number(f"pad_{edge}")
    return Span(length, count, size, stride, dilation, before)


def _places(span: Span) -> Iterator[tuple[int, slice]]:
    for tap in range(span.size):
        start = tap * span.dilation
        yield tap, slice(start, start + (span.count - 1) * span.stride + 1, span.stride)


def average_pool(call: Call) -> Run:
    """AVERAGE_POOL_2D: the mean of the taps inside the input, halves away from zero."""
    windows, (low, high) = _pool_windows(call), fused_range(call)

    def run(x: NDArray[Any]) -> NDArray[Any]:
        sums = sum(tap for _, _, tap in windows.taps(windows.pad(x.astype(np.int64), 0)))
        inside = windows.pad(np.ones((1, *x.shape[1:3], 1), np.int64), 0)
        counts = sum(tap for _, _, tap in windows.taps(inside))
        nearest = np.sign(sums) * ((np.abs(sums) + counts // 2) // counts)
        return clamp(nearest, low, high, x.dtype)

    return run


def max_pool(call: Call) -> Run:
    """MAX_POOL_2D."""
    windows, (low, high) = _pool_windows(call), fused_range(call)

    def run(x: NDArray[Any]) -> NDArray[Any]:
        least = np.iinfo(x.dtype).min
        result: NDArray[Any] = np.full(call.output.shape, least, x.dtype)
        for _, _, tap in windows.taps(windows.pad(x, least)):
            np.maximum(result, tap, out=result)
        return clamp(result, low, high, x.dtype)

    return run


def _pool_windows(call: Call) -> Windows:
    return Windows.of(call, call.number("filter_height"), call.number("filter_width"))
