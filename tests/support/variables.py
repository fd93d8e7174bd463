"""Models with resource variables: a filter over the last inputs, as streaming models have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.graph.ir import Graph
from tests.support.models import ModelBuilder, activation, constant

_HANDLE = activation((), "resource", None)


def streaming_model(
    depth: int = 3, past: int = 4, *, first: bool = True, seed: int = 0, called: str = "before"
) -> Graph:
    """Return a model that gives the last `past` inputs and the new one, and keeps them.

    Args:
        first: whether CALL_ONCE assigns first values.
        called: whether it does so `before` the variable is read, or `after`.
    """
    rng = np.random.default_rng(seed)
    builder = ModelBuilder()
    x = builder.input(activation((1, 1, depth), "int8", 0.1, 7))
    once = {"init_subgraph_index": 1}
    if first and called == "before":
        builder.op("CALL_ONCE", [], [], once)
    handle = builder.op("VAR_HANDLE", [], _HANDLE, {"container": "", "shared_name": "past"})
    held = activation((1, past, depth), "int8", 0.1, 7)
    before = builder.op("READ_VARIABLE", [handle], held)
    if first and called == "after":
        builder.op("CALL_ONCE", [], [], once)
    y = activation((1, past + 1, depth), "int8", 0.1, 7)
    whole = builder.op("CONCATENATION", [before, x], y, {"axis": 1})
    begin, size = constant([0, 1, 0], "int32"), constant([1, past, depth], "int32")
    after = builder.op("SLICE", [whole, begin, size], held)
    nodes = len(builder.nodes)
    builder.op("ASSIGN_VARIABLE", [handle, after], [])
    assert len(builder.nodes) == nodes + 1
    result = builder.op("RELU", [whole], y)
    graph = builder.build(result)
    return replace(graph, subgraphs=(_first_values(rng, (1, past, depth)),)) if first else graph


def exchange_model(size: int = 5) -> Graph:
    """Return a model that reads a variable, assigns the input to it, and reads it again."""
    builder = ModelBuilder()
    held = activation((1, size), "int8", 0.1, -3)
    x = builder.input(held)
    handle = builder.op("VAR_HANDLE", [], _HANDLE, {"container": "", "shared_name": "last"})
    before = builder.op("READ_VARIABLE", [handle], held)
    builder.op("ASSIGN_VARIABLE", [handle, x], [])
    after = builder.op("READ_VARIABLE", [handle], held)
    y = activation((1, 2 * size), "int8", 0.1, -3)
    return builder.build(builder.op("CONCATENATION", [before, after], y, {"axis": 1}))


def _first_values(rng: np.random.Generator, shape: tuple[int, ...]) -> Graph:
    builder = ModelBuilder()
    handle = builder.op("VAR_HANDLE", [], _HANDLE, {"container": "", "shared_name": "past"})
    values = constant(rng.integers(-128, 128, shape), "int8", 0.1, 7)
    builder.op("ASSIGN_VARIABLE", [handle, values], [])
    return builder.build((), "first_values")
