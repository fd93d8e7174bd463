"""Operators that pick elements from places: constant ones, computed ones, or as a rule says."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.layer import Call, Layer, constant
from edgeq.compile.lower.loops import strides
from edgeq.compile.target import Target
from edgeq.graph.calls import Call as OperatorCall
from edgeq.graph.indexed_shapes import gather_axes
from edgeq.graph.ir import DTYPES, Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.resizing import nearest_places

DEPTH = 5
_LEVELS = 3

Places = NDArray[np.int64]


def lower_gather(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower GATHER, with constant or computed indices."""
    op = call_of(graph, node)
    axis, batches = gather_axes(op)
    run = math.prod(op.data[axis + 1 :]) * DTYPES[op.output.dtype].itemsize
    fields = {
        "batches": math.prod(op.data[:batches]),
        "outer": math.prod(op.data[batches:axis]),
        "count": math.prod(op.input(1).shape[batches:]),
        "depth": 1,
        "last": (op.data[axis] - 1,),
        "step": (run,),
        "block": op.data[axis] * run,
        "run": run,
    }
    return _layer(node, fields)


def lower_gather_nd(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower GATHER_ND, with constant or computed indices."""
    op = call_of(graph, node)
    *counts, depth = op.input(1).shape
    itemsize = DTYPES[op.output.dtype].itemsize
    fields = {
        "batches": 1,
        "outer": 1,
        "count": math.prod(counts),
        "depth": depth,
        "last": tuple(dim - 1 for dim in op.data[:depth]),
        "step": tuple(step * itemsize for step in strides(op.data)[:depth]),
        "block": 0,
        "run": math.prod(op.data[depth:]) * itemsize,
    }
    return _layer(node, fields)


def _layer(node: Node, fields: dict[str, object]) -> Layer:
    operands = (*node.inputs[:2], node.outputs[0])
    return Layer((Call("eq_gather", "eq_gather", fields, operands),), ("eq_gather",))


def lower_pick(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower an operator that takes whole slices from known places along every axis."""
    op = call_of(graph, node)
    size, run, places = joined_places(op)
    table = constant("places", places, np.int32)
    fields = {"size": size, "run": run, "places": table.ref}
    call = Call("eq_pick", "eq_pick", fields, (node.inputs[0], node.outputs[0]))
    return Layer((call,), ("eq_gather",), (table,))


def joined_places(op: OperatorCall) -> tuple[Sequence[int], int, Places]:
    """Return the sizes of three loops, the bytes of a run, and the offsets of every loop in one
    array; trailing axes that are taken whole make the run."""
    run = DTYPES[op.output.dtype].itemsize
    lists = list(PLACES[op.node.op](op))
    steps = [step * run for step in strides(op.data)]
    while lists and np.array_equal(lists[-1], np.arange(op.data[len(lists) - 1])):
        run *= len(lists.pop())
    offsets = [places * step for places, step in zip(lists, steps, strict=False)]
    while len(offsets) > _LEVELS:
        first, second, *rest = offsets
        offsets = [np.add.outer(first, second).reshape(-1), *rest]
    offsets = [np.zeros(1, np.int64)] * (_LEVELS - len(offsets)) + offsets
    return [len(o) for o in offsets], run, np.concatenate(offsets)


def _nearest(op: OperatorCall) -> tuple[Places, ...]:
    batch, _, _, channels = op.data
    return np.arange(batch), nearest_places(op, 1), nearest_places(op, 2), np.arange(channels)


def _mirrored(op: OperatorCall) -> tuple[Places, ...]:
    edges = np.array(op.values(1)).reshape(-1, 2)
    mode = "reflect" if op.option("mode", "REFLECT") == "REFLECT" else "symmetric"
    return tuple(
        np.pad(np.arange(dim), tuple(edge), mode=mode)  # type: ignore[call-overload]
        for dim, edge in zip(op.data, edges, strict=True)
    )


PLACES: dict[str, Callable[[OperatorCall], tuple[Places, ...]]] = {
    "MIRROR_PAD": _mirrored,
    "RESIZE_NEAREST_NEIGHBOR": _nearest,
}
