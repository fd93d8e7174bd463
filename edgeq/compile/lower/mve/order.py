"""How far an output may lie upon its input, given the order in which a kernel reads and writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.compile.lower.convolution import Window


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
    return int(np.max(after - needed)) if len(needed) else -int(after[-1] if held else 0)


def window_starts(window: Window, pixels: int) -> tuple[list[int], list[int]]:
    """Return `starts` and `ends` of a kernel that makes `pixels` outputs of a row a step."""
    batch, in_h, in_w, in_c = window.input
    _, out_h, out_w, out_c = window.output
    starts, ends = [], []
    for n in range(batch):
        for oy in range(out_h):
            row = min(max(oy * window.stride[0] - window.pad[0], 0), in_h)
            for ox in range(0, out_w, pixels):
                column = max(ox * window.stride[1] - window.pad[1], 0)
                starts.append(((n * in_h + row) * in_w + min(column, in_w)) * in_c)
                ends.append(((n * out_h + oy) * out_w + min(ox + pixels, out_w)) * out_c)
    return starts, ends
