"""Nested loops over strided arrays, in as few levels as will do."""

from __future__ import annotations

import math
from collections.abc import Sequence

Steps = tuple[int, ...]


def strides(shape: Sequence[int]) -> Steps:
    """Return the step of each dimension of a dense array, in elements."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def axis_loops(shape: Sequence[int], axis: int) -> dict[str, int]:
    """Return the fields of a kernel that walks along `axis`, which may count from the end."""
    axis %= len(shape)
    inner = math.prod(shape[axis + 1 :])
    return {"outer": math.prod(shape[:axis]), "depth": shape[axis], "inner": inner}


def merge_loops(size: Sequence[int], *steps: Sequence[int]) -> tuple[Steps, ...]:
    """Return sizes and steps with every pair of loops joined that walks like a single one.

    Args:
        size: iterations of each loop, outermost first.
        steps: for each array, its step in each loop.
    """
    loops: list[tuple[int, ...]] = []
    for count, *step in zip(size, *steps, strict=True):
        if count == 1:
            continue
        if loops and all(o == count * i for o, i in zip(loops[-1][1:], step, strict=True)):
            loops[-1] = (loops[-1][0] * count, *step)
        else:
            loops.append((count, *step))
    return tuple(zip(*loops, strict=True)) if loops else tuple(() for _ in range(1 + len(steps)))


def fill_loops(loops: tuple[Steps, ...], levels: int) -> tuple[Steps, ...]:
    """Return sizes and steps with outer loops of one iteration, `levels` in all."""
    size, *steps = loops
    missing = levels - len(size)
    return ((1,) * missing + size, *((0,) * missing + step for step in steps))
