"""Operators run in the order that keeps the fewest bytes alive, and only where that helps."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.compile.passes import ordering
from edgeq.compile.passes.ordering import order_operators
from edgeq.graph.ir import Graph
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import assert_same


def branches(widths: list[int]) -> Graph:
    """Return branches that each widen and narrow again; all wide tensors come first."""
    model = ModelBuilder()
    x = model.input(activation((1, 4)))
    wide = [model.op("CONCATENATION", [x] * w, activation((1, 4 * w)), {"axis": 1}) for w in widths]
    narrow = [
        model.op("MEAN", [w, _axis(model)], activation((1,)), {"keep_dims": False}) for w in wide
    ]
    return model.build(model.op("CONCATENATION", narrow, activation((len(widths),)), {"axis": 0}))


def _axis(model: ModelBuilder) -> int:
    return model.add(constant([1], "int32"))


def peak(graph: Graph) -> int:
    """Return the most bytes alive at once in the graph's order."""
    work = ordering._Work.of(graph)
    return ordering._peak(work, range(len(work.nodes)))


def least_peak(graph: Graph) -> int:
    """Return the least peak over all orders."""
    work = ordering._Work.of(graph)
    valid = []
    for order in permutations(range(len(work.nodes))):
        done = 0
        for i in order:
            if work.before[i] & ~done:
                break
            done |= 1 << i
        else:
            valid.append(ordering._peak(work, order))
    return min(valid)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_the_order_has_the_least_peak_of_all(widths: list[int]) -> None:
    graph = branches(widths)
    made = order_operators(graph).graph
    assert peak(made) == least_peak(graph)
    assert_same(graph, made)


def test_branches_run_one_after_the_other() -> None:
    graph = branches([30, 30, 30])
    rewrite = order_operators(graph)
    assert rewrite.changes > 0
    assert peak(rewrite.graph) < peak(graph) / 2
    assert "bytes alive at once instead of" in rewrite.note


def test_greedy_choices_take_over_where_there_are_too_many_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ordering, "_STATES", 2)
    graph = branches([30, 20, 10])
    made = order_operators(graph).graph
    assert peak(made) < peak(graph)
    assert_same(graph, made)


def test_an_order_that_is_no_better_stays() -> None:
    graph = branches([8])
    assert order_operators(graph).graph is graph
