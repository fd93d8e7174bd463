"""Operators that pick, repeat or rearrange elements give the bytes of TensorFlow Lite Micro."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.graph.ir import Graph, OptionValue
from tests.graph.oracle.runtimes import check, efforts, hold
from tests.graph.oracle.strategies import alike, shapes
from tests.support.models import activation, constant, one_op


@st.composite
def splits(draw: st.DrawFn) -> Graph:
    parts, shape = draw(st.integers(1, 4)), draw(shapes())
    axis = draw(st.integers(0, len(shape) - 1))
    whole = (*shape[:axis], shape[axis] * parts, *shape[axis + 1 :])
    x, *results = draw(alike(whole, *[shape] * parts))
    given = axis - draw(st.sampled_from([0, len(shape)]))
    return one_op("SPLIT", [constant([given], "int32"), x], results, {"num_splits": parts})


@st.composite
def uneven_splits(draw: st.DrawFn) -> Graph:
    sizes, shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)), draw(shapes())
    axis = draw(st.integers(0, len(shape) - 1))
    whole, *parts = ((*shape[:axis], size, *shape[axis + 1 :]) for size in (sum(sizes), *sizes))
    x, *results = draw(alike(whole, *parts))
    inputs = [x, constant(sizes, "int32"), constant([axis], "int32")]
    return one_op("SPLIT_V", inputs, results, {"num_splits": len(sizes)})


@st.composite
def packs(draw: st.DrawFn) -> Graph:
    count, shape = draw(st.integers(1, 4)), draw(shapes(1, 3))
    axis = draw(st.integers(0, len(shape)))
    *inputs, y = draw(alike(*[shape] * count, (*shape[:axis], count, *shape[axis:])))
    return one_op("PACK", inputs, y, {"axis": axis, "values_count": count})


@st.composite
def unpacks(draw: st.DrawFn) -> Graph:
    count, shape = draw(st.integers(1, 4)), draw(shapes(1, 3))
    axis = draw(st.integers(0, len(shape)))
    x, *results = draw(alike((*shape[:axis], count, *shape[axis:]), *[shape] * count))
    return one_op("UNPACK", [x], results, {"axis": axis, "num": count})


@st.composite
def slices(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    begin = [draw(st.integers(0, dim - 1)) for dim in shape]
    size = tuple(draw(st.integers(1, dim - b)) for dim, b in zip(shape, begin, strict=True))
    x, y = draw(alike(shape, size))
    return one_op("SLICE", [x, constant(begin, "int32"), constant(size, "int32")], y)


@st.composite
def gathers(draw: st.DrawFn, computed: bool = False) -> Graph:
    shape = draw(shapes())
    axis = draw(st.integers(0, len(shape) - 1))
    batches = draw(st.integers(0, axis))
    index_shape = (*shape[:batches], *draw(shapes(0, 2)))
    result = (*shape[:axis], *index_shape[batches:], *shape[axis + 1 :])
    (x,) = draw(alike(shape))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    indices = constant(rng.integers(0, shape[axis], index_shape), "int32")
    options: dict[str, OptionValue] = {"axis": axis, "batch_dims": batches}
    inputs = [x, activation(index_shape, "int32", None) if computed else indices]
    return one_op("GATHER", inputs, activation(result, "int8"), options)


@st.composite
def places(draw: st.DrawFn, computed: bool = False) -> Graph:
    shape = draw(shapes())
    depth = draw(st.integers(1, len(shape)))
    index_shape = (*draw(shapes(0, 2)), depth)
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    indices = constant(rng.integers(0, shape[:depth], index_shape), "int32")
    x = draw(alike(shape))[0]
    y = activation((*index_shape[:-1], *shape[depth:]), "int8")
    inputs = [x, activation(index_shape, "int32", None) if computed else indices]
    return one_op("GATHER_ND", inputs, y)


@st.composite
def depth_blocks(draw: st.DrawFn, op: str) -> Graph:
    batch, height, width, depth, block = (draw(st.integers(1, 3)) for _ in range(5))
    deep = batch, height, width, depth * block * block
    wide = batch, height * block, width * block, depth
    x, y = draw(alike(*((deep, wide) if op == "DEPTH_TO_SPACE" else (wide, deep))))
    return one_op(op, [x], y, {"block_size": block})


@st.composite
def batch_blocks(draw: st.DrawFn, op: str) -> Graph:
    spatial = draw(st.integers(1, 2))
    batch, depth = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    block = [draw(st.integers(1, 3)) for _ in range(spatial)]
    counts = [draw(st.integers(1, 3)) for _ in range(spatial)]
    edges = [draw(_edges(b * n)) for b, n in zip(block, counts, strict=True)]
    many = (batch * math.prod(block), *counts, depth)
    sizes = (b * n - sum(e) for b, n, e in zip(block, counts, edges, strict=True))
    few = (batch, *sizes, depth)
    x, y = draw(alike(*((few, many) if op == "SPACE_TO_BATCH_ND" else (many, few))))
    return one_op(op, [x, constant(block, "int32"), constant(edges, "int32")], y)


@st.composite
def _edges(draw: st.DrawFn, size: int) -> tuple[int, int]:
    before = draw(st.integers(0, size - 1))
    return before, draw(st.integers(0, size - 1 - before))


@st.composite
def mirror_pads(draw: st.DrawFn) -> Graph:
    shape, mode = draw(shapes()), draw(st.sampled_from(["REFLECT", "SYMMETRIC"]))
    most = [dim - (mode == "REFLECT") for dim in shape]
    edges = [(draw(st.integers(0, m)), draw(st.integers(0, m))) for m in most]
    result = tuple(a + dim + b for dim, (a, b) in zip(shape, edges, strict=True))
    x, y = draw(alike(shape, result))
    return one_op("MIRROR_PAD", [x, constant(edges, "int32")], y, {"mode": mode})


@st.composite
def reversals(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    first = draw(st.integers(0, len(shape) - 1))
    axes = list(range(first, draw(st.integers(first + 1, len(shape)))))
    x, y = draw(alike(shape, shape))
    return one_op("REVERSE_V2", [x, constant(axes, "int32")], y)


@st.composite
def repetitions(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    source = tuple(1 if draw(st.booleans()) else dim for dim in shape)[draw(st.integers(0, 1)) :]
    x, y = draw(alike(source or (1,), shape))
    return one_op("BROADCAST_TO", [x, constant(shape, "int32")], y)


@st.composite
def fills(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    value, y = draw(alike((), shape))
    return one_op("FILL", [constant(shape, "int32"), value], y)


@st.composite
def zeros(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    return one_op("ZEROS_LIKE", draw(alike(shape)), draw(alike(shape))[0])


@st.composite
def shapes_of(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    y = activation((len(shape),), "int32", None)
    return one_op("SHAPE", draw(alike(shape)), y, {"out_type": "INT32"})


@efforts
def test_split(effort: settings) -> None:
    hold(splits(), effort)
    hold(uneven_splits(), effort)


@efforts
def test_pack_and_unpack(effort: settings) -> None:
    hold(packs(), effort)
    hold(unpacks(), effort)


@efforts
def test_slice(effort: settings) -> None:
    hold(slices(), effort)


@efforts
def test_gather(effort: settings) -> None:
    hold(gathers(), effort)
    hold(places(), effort)


@efforts
def test_blocks_of_depth(effort: settings) -> None:
    hold(depth_blocks("DEPTH_TO_SPACE"), effort)
    hold(depth_blocks("SPACE_TO_DEPTH"), effort)


@efforts
def test_blocks_of_batches(effort: settings) -> None:
    hold(batch_blocks("SPACE_TO_BATCH_ND"), effort, _check_space_to_batch)
    hold(batch_blocks("BATCH_TO_SPACE_ND"), effort)


def _check_space_to_batch(graph: Graph, seed: int) -> None:
    # TensorFlow Lite Micro pads with a byte that it never initialises, LiteRT with the zero point.
    edges = graph.tensor(graph.nodes[0].inputs[2]).data
    assert edges is not None
    check(graph, seed, micro=not edges.any())


@efforts
def test_mirror_pad(effort: settings) -> None:
    hold(mirror_pads(), effort)


@efforts
def test_reverse(effort: settings) -> None:
    hold(reversals(), effort)


@efforts
def test_broadcast_to(effort: settings) -> None:
    hold(repetitions(), effort)


@efforts
def test_fill_zeros_and_shape(effort: settings) -> None:
    hold(fills(), effort)
    hold(shapes_of(), effort)
    # LiteRT has no int8 ZEROS_LIKE.
    hold(zeros(), effort, lambda g, seed: check(g, seed, litert=False))
