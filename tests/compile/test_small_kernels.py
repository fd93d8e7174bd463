"""Kernels for cores without SIMD give the oracle's bytes; here they run as plain C."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgeq.boards.profile import CoreName
from edgeq.compile import compile_graph
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.graph.oracle.runtimes import random_inputs
from tests.graph.oracle.strategies import activations, weighted
from tests.graph.oracle.test_weighted import convolutions, dense_layers
from tests.support.native import run_native

_FEW = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_MANY = settings(_FEW, max_examples=400, derandomize=False)
CORES: tuple[CoreName, ...] = ("cortex-m0plus", "cortex-m3", "rv32imc")


@st.composite
def depthwise_3x3(draw: st.DrawFn) -> Graph:
    stride = draw(st.integers(1, 2))
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    batch, height, width, channels = (
        draw(st.integers(n, m)) for n, m in ((1, 2), (3, 9), (3, 9), (1, 5))
    )
    output = [
        -(-n // stride) if padding == "SAME" else (n - 3) // stride + 1 for n in (height, width)
    ]
    options = {
        "padding": padding, "stride_h": stride, "stride_w": stride, "depth_multiplier": 1,
        "fused_activation_function": draw(activations),
    }  # fmt: skip
    return draw(
        weighted(
            "DEPTHWISE_CONV_2D", (1, 3, 3, channels), 3,
            x=(batch, height, width, channels), y=(batch, *output, channels), options=options,
        )
    )  # fmt: skip


MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "conv_2d": convolutions(),
    "depthwise_conv_2d": depthwise_3x3(),
    "fully_connected": dense_layers(),
}


def check(graph: Graph, seed: int, core: CoreName) -> None:
    """Hold the C that is generated for a core against the oracle."""
    inputs = random_inputs(graph, seed)
    compiled = compile_graph(graph, name="model", target=Target(core))
    with tempfile.TemporaryDirectory() as folder:
        outputs = run_native(graph, compiled, inputs, Path(folder))
    for ours, theirs in zip(outputs, Oracle(graph).run(inputs).outputs, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "effort", [_FEW, pytest.param(_MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("op", MODELS)
def test_a_kernel_gives_the_oracles_bytes(op: str, core: CoreName, effort: settings) -> None:
    @effort
    @given(MODELS[op], st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        assume(not unsupported_nodes(graph))
        check(graph, seed, core)

    holds()
