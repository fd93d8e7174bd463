"""The rows that lie under windows, copied before outputs are written: their memory and order."""

from __future__ import annotations

from dataclasses import replace

from edgeq.compile.lower.convolution import Window
from edgeq.compile.memory.inplace import least_distance

_POINTER = 4
_LARGEST = (1 << 15) - 1
_SLACK = 16  # bytes that vectors read or write beyond


def in_bytes(window: Window, size: int) -> Window:
    """Return a window over elements of `size` bytes as one over bytes."""
    (*image, channels), (*result, outputs) = window.input, window.output
    return replace(window, input=(*image, channels * size), output=(*result, outputs * size))


def fits_bytes(window: Window, size: int) -> bool:
    """Return whether `in_bytes` fits struct eq_window."""
    return max(window.input[3], window.output[3]) * size <= _LARGEST


def line_distance(window: Window) -> int:
    """Return how far below its input an output must start: each of its rows is a step."""
    batch, in_h, in_w, in_c = window.input
    _, out_h, out_w, out_c = window.output
    reads, writes = [], []
    for n in range(batch):
        copied = 0
        for oy in range(out_h):
            row = max(copied, oy * window.stride[0]) - window.pad[0]
            copied = oy * window.stride[0] + window.reach[0]
            reads.append((n * in_h + min(max(row, 0), in_h)) * in_w * in_c)
            writes.append((n * out_h + oy) * out_w * out_c)
    return least_distance(reads[1:], writes[1:])  # before the first step nothing is written


def line_scratch(window: Window) -> int:
    """Return the bytes of pointers to a window's rows, of these, and of what is read beyond."""
    width = (window.output[2] - 1) * window.stride[1] + window.reach[1]
    return window.reach[0] * (_POINTER + width * window.input[3]) + _SLACK
