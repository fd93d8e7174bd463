"""All passes together: the order, the rounds, leaving some out, and what the plan says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.compile import compile_graph, computed_graph
from edgeq.compile.passes import PASSES, run_passes
from edgeq.compile.passes.reference import passes_page
from edgeq.compile.support import lowering_faults, unsupported_nodes
from edgeq.compile.target import NATIVE, Target
from edgeq.core.errors import UsageError
from edgeq.core.records import CompileOptions
from edgeq.graph.ir import Graph
from edgeq.graph.reader import read_model
from tests.support.models import ModelBuilder, activation
from tests.support.proofs import EFFORT, EFFORTS, assert_same
from tests.support.random_graphs import random_graphs
from tests.support.shared import needs_shared, shared_model
from tests.support.small_cnn import small_cnn

NAMES = [p.name for p in PASSES]
M4 = Target("cortex-m4", dsp=True)


def _names(target: Target = NATIVE) -> list[str]:
    return [p.name for p in PASSES if p.serves(target)]


@EFFORT
@pytest.mark.parametrize("target", [NATIVE, M4], ids=["native", "dsp"])
def test_all_passes_keep_the_outputs_and_leave_nothing_to_do(target: Target, effort: str) -> None:
    @EFFORTS[effort]
    @given(random_graphs(), st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        made, records = run_passes(graph, target=target)
        assert [r.name for r in records] == _names(target)
        assert_same(graph, made, seed)
        again, after = run_passes(made, target=target)
        assert again is made
        assert not any(r.changes for r in after)

    holds()


@EFFORT
def test_any_choice_of_passes_keeps_the_outputs(effort: str) -> None:
    @EFFORTS[effort]
    @given(random_graphs(), st.sets(st.sampled_from(NAMES)), st.integers(0, 2**32 - 1))
    def holds(graph: Graph, omitted: set[str], seed: int) -> None:
        made, records = run_passes(graph, omitted)
        assert not omitted & {r.name for r in records}
        assert_same(graph, made, seed)

    holds()


@EFFORT
def test_passes_take_support_from_no_graph(effort: str) -> None:
    @EFFORTS[effort]
    @given(random_graphs())
    def holds(graph: Graph) -> None:
        if not list(lowering_faults(graph)):
            assert unsupported_nodes(graph) == ()

    holds()


@needs_shared
@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_real_models_keep_their_outputs(name: str) -> None:
    graph = read_model(shared_model(name))
    assert_same(graph, run_passes(graph)[0])


def test_a_pass_that_does_not_exist_is_refused_with_the_names() -> None:
    with pytest.raises(UsageError, match="there is no pass 'dead-chanels'") as caught:
        run_passes(small_cnn(), ["dead-chanels"])
    assert caught.value.hint is not None
    assert all(name in caught.value.hint for name in NAMES)


def test_without_passes_a_graph_is_itself() -> None:
    graph = small_cnn()
    assert run_passes(graph, NAMES) == (graph, ())


def test_a_graph_beyond_any_board_is_left_as_it_is() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 1 << 12, 1 << 12)))
    graph = model.build(model.op("RELU", [x], activation((1, 1 << 12, 1 << 12))))
    made, records = run_passes(graph)
    assert made is graph
    assert {r.note for r in records} == {"left out: the graph is too large to be analysed"}


def test_the_plan_says_what_each_pass_did() -> None:
    compiled = compile_graph(small_cnn(), name="small")
    plan = json.loads(compiled.files["small.json"])
    assert [p["name"] for p in plan["passes"]] == _names()
    assert plan["computed_macs"] == sum(layer["macs"] for layer in plan["layers"])


def test_the_graph_of_a_plan_leaves_out_what_the_plan_left_out() -> None:
    graph = small_cnn()
    target = Target(options=CompileOptions(omitted_passes=tuple(NAMES)))
    plan = compile_graph(graph, name="small", target=target).plan
    assert computed_graph(graph, plan) is graph


def test_the_graph_of_a_plan_is_the_one_of_its_target() -> None:
    model = ModelBuilder()
    a, b = (model.input(activation((1, 8), "int8", 0.05, 3)) for _ in range(2))
    y = model.op("ADD", [a, b], activation((1, 8), "int8", 0.07, 1))
    graph = model.build(model.op("TANH", [y], activation((1, 8), "int8", 1 / 128, 0)))
    for target, ops in ((M4, ["ADD_TABLE"]), (NATIVE, ["ADD", "TANH"])):
        plan = compile_graph(graph, name="small", target=target).plan
        assert [n.op for n in computed_graph(graph, plan).nodes] == ops


def test_the_page_on_passes_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / "docs" / "passes.md"
    assert page.read_text(encoding="utf-8") == passes_page()
