"""Observation: the statistics of every activation of a draft, gathered in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.draft import Draft, Observed, Observer
from edgeq.convert.quantization.statistics import (
    TensorStatistics,
    add_samples,
    measure_samples,
    merge_statistics,
)
from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph

Block = Mapping[int, TensorStatistics]
BLOCKS = 8
AT_ONCE = 1 << 20  # values that are measured together: a cache's worth
MOMENTUM = 0.95


def activations(graph: Graph) -> tuple[int, ...]:
    """Return the float tensors that change with the samples, in the order they are computed."""
    found = [*graph.inputs, *(index for node in graph.nodes for index in node.outputs)]
    moving = (graph.tensor(index) for index in found)
    return tuple(t.index for t in moving if t.dtype == "float32" and not t.is_constant)


def owners(draft: Draft) -> dict[int, str]:
    """Return the layer that each activation belongs to: its Keras name, else the tensor's own."""
    graph = draft.graph
    names = {index: graph.tensor(index).name for index in graph.inputs}
    for node in graph.nodes:
        for index in node.outputs:
            names[index] = draft.layers.get(node.index) or graph.tensor(index).name
    return names


def observe_activations(
    draft: Draft, observe: Observer, limit: int, momentum: float | None = None
) -> Draft:
    """Return the draft with statistics of at most `limit` samples, gathered unless it has them.

    `momentum` is that of the moving averages, None where they do not matter.

    Raises:
        InputError: there are no samples, or a layer gives NaN or infinity.
    """
    if _suits(draft, limit, momentum):
        return draft
    momentum = MOMENTUM if momentum is None else momentum
    tensors = activations(draft.graph)
    samples = islice(observe(draft.graph, tensors), limit)
    try:
        blocks = gather_blocks(samples, tensors, momentum)
    except NotFiniteError as error:
        raise InputError(
            f"layer {owners(draft)[error.tensor]} gives NaN or infinity on a calibration sample",
            hint="check the model's weights and the dataset's range",
        ) from error
    if not blocks:
        raise InputError("there are no samples to calibrate with", hint="look at: edgeq data show")
    middle = len(blocks) // 2
    halves = (blocks[:middle], blocks[middle:]) if middle else ()
    merged = tuple(reduce(_merge, half) for half in halves)
    tensors_seen = _merge(*merged) if merged else blocks[0]
    observed = Observed(draft.graph, limit, momentum, tensors_seen, merged)
    return replace(draft, observed=observed)


def _suits(draft: Draft, limit: int, momentum: float | None) -> bool:
    """Whether the draft's statistics are of this graph, and of the samples asked for."""
    known = draft.observed
    if known is None or known.graph is not draft.graph or momentum not in (None, known.momentum):
        return False
    samples = known.samples
    return limit == known.limit or (samples < known.limit and samples <= limit)


class NotFiniteError(ValueError):
    """A tensor that holds NaN or infinity."""

    def __init__(self, tensor: int) -> None:
        super().__init__(f"tensor {tensor} is not finite")
        self.tensor = tensor


def gather_blocks(
    samples: Iterable[Sequence[NDArray[Any]]], tensors: Sequence[int], momentum: float
) -> list[Block]:
    """Return statistics of consecutive samples in up to BLOCKS blocks, all but the last equal.

    When all blocks are full, pairs of neighbours become one: memory does not grow with samples.

    Raises:
        NotFiniteError: naming the tensor.
    """
    blocks: list[Block] = []
    size, missing, series = 1, 0, iter(samples)
    for first in series:
        fresh = missing == 0
        if fresh and len(blocks) == BLOCKS:
            blocks = [_merge(*blocks[at : at + 2]) for at in range(0, BLOCKS, 2)]
            size *= 2
        missing = size if fresh else missing
        room = max(1, AT_ONCE // max(1, sum(values.size for values in first)))
        chunk = [first, *islice(series, min(missing, room) - 1)]
        missing -= len(chunk)
        before = None if fresh else blocks.pop()
        stacked = dict(zip(tensors, map(np.stack, zip(*chunk, strict=True)), strict=True))
        blocks.append(_extend(before, stacked, momentum))
    return blocks


def _extend(block: Block | None, values: Mapping[int, NDArray[Any]], momentum: float) -> Block:
    """Return the statistics of a block, None for none so far, with more samples (N, ...)."""
    found = {}
    for tensor, array in values.items():
        try:
            found[tensor] = (
                measure_samples(array, momentum)
                if block is None
                else add_samples(block[tensor], array)
            )
        except ValueError as error:
            raise NotFiniteError(tensor) from error
    return found


def _merge(a: Block, b: Block) -> Block:
    return {tensor: merge_statistics(a[tensor], b[tensor]) for tensor in a}
