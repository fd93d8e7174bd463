"""Every operator's plain kernels give the oracle's bytes, also over an input where they may, and
write nothing but their output."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgeq.compile import compile_graph
from edgeq.compile.support import OPERATORS, unsupported_nodes
from edgeq.graph.ir import Graph
from edgeq.graph.ops import INTERNAL
from tests.compile.operator_models import MODELS
from tests.graph.oracle.runtimes import random_inputs
from tests.support.direct import run_direct
from tests.support.generated import assert_outputs
from tests.support.native import run_together

_FEW = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_THOUSANDS = settings(_FEW, max_examples=10_000, derandomize=False, database=None)
_GROUPS = 8


@pytest.mark.parametrize(
    "effort", [_FEW, pytest.param(_THOUSANDS, marks=pytest.mark.slow)], ids=["few", "thousands"]
)
@pytest.mark.parametrize("kind", MODELS)
def test_an_operator_gives_the_oracles_bytes(kind: str, effort: settings) -> None:
    @effort
    @given(MODELS[kind], st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        assume(not unsupported_nodes(graph))
        inputs = random_inputs(graph, seed)
        for outputs in run_direct(graph, inputs):
            assert_outputs(graph, inputs, outputs)

    holds()


@pytest.mark.parametrize("group", range(_GROUPS))
def test_generated_c_is_clean_under_sanitizers(group: int, tmp_path: Path) -> None:
    strategies = [MODELS[kind] for kind in list(MODELS)[group::_GROUPS]]

    @settings(_FEW, max_examples=1)
    @given(st.tuples(*strategies), st.integers(0, 2**32 - 1))
    def holds(graphs: tuple[Graph, ...], seed: int) -> None:
        taken = [graph for graph in graphs if not unsupported_nodes(graph)]
        given_ = [random_inputs(graph, seed) for graph in taken]
        compiled = [compile_graph(graph, name=f"model{i}") for i, graph in enumerate(taken)]
        for graph, inputs, outputs in zip(
            taken, given_, run_together(taken, compiled, given_, tmp_path), strict=True
        ):
            assert_outputs(graph, inputs, outputs)

    holds()


def test_every_operator_of_the_table_has_models() -> None:
    made_by_passes = INTERNAL
    known = {name.split("_of_any")[0] for name in MODELS}
    assert known >= {op.lower() for op in set(OPERATORS) - made_by_passes}
