"""Every pass together with the kernels: the C of a rewritten graph gives the model's own bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgeq.compile import compile_graph
from edgeq.compile.support import unsupported_nodes
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.graph.oracle.runtimes import random_inputs
from tests.support.native import run_native
from tests.support.random_graphs import random_graphs

_FEW = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_MANY = settings(_FEW, max_examples=300, derandomize=False)
EFFORT = pytest.mark.parametrize(
    "effort", [_FEW, pytest.param(_MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)


def _hold(effort: settings, *steps: str) -> None:
    @effort
    @given(random_graphs(steps), st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        assume(not unsupported_nodes(graph))
        inputs = random_inputs(graph, seed)
        with tempfile.TemporaryDirectory() as folder:
            outputs = run_native(graph, compile_graph(graph, name="model"), inputs, Path(folder))
        for ours, theirs in zip(outputs, Oracle(graph).run(inputs).outputs, strict=True):
            np.testing.assert_array_equal(ours, theirs)

    holds()


@EFFORT
def test_random_graphs(effort: settings) -> None:
    _hold(effort)


@EFFORT
def test_padded_windows(effort: settings) -> None:
    _hold(effort, "pad", "convolution", "pad", "depthwise", "pad", "max_pool")


@EFFORT
def test_layers_with_dead_channels(effort: settings) -> None:
    _hold(effort, "convolution", "depthwise", "convolution", "dense", "add", "concatenation")
