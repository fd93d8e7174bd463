"""Constant folding: the oracle's value in the place of the operators that computed it."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.compile import compile_graph
from edgeq.compile.passes import run_passes
from edgeq.compile.passes.constant_folding import fold_constants
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.core.errors import InputError
from edgeq.core.records import CompileOptions
from edgeq.graph.ir import Graph, OptionValue, Tensor
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import assert_same

RNG = np.random.default_rng(5)


def _halves() -> Graph:
    """x + (a + b), where a and b are constants."""
    model = ModelBuilder()
    x = model.input(activation((1, 3, 4)))
    a, b = (constant(RNG.integers(-128, 128, (1, 3, 4)), "int8", 0.1, zero) for zero in (3, -4))
    y = model.op("ADD", [a, b], activation((1, 3, 4), "int8", 0.2, 1))
    z = model.op(
        "TRANSPOSE", [y, constant([0, 1, 2], "int32")], activation((1, 3, 4), "int8", 0.2, 1)
    )
    return model.build(model.op("ADD", [x, z], activation((1, 3, 4), "int8", 0.2, 1)))


def test_a_scalar_that_is_computed_stays_a_scalar() -> None:
    model = ModelBuilder()
    x = model.input(activation((2, 6)))
    scalar = constant(np.array(3), "int32")
    first = constant(np.array([1]), "int32")
    sizes = model.op("SHAPE", [x], Tensor(-1, "", (2,), "int32"))
    ends = [constant(np.array([2]), "int32"), constant(np.array([1]), "int32")]
    masks: dict[str, OptionValue] = {"shrink_axis_mask": 1}
    size = model.op("STRIDED_SLICE", [sizes, first, *ends], Tensor(-1, "", (), "int32"), masks)
    options: dict[str, OptionValue] = {"values_count": 3, "axis": 0}
    shape = model.op("PACK", [size, size, scalar], Tensor(-1, "", (3,), "int32"), options)
    graph = model.build(model.op("RESHAPE", [x, shape], activation((2, 6))))
    made = fold_constants(graph)
    assert made.graph.tensor(size).data is not None
    assert made.graph.tensor(size).data.shape == ()  # type: ignore[union-attr]
    np.testing.assert_array_equal(made.graph.tensor(shape).data, [6, 6, 3])


def test_operators_of_constants_are_computed() -> None:
    graph = _halves()
    made = fold_constants(graph)
    assert made.changes == 2
    assert [n.op for n in made.graph.nodes] == ["ADD"]
    assert [n.index for n in made.graph.nodes] == [2]
    assert_same(graph, made.graph)


def test_a_shape_that_is_computed_becomes_a_constant() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 3, 4)))
    shape = model.op("SHAPE", [x], activation((3,), "int32", None))
    y = model.op("RESHAPE", [x, shape], activation((1, 3, 4)))
    graph = model.build(model.op("RELU", [y], activation((1, 3, 4))))
    made = fold_constants(graph)
    assert made.changes == 1
    assert "SHAPE" not in [n.op for n in made.graph.nodes]
    assert_same(graph, made.graph)


def test_a_folded_graph_compiles_and_an_unfolded_one_names_the_operator() -> None:
    graph = _halves()
    assert unsupported_nodes(graph) == ()
    assert len(compile_graph(graph, name="halves").plan.layers) == 1
    options = CompileOptions(omitted_passes=("constant-folding",))
    with pytest.raises(InputError, match=r"operators\[0\] \(ADD\): every input is constant"):
        compile_graph(graph, name="halves", target=Target(options=options))


def test_nothing_is_folded_where_everything_is_computed() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 3)))
    graph = model.build(model.op("RELU", [x], activation((1, 3))))
    assert fold_constants(graph).graph is graph


def test_what_the_oracle_does_not_know_stays() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 3)))
    y = model.op("LOG", [constant([[1.0, 2.0, 3.0]], "float32")], activation((1, 3), "float32"))
    z = model.op("QUANTIZE", [y], activation((1, 3)))
    graph = model.build(model.op("ADD", [x, z], activation((1, 3))))
    assert fold_constants(graph).graph is graph


def test_a_result_of_the_model_is_left_to_the_check_of_outputs() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 3)))
    y = model.op("RELU", [constant([[1, 2, 3]], "int8", 0.05)], activation((1, 3)))
    graph = model.build([model.op("RELU", [x], activation((1, 3))), y])
    assert fold_constants(graph).graph is graph
    assert run_passes(graph)[0].tensor(y).data is None
