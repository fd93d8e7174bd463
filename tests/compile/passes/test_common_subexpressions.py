"""What is computed twice is computed once."""

from __future__ import annotations

from edgeq.compile.passes.common_subexpressions import share_common
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import EFFORT, assert_same, prove_on_random_graphs

SHAPE = (1, 3, 4)


@EFFORT
def test_random_graphs_keep_their_outputs(effort: str) -> None:
    steps = ("max_pool", "concatenation", "transpose", "reshape", "tanh", "logistic", "slice")
    prove_on_random_graphs(share_common, effort, *steps, seen=1)


def _add(model: ModelBuilder, x: int, y: int, scale: float = 0.1) -> int:
    return model.op("ADD", [x, y], activation(SHAPE, "int8", scale, 3))


def test_the_same_operator_on_the_same_inputs_is_shared() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    graph = model.build(_add(model, _add(model, x, x), _add(model, x, x), 0.2))
    made = share_common(graph)
    assert [n.index for n in made.graph.nodes] == [0, 2]
    assert_same(graph, made.graph)


def test_equal_constants_count_as_one() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    a, b = (_add(model, x, model.add(constant([7] * 4, "int8", 0.1))) for _ in range(2))
    graph = model.build(_add(model, a, b, 0.2))
    made = share_common(graph)
    assert made.changes == 1
    assert_same(graph, made.graph)


def test_another_scale_is_another_result() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    graph = model.build(_add(model, _add(model, x, x, 0.1), _add(model, x, x, 0.11), 0.2))
    assert share_common(graph).graph is graph


def test_other_options_are_another_operator() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    parts = [
        model.op("LEAKY_RELU", [x], activation(SHAPE), {"alpha": alpha}) for alpha in (0.1, 0.2)
    ]
    graph = model.build(_add(model, *parts))
    assert share_common(graph).graph is graph


def test_two_outputs_of_a_model_stay_two() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    graph = model.build([_add(model, x, x), _add(model, x, x)])
    assert share_common(graph).graph is graph


def test_chains_are_shared_to_their_end() -> None:
    model = ModelBuilder()
    x = model.input(activation(SHAPE))
    ends = []
    for _ in range(2):
        y = model.op("RELU", [_add(model, x, x)], activation(SHAPE, "int8", 0.1, 3))
        ends.append(model.op("TANH", [y], activation(SHAPE, "int8", 1 / 128, 0)))
    graph = model.build(_add(model, *ends))
    made = share_common(graph)
    assert [n.op for n in made.graph.nodes] == ["ADD", "RELU", "TANH", "ADD"]
    assert_same(graph, made.graph)
