"""Kernels of int16 for the DSP extension give the oracle's bytes: in C here, in assembly on a
virtual M4."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgeq import api
from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.lower.dsp.int16_dense import quad_words
from edgeq.compile.lower.dsp.int16_tiles import high_multipliers
from edgeq.compile.support import lower, unsupported_nodes
from edgeq.compile.target import Target
from edgeq.core.records import CompileOptions
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from edgeq.graph.oracle.fixed_point import multiply_wide, quantize_multiplier, reduce_multiplier
from edgeq.graph.writer import write_graph
from tests.compile.test_dsp_convolution import upon_input
from tests.graph.oracle import test_int16 as int16
from tests.graph.oracle import test_weighted as weighted_models
from tests.graph.oracle.runtimes import random_inputs
from tests.support.dsp_models import depthwise_3x3, side_by_side, single_rows
from tests.support.int16_models import convolutions, depthwise_without_planes, large_sums
from tests.support.native import run_native
from tests.support.type_models import INT16, small_network

_FEW = settings(
    max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_MANY = settings(_FEW, max_examples=400, derandomize=False)
_ONE = settings(_FEW, max_examples=1, phases=settings.default.phases[:3])
_TEN = settings(_ONE, max_examples=10, derandomize=False)
_SPEED = CompileOptions(goal="speed")
_M4 = Target("cortex-m4", dsp=True, options=_SPEED)

MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "conv_2d_int16": weighted_models.convolutions(data="int16"),
    "conv_2d_int16_wide": convolutions(),
    "conv_2d_int16_large": large_sums(convolutions()),
    "depthwise_conv_2d_int16": weighted_models.depthwise_convolutions(data="int16"),
    "depthwise_pixels_int16": depthwise_without_planes(),
    "depthwise_3x3_int16": depthwise_3x3("int16"),
    "depthwise_3x3_int16_large": large_sums(depthwise_3x3("int16")),
    "fully_connected_int16": weighted_models.dense_layers(data="int16"),
    "single_row_int16": single_rows("int16"),
    "single_row_int16_large": large_sums(single_rows("int16")),
    **{f"{op.lower()}_int16": int16.pairs16(op) for op in ("ADD", "SUB", "MUL")},
    "average_pool_2d_int16": int16.pools16("AVERAGE_POOL_2D"),
    "max_pool_2d_int16": int16.pools16("MAX_POOL_2D"),
}
_SHARED = ("conv_2d_int16_wide", "depthwise_conv_2d_int16", "depthwise_3x3_int16",
           "average_pool_2d_int16", "max_pool_2d_int16")  # fmt: skip
# One image may have 16 inputs.
_MIXES = st.tuples(*(models for name, models in MODELS.items() if name != "sub_int16"))


def check(graph: Graph, seed: int, *, shared: bool = False) -> None:
    """Hold the C that is generated for an M4, run on this computer, against the oracle."""
    inputs = random_inputs(graph, seed)
    if seed % 2:  # every input at an end of its range
        inputs = [np.where(x < 0, -(1 << 15), (1 << 15) - 1).astype(np.int16) for x in inputs]
    compiled = compile_graph(graph, name="model", target=_M4)
    library = upon_input(graph, compiled, _M4) if shared else compiled
    with tempfile.TemporaryDirectory() as folder:
        outputs = run_native(graph, library, inputs, Path(folder))
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
def test_its_assembly_does_too(effort: settings, tmp_path: Path) -> None:
    @effort
    @given(_MIXES)
    def holds(mix: tuple[Graph, ...]) -> None:
        model = tmp_path / "model.tflite"
        supported = [graph for graph in mix if not unsupported_nodes(graph)]
        model.write_bytes(write_graph(side_by_side(supported)))
        record = api.validate(model, board="virt-m4", seeds=4, options=_SPEED)
        assert (record.inputs, record.matched) == (4, 4)

    holds()


@pytest.mark.parametrize(
    "effort", [_FEW, pytest.param(_MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_an_output_may_lie_upon_the_input(effort: settings) -> None:
    @effort
    @given(st.one_of(*(MODELS[op] for op in _SHARED)), st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        assume(lower(graph, graph.nodes[0], _M4).overlaps)
        check(graph, seed, shared=True)

    holds()


@settings(_FEW, max_examples=200)
@given(st.floats(-25, 6), st.integers(-(2**31), 2**31 - 1))
def test_the_high_word_of_a_product_is_the_requantisation_of_a_long_sum(
    power: float, total: int
) -> None:
    multiplier, shift = quantize_multiplier(2.0**power)
    reduced = reduce_multiplier(multiplier)
    high = high_multipliers([2.0**power])
    if high is None:
        assert not -17 <= shift <= -1
        return
    product = total * high[0] + (1 << 31) >> 32
    assert product == int(multiply_wide(total, reduced, shift))


def test_taps_are_ordered_as_two_sign_extensions_leave_them() -> None:
    rows = np.arange(5 * 6, dtype=np.int8).reshape(5, 6)
    words = quad_words(rows).view(np.int8).reshape(-1, 4)
    assert words[:2].tolist() == [[0, 2, 1, 3], [6, 8, 7, 9]]
    assert words[4].tolist() == [4, 0, 5, 0]
    assert words[8].tolist() == [24, 26, 25, 27]


@pytest.mark.parametrize("board", ["virt-m0plus", "virt-m3", "qemu-an547", "virt-rv32imc"])
def test_other_cores_keep_to_their_own_kernels(board: str) -> None:
    graph = small_network(INT16)
    for core, expected in ((find_board(board).core, False), (find_board("virt-m7").core, True)):
        sources = compile_graph(graph, name="net", target=Target.of(core)).sources
        assert any(source.startswith("eq_dsp16_") for source in sources) is expected
