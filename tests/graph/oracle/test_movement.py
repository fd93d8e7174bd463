"""Operators that move elements give the bytes of TensorFlow Lite Micro."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from edgeq.graph.ir import Graph
from tests.graph.oracle.runtimes import efforts, hold
from tests.graph.oracle.strategies import alike, shapes
from tests.support.models import constant, one_op


@st.composite
def concatenations(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    axis = draw(st.integers(0, len(shape) - 1))
    parts = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    sizes = [(*shape[:axis], part, *shape[axis + 1 :]) for part in (*parts, sum(parts))]
    *inputs, output = draw(alike(*sizes))
    sign = draw(st.sampled_from([0, len(shape)]))
    return one_op("CONCATENATION", inputs, output, {"axis": axis - sign})


@st.composite
def pads(draw: st.DrawFn, op: str) -> Graph:
    shape = draw(shapes())
    edges = [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in shape]
    result = tuple(a + dim + b for dim, (a, b) in zip(shape, edges, strict=True))
    x, y = draw(alike(shape, result))
    inputs = [x, constant(edges, "int32")]
    if op == "PADV2":
        assert x.quantization is not None
        q = x.quantization
        inputs.append(constant([draw(st.integers(-128, 127))], "int8", q.scale, q.zero_point))
    return one_op(op, inputs, y)


@st.composite
def reshapes(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    wanted = draw(st.permutations(shape)) if draw(st.booleans()) else [math.prod(shape)]
    x, y = draw(alike(shape, tuple(wanted)))
    return one_op("RESHAPE", [x, constant(wanted, "int32")], y, {"new_shape": tuple(wanted)})


@st.composite
def squeezes(draw: st.DrawFn) -> Graph:
    shape = draw(shapes(1, 3))
    axis = draw(st.integers(0, len(shape)))
    x, y = draw(alike((*shape[:axis], 1, *shape[axis:]), shape))
    return one_op("SQUEEZE", [x], y, {"squeeze_dims": (axis,)})


@st.composite
def expansions(draw: st.DrawFn) -> Graph:
    shape = draw(shapes(1, 3))
    axis = draw(st.integers(0, len(shape)))
    x, y = draw(alike(shape, (*shape[:axis], 1, *shape[axis:])))
    return one_op("EXPAND_DIMS", [x, constant([axis], "int32")], y)


@st.composite
def transpositions(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    order = draw(st.permutations(range(len(shape))))
    x, y = draw(alike(shape, tuple(shape[axis] for axis in order)))
    return one_op("TRANSPOSE", [x, constant(order, "int32")], y)


@st.composite
def strided_slices(draw: st.DrawFn) -> Graph:
    """Slices of at least one element, some with masks, negative strides or dropped axes."""
    shape = draw(shapes())
    axes = [draw(_axis_slices(dim)) for dim in shape]
    kept = [axis for axis in axes if not axis["shrink"]]
    if not kept:
        axes[0]["shrink"], kept = False, axes[:1]
        axes[0] |= {"begin": 0, "end": 1, "stride": 1, "size": 1, "low": False, "high": False}
    x, y = draw(alike(shape, tuple(axis["size"] for axis in kept)))
    options = {
        name: sum(1 << i for i, axis in enumerate(axes) if axis[key])
        for name, key in (
            ("begin_mask", "low"), ("end_mask", "high"), ("shrink_axis_mask", "shrink"))
    }  # fmt: skip
    bounds = [constant([axis[key] for axis in axes], "int32") for key in ("begin", "end", "stride")]
    return one_op("STRIDED_SLICE", [x, *bounds], y, options)


@st.composite
def _axis_slices(draw: st.DrawFn, dim: int) -> dict[str, Any]:
    if draw(st.integers(0, 4)) == 0:
        begin = draw(st.integers(-dim, dim - 1))
        return {"begin": begin, "end": begin + 1 or dim, "stride": 1, "size": 0,
                "low": False, "high": False, "shrink": True}  # fmt: skip
    stride = draw(st.sampled_from([-2, -1, 1, 1, 1, 2, 3]))
    first, last = sorted((draw(st.integers(0, dim - 1)), draw(st.integers(0, dim - 1))))
    begin, end = (first, last + 1) if stride > 0 else (last, first - 1)
    low, high = draw(st.booleans()), draw(st.booleans()) or end == -1
    picked = range(dim)[None if low else begin : None if high else end : stride]
    signs = [draw(st.sampled_from([0, dim])) for _ in range(2)]
    return {"begin": begin - signs[0], "end": end - signs[1] if end < dim else end,
            "stride": stride, "size": len(picked), "low": low, "high": high,
            "shrink": False}  # fmt: skip


@efforts
def test_concatenation(effort: settings) -> None:
    hold(concatenations(), effort)


@efforts
def test_pad(effort: settings) -> None:
    hold(pads("PAD"), effort)
    hold(pads("PADV2"), effort)


@efforts
def test_reshape_squeeze_and_expand_dims(effort: settings) -> None:
    for models in (reshapes(), squeezes(), expansions()):
        hold(models, effort)


@efforts
def test_transpose(effort: settings) -> None:
    hold(transpositions(), effort)


@efforts
def test_strided_slice(effort: settings) -> None:
    hold(strided_slices(), effort)
