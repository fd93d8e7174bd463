"""Pools give the bytes of TensorFlow Lite Micro."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from edgeq.graph.ir import Graph
from tests.graph.oracle.runtimes import efforts, hold
from tests.graph.oracle.strategies import geometries, scales, zero_points
from tests.support.models import activation, one_op


@st.composite
def pools(draw: st.DrawFn, op: str) -> Graph:
    """A pool; input and output are quantised alike, as it does not requantise."""
    form = draw(geometries(dilated=False))
    batch, channels = draw(st.integers(1, 2)), draw(st.integers(1, 5))
    scale, zero_point = draw(scales), draw(zero_points)
    x, y = (
        activation((batch, *sizes, channels), "int8", scale, zero_point)
        for sizes in (form["size"], form["output"])
    )
    window = dict(zip(("filter_height", "filter_width"), form["kernel"], strict=True))
    return one_op(op, [x], y, form["options"] | window)


@efforts
def test_average_pool(effort: settings) -> None:
    hold(pools("AVERAGE_POOL_2D"), effort)


@efforts
def test_max_pool(effort: settings) -> None:
    hold(pools("MAX_POOL_2D"), effort)
