"""Resource variables hold what TensorFlow Lite Micro has them hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from edgeq.graph.reader import read_graph
from edgeq.graph.writer import write_graph
from tests.graph.oracle.runtimes import check_sequence, efforts, hold
from tests.graph.oracle.strategies import int8s, shapes
from tests.support.models import ModelBuilder
from tests.support.variables import exchange_model, streaming_model


@st.composite
def streaming_models(draw: st.DrawFn) -> Graph:
    return streaming_model(
        draw(st.integers(1, 5)),
        draw(st.integers(1, 5)),
        first=draw(st.booleans()),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@st.composite
def reads(draw: st.DrawFn) -> Graph:
    """A variable read once the compiler has resolved its handle."""
    tensor, builder = draw(shapes().flatmap(int8s)), ModelBuilder()
    held = builder.add(replace(tensor, is_variable=True))
    return builder.build(builder.op("READ_VARIABLE", [held], tensor))


@st.composite
def assignments(draw: st.DrawFn) -> Graph:
    """A variable assigned once the compiler has resolved its handle."""
    tensor, builder = draw(shapes().flatmap(int8s)), ModelBuilder()
    x = builder.input(tensor)
    return builder.build(builder.op("ASSIGN_VARIABLE", [x], replace(tensor, is_variable=True)))


@efforts
def test_variables_keep_their_values_as_the_runtime_does(effort: settings) -> None:
    hold(streaming_models(), effort, check_sequence)


def test_an_assignment_counts_from_then_on() -> None:
    check_sequence(exchange_model(), 1)


def test_a_file_keeps_the_subgraph_of_first_values() -> None:
    graph = read_graph(write_graph(streaming_model()), "streaming.tflite")
    assert len(graph.subgraphs) == 1
    check_sequence(graph, 1)


def test_first_values_that_come_too_late_are_refused() -> None:
    with pytest.raises(InputError, match="CALL_ONCE comes after"):
        Oracle(streaming_model(called="after"))
