"""Kernels for the DSP extension give the oracle's bytes: in C here, in assembly on a virtual M4."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgeq import api
from edgeq.compile import compile_graph
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.core.records import CompileOptions
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from edgeq.graph.writer import write_graph
from tests.graph.oracle import test_elementwise as elementwise
from tests.graph.oracle.runtimes import random_inputs
from tests.graph.oracle.test_recurrent import lstms
from tests.graph.oracle.test_weighted import dense_layers, depthwise_convolutions
from tests.graph.oracle.test_windows import pools
from tests.support.dsp_models import (
    chains,
    depthwise_3x3,
    matrices,
    pixel_means,
    side_by_side,
    single_rows,
    sums,
    upsamplings,
    usual,
)
from tests.support.native import run_native

_FEW = settings(
    max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_MANY = settings(_FEW, max_examples=400, derandomize=False)
_ONE = settings(_FEW, max_examples=1, phases=settings.default.phases[:3])
_TEN = settings(_ONE, max_examples=10, derandomize=False)
_SPEED = CompileOptions(goal="speed")
_M4 = Target("cortex-m4", dsp=True, options=_SPEED)

MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "depthwise_3x3": usual(depthwise_3x3()),
    "depthwise_conv_2d": depthwise_convolutions(),
    "average_pool_2d": pools("AVERAGE_POOL_2D"),
    "max_pool_2d": pools("MAX_POOL_2D"),
    "relu": elementwise.singles("RELU", requantized=False),
    "relu6": elementwise.singles("RELU6", requantized=False),
    "mean": pixel_means("MEAN"),
    "sum": pixel_means("SUM"),
    "fully_connected": dense_layers(),
    "single_row": usual(single_rows()),
    "add": sums("ADD"),
    "sub": sums("SUB"),
    "mul": elementwise.pairs("MUL"),
    **{f"{op.lower()}_table": chains(op) for op in ("ADD", "SUB", "MUL")},
    "batch_matmul": matrices(),
    "transpose_conv": usual(upsamplings()),
    "lstm": lstms(),
}

# So many of each in one image, which may have 16 inputs.
_MIX = {
    "depthwise_3x3": 3,
    "depthwise_conv_2d": 1,
    "average_pool_2d": 1,
    "max_pool_2d": 1,
    "relu6": 1,
    "mean": 1,
    "sum": 1,
    "fully_connected": 1,
    "single_row": 2,
    "add": 1,
    "sub": 1,
}
_PRODUCTS = {"batch_matmul": 3, "transpose_conv": 4, "mul": 1, "add_table": 1, "mul_table": 1}


class _Mix:
    """Some models of each kind, which hypothesis does not print whole."""

    def __init__(self, groups: tuple[list[Graph], ...]) -> None:
        self.graphs = [g for group in groups for g in group if not unsupported_nodes(g)]


def _mixes(counts: Mapping[str, int]) -> st.SearchStrategy[_Mix]:
    return st.tuples(
        *(st.lists(MODELS[op], min_size=n, max_size=n) for op, n in counts.items())
    ).map(_Mix)


def check(graph: Graph, seed: int) -> None:
    """Hold the C that is generated for an M4, run on this computer, against the oracle."""
    inputs = random_inputs(graph, seed)
    compiled = compile_graph(graph, name="model", target=_M4)
    with tempfile.TemporaryDirectory() as folder:
        outputs = run_native(graph, compiled, inputs, Path(folder))
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


@pytest.mark.parametrize(
    "effort", [_ONE, pytest.param(_TEN, marks=pytest.mark.slow)], ids=["one", "ten"]
)
@pytest.mark.parametrize("counts", [_MIX, _PRODUCTS], ids=["layers", "products"])
def test_its_assembly_does_too(counts: Mapping[str, int], effort: settings, tmp_path: Path) -> None:
    @effort
    @given(_mixes(counts))
    def holds(mix: _Mix) -> None:
        model = tmp_path / "model.tflite"
        model.write_bytes(write_graph(side_by_side(mix.graphs)))
        record = api.validate(model, board="virt-m4", seeds=4, options=_SPEED)
        assert (record.inputs, record.matched) == (4, 4)

    holds()
