"""Resizing gives the bytes of TensorFlow Lite Micro."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from edgeq.graph.ir import Graph
from tests.graph.oracle.runtimes import check, efforts, hold
from tests.graph.oracle.strategies import alike
from tests.support.models import constant, one_op


@st.composite
def resizings(draw: st.DrawFn, op: str) -> Graph:
    batch, channels = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    size, result = ([draw(st.integers(1, 12)) for _ in range(2)] for _ in range(2))
    x, y = draw(alike((batch, *size, channels), (batch, *result, channels)))
    corners = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    options = dict(zip(("align_corners", "half_pixel_centers"), corners, strict=True))
    return one_op(op, [x, constant(result, "int32")], y, options)


@efforts
def test_resize_nearest_neighbor(effort: settings) -> None:
    hold(resizings("RESIZE_NEAREST_NEIGHBOR"), effort)


@efforts
def test_resize_bilinear(effort: settings) -> None:
    # LiteRT rounds halves up.
    hold(resizings("RESIZE_BILINEAR"), effort, lambda g, seed: check(g, seed, litert=False))
