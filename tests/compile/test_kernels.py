"""Generated C gives the oracle's bytes, touches no byte it should not, and warns of nothing."""

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
from tests.graph.oracle import test_elementwise as elementwise
from tests.graph.oracle import test_movement as movement
from tests.graph.oracle import test_reductions as reductions
from tests.graph.oracle import test_weighted as weighted
from tests.graph.oracle import test_windows as windows
from tests.graph.oracle.runtimes import random_inputs
from tests.support.native import run_native
from tests.support.small_cnn import small_cnn

_FEW = settings(
    max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_MANY = settings(_FEW, max_examples=250, derandomize=False)

MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "conv_2d": weighted.convolutions(),
    "depthwise_conv_2d": weighted.depthwise_convolutions(),
    "fully_connected": weighted.dense_layers(),
    "average_pool_2d": windows.pools("AVERAGE_POOL_2D"),
    "max_pool_2d": windows.pools("MAX_POOL_2D"),
    "mean": reductions.reductions("MEAN", True),
    "softmax": reductions.softmaxes(),
    "add": elementwise.pairs("ADD"),
    "sub": elementwise.pairs("SUB"),
    "mul": elementwise.pairs("MUL"),
    "leaky_relu": elementwise.leaky_relus(),
    "hard_swish": elementwise.hard_swishes(),
    "logistic": elementwise.singles("LOGISTIC", (1 / 256, -128)),
    "tanh": elementwise.singles("TANH", (1 / 128, 0)),
    "relu": elementwise.singles("RELU"),
    "relu6": elementwise.singles("RELU6"),
    "relu_n1_to_1": elementwise.singles("RELU_N1_TO_1"),
    "quantize": elementwise.quantizations("float32", "int8"),
    "quantize_uint8": elementwise.quantizations("uint8", "int8"),
    "quantize_int8": elementwise.quantizations("int8", "uint8"),
    "dequantize": elementwise.dequantizations("int8"),
    "dequantize_uint8": elementwise.dequantizations("uint8"),
    "concatenation": movement.concatenations(),
    "pad": movement.pads("PAD"),
    "padv2": movement.pads("PADV2"),
    "transpose": movement.transpositions(),
    "strided_slice": movement.strided_slices(),
}


def check(graph: Graph, seed: int) -> None:
    """Hold the generated C against the oracle."""
    inputs = random_inputs(graph, seed)
    with tempfile.TemporaryDirectory() as folder:
        outputs = run_native(graph, compile_graph(graph, name="model"), inputs, Path(folder))
    for ours, theirs in zip(outputs, Oracle(graph).run(inputs).outputs, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "effort", [_FEW, pytest.param(_MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("op", MODELS)
def test_a_kernel_gives_the_oracles_bytes(op: str, effort: settings) -> None:
    @effort
    @given(MODELS[op], st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        assume(not unsupported_nodes(graph))
        check(graph, seed)

    holds()


def test_a_network_gives_the_oracles_bytes() -> None:
    check(small_cnn(), seed=3)
