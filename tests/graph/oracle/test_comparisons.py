"""Comparisons, logic, selection and casts give the bytes of TensorFlow Lite Micro."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph, Tensor
from edgeq.graph.oracle import Oracle
from tests.graph.oracle.runtimes import check, efforts, hold
from tests.graph.oracle.strategies import alike, shapes, zero_points
from tests.support.models import activation, constant, one_op

COMPARISONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
# Both fractions and whole numbers of the scales compare.
_scales = st.sampled_from([0.5, 0.25, 0.1, 0.02, 0.99])


@st.composite
def comparisons(draw: st.DrawFn, op: str) -> Graph:
    shape = draw(shapes())
    first = activation(shape, "int8", draw(_scales), draw(zero_points))
    second = activation(draw(_repeated(shape)), "int8", draw(_scales), draw(zero_points))
    if draw(st.booleans()):
        assert second.quantization is not None
        q = second.quantization
        values = np.random.default_rng(draw(st.integers(0, 99))).integers(-128, 128, second.shape)
        second = constant(values, "int8", q.scale, q.zero_point)
    inputs = [first, second] if draw(st.booleans()) else [second, first]
    return one_op(op, inputs, activation(shape, "bool"))


@st.composite
def _repeated(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    kept = tuple(1 if draw(st.booleans()) else dim for dim in shape)[draw(st.integers(0, 1)) :]
    return kept or (1,)


@st.composite
def junctions(draw: st.DrawFn, op: str) -> Graph:
    shape = draw(shapes())
    other = draw(_repeated(shape))
    return one_op(op, [activation(s, "bool") for s in (shape, other)], activation(shape, "bool"))


@st.composite
def negations(draw: st.DrawFn) -> Graph:
    shape = draw(shapes())
    return one_op("LOGICAL_NOT", [activation(shape, "bool")], activation(shape, "bool"))


@st.composite
def selections(draw: st.DrawFn, op: str) -> Graph:
    shape = draw(shapes())
    first, second, result = draw(alike(shape, shape, shape))
    condition = activation(shape, "bool")
    if op == "SELECT_V2":
        condition = activation(draw(_repeated(shape)), "bool")
        other = draw(_repeated(shape))
        second = activation(other, "int8", second.quantization.scale, 0)  # type: ignore[union-attr]
    return one_op(op, [condition, first, second], result)


@st.composite
def casts(draw: st.DrawFn, source: str, result: str) -> Graph:
    shape = draw(shapes())
    return one_op("CAST", [_plain(shape, source)], _plain(shape, result))


def _plain(shape: tuple[int, ...], dtype: str) -> Tensor:
    return activation(shape, dtype, None)


@efforts
def test_comparisons(effort: settings) -> None:
    for op in COMPARISONS:
        hold(comparisons(op), effort)


def test_a_comparison_of_scales_from_one_up_is_refused() -> None:
    pair = [activation((3,), "int8", 1.0), activation((3,), "int8", 0.5)]
    with pytest.raises(InputError, match="not below 1"):
        Oracle(one_op("LESS", pair, activation((3,), "bool")))


@efforts
def test_logic(effort: settings) -> None:
    for op in ("LOGICAL_AND", "LOGICAL_OR"):
        hold(junctions(op), effort)
    hold(negations(), effort)


@efforts
def test_select(effort: settings) -> None:
    hold(selections("SELECT_V2"), effort)
    # TensorFlow Lite Micro has SELECT_V2 alone.
    hold(selections("SELECT"), effort, lambda g, seed: check(g, seed, micro=False))


@efforts
@pytest.mark.parametrize("source", ["int8", "int32", "float32", "bool"])
@pytest.mark.parametrize("result", ["int8", "int32", "float32"])
def test_cast(effort: settings, source: str, result: str) -> None:
    hold(casts(source, result), effort)
