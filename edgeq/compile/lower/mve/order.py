"""How far an output may lie upon its input, given the order in which a kernel reads and writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.compile.lower.convolution import Window

_POINTER = 4
_SLACK = 16  # bytes that vectors read or write beyond


def overlap_distance(starts: Sequence[int], ends: Sequence[int], *, held: bool) -> int:
    """Return how many bytes below its input an output must start.

    Args:
        starts: the lowest byte of the input that each step reads, in the order of the steps.
        ends: the end of what is written once that step is done.
        held: whether a step reads its input while it writes, not only before.
    """
    needed = np.minimum.accumulate(np.asarray(starts)[::-1])[::-1]
    after = np.asarray(ends)
    if not held:
        needed, after = needed[1:], after[:-1]
    return int(np.max(after - needed, initial=0 if held else -ends[-1]))


def line_distance(window: Window) -> int:
    """Return the distance of a kernel that copies the rows of its windows before it writes."""
    batch, in_h, in_w, in_c = window.input
    _, out_h, out_w, out_c = window.output
    starts, ends = [], []
    for n in range(batch):
        copied = 0
        for oy in range(out_h):
            row = max(copied, oy * window.stride[0]) - window.pad[0]
            copied = oy * window.stride[0] + window.reach[0]
            starts.append((n * in_h + min(max(row, 0), in_h)) * in_w * in_c)
            ends.append((n * out_h + oy + 1) * out_w * out_c)
    return overlap_distance(starts, ends, held=False)


def line_scratch(window: Window) -> int:
    """Return the bytes of pointers to a window's rows, of these, and of what is read beyond."""
    width = (window.output[2] - 1) * window.stride[1] + window.reach[1]
    return window.reach[0] * (_POINTER + width * window.input[3]) + _SLACK
