"""Kernels for cores without SIMD give the oracle's bytes: in C here, in assembly where emulated."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgeq import api
from edgeq.boards.profile import CoreName
from edgeq.compile import compile_graph
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from edgeq.graph.writer import write_graph
from tests.graph.oracle.runtimes import random_inputs
from tests.graph.oracle.test_weighted import convolutions, dense_layers
from tests.support.dsp_models import depthwise_3x3, side_by_side, sums
from tests.support.native import run_native

_FEW = settings(
    max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_MANY = settings(_FEW, max_examples=400, derandomize=False)
_ONE = settings(_FEW, max_examples=1, phases=settings.default.phases[:3])
_TEN = settings(_ONE, max_examples=10, derandomize=False)
CORES: tuple[CoreName, ...] = ("cortex-m0plus", "cortex-m3", "rv32imc")
BOARDS = ("virt-m0plus", "virt-m3", "virt-rv32imc")

MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "conv_2d": convolutions(),
    "depthwise_3x3": depthwise_3x3(),
    "fully_connected": dense_layers(),
    "add": sums("ADD"),
    "sub": sums("SUB"),
}


class _Mix:
    """Some models of each kind, which hypothesis does not print whole."""

    def __init__(self, groups: tuple[list[Graph], ...]) -> None:
        self.graphs = [g for group in groups for g in group if not unsupported_nodes(g)]


# So many of each in one image, which may have 16 inputs.
_MIX = {"conv_2d": 4, "depthwise_3x3": 4, "fully_connected": 3, "add": 2}
_MIXES = st.tuples(*(st.lists(MODELS[op], min_size=n, max_size=n) for op, n in _MIX.items()))


def check(graph: Graph, seed: int, core: CoreName) -> None:
    """Hold the C that is generated for a core, run on this computer, against the oracle."""
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


@pytest.mark.parametrize(
    "effort", [_ONE, pytest.param(_TEN, marks=pytest.mark.slow)], ids=["one", "ten"]
)
@pytest.mark.parametrize("board", BOARDS)
def test_its_assembly_does_too(board: str, effort: settings, tmp_path: Path) -> None:
    @effort
    @given(_MIXES.map(_Mix))
    def holds(mix: _Mix) -> None:
        model = tmp_path / "model.tflite"
        model.write_bytes(write_graph(side_by_side(mix.graphs)))
        record = api.validate(model, board=board, seeds=4)
        assert (record.inputs, record.matched) == (4, 4)

    holds()
