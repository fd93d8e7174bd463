"""Models that keep state: the compiled C follows the oracle from one invoke to the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.compile import compile_graph
from edgeq.compile.target import NATIVE, Target
from edgeq.core.records import CompileOptions
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.graph.oracle.runtimes import random_inputs
from tests.graph.oracle.test_recurrent import lstm_model, lstms, svdfs
from tests.graph.oracle.test_variables import exchange_model, streaming_models
from tests.support.native import run_sequence
from tests.support.properties import efforts
from tests.support.variables import streaming_model

_RUNS = 5
_RAM = CompileOptions(goal="ram")
_M4 = Target("cortex-m4", dsp=True)
_RESETS = (0, 3)  # the invokes before which NAME_init is called


def check_sequence(graph: Graph, seed: int, folder: Path, target: Target = NATIVE) -> None:
    """Hold the compiled C against the oracle over consecutive invokes."""
    sequence = [random_inputs(graph, seed + i) for i in range(_RUNS)]
    oracle, compiled = Oracle(graph), compile_graph(graph, name="state", target=target)
    got = run_sequence(graph, compiled, sequence, folder, _RESETS)
    for i, (inputs, outputs) in enumerate(zip(sequence, got, strict=True)):
        if i in _RESETS:
            oracle.reset()
        for ours, theirs in zip(outputs, oracle.run(inputs).outputs, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=f"invoke {i}")


@efforts(3, 200)
@pytest.mark.parametrize(
    "models", [lstms(), svdfs(), streaming_models()], ids=["lstm", "svdf", "variables"]
)
def test_state_is_kept_between_invokes_and_reset_by_init(
    models: st.SearchStrategy[Graph], effort: settings, tmp_path: Path
) -> None:
    @effort
    @given(models, st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        check_sequence(graph, seed, tmp_path)

    holds()


@pytest.mark.parametrize("depth", [1, 6, 600])
def test_the_gates_of_a_cell_are_summed_as_quads(depth: int, tmp_path: Path) -> None:
    graph = lstm_model(2, 3, depth, 7, major=depth == 6, weight_power=-9.0, seed=depth)
    plan = compile_graph(graph, name="state", target=_M4).plan
    assert plan.layers[0].kernel == "eq_lstm_quads"
    check_sequence(graph, depth, tmp_path, _M4)


def test_reads_and_assignments_keep_their_order(tmp_path: Path) -> None:
    graph = exchange_model()
    layers = compile_graph(graph, name="state", target=Target(options=_RAM)).plan.layers
    ops = [layer.op for layer in layers]
    assert ops == ["READ_VARIABLE", "ASSIGN_VARIABLE", "READ_VARIABLE", "CONCATENATION"]
    check_sequence(graph, 1, tmp_path, Target(options=_RAM))


def test_the_planner_never_shares_state() -> None:
    graph = lstm_model()
    plan = compile_graph(graph, name="state").plan
    kept = [t for t in plan.tensors if graph.tensor(t.index).is_variable]
    assert len(kept) == 2
    for state in kept:
        others = [t for t in plan.tensors if t.index != state.index]
        ends = [(t.offset, t.offset + t.bytes) for t in others]
        assert all(e <= state.offset or s >= state.offset + state.bytes for s, e in ends)


def test_first_values_count_as_constants() -> None:
    bare, full = (
        compile_graph(streaming_model(first=first), name="state").plan for first in (False, True)
    )
    assert full.constant_bytes == bare.constant_bytes + 12


def test_the_header_says_that_state_is_kept() -> None:
    assert "state is kept from one" in compile_graph(lstm_model(), name="state").files["state.h"]
