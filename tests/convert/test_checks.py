"""A conversion that left anything float, lost its weights or missed its dtypes is refused."""

from __future__ import annotations

import pytest

from edgeq.convert.checks import check_float, check_int8
from edgeq.core.errors import ToolchainError
from edgeq.graph.ir import Graph
from tests.support.models import ModelBuilder, activation, one_op


def _edges(float_middle: bool = False) -> Graph:
    model = ModelBuilder()
    x = model.input(activation((1, 4), "float32"))
    q = model.op("QUANTIZE", [x], activation((1, 4)))
    if float_middle:
        f = model.op("DEQUANTIZE", [q], activation((1, 4), "float32", name="island"))
        f = model.op("RELU", [f], activation((1, 4), "float32"))
        q = model.op("QUANTIZE", [f], activation((1, 4)))
    y = model.op("RELU", [q], activation((1, 4)))
    return model.build(model.op("DEQUANTIZE", [y], activation((1, 4), "float32")))


def test_float_edges_are_fine_where_they_were_asked_for() -> None:
    check_int8(_edges(), input_dtype="float32", output_dtype="float32")


def test_float_edges_are_refused_where_int8_was_asked_for() -> None:
    with pytest.raises(ToolchainError, match="its input is float32, not int8"):
        check_int8(_edges(), input_dtype="int8", output_dtype="float32")


def test_a_float_island_is_refused_by_its_operator() -> None:
    with pytest.raises(ToolchainError, match="DEQUANTIZE at operator 1 stays float"):
        check_int8(_edges(float_middle=True), input_dtype="float32", output_dtype="float32")


def test_a_model_whose_weights_are_variables_is_refused() -> None:
    graph = one_op("READ_VARIABLE", [activation((1,), "resource")], activation((1, 4), "float32"))
    with pytest.raises(ToolchainError, match="its weights were lost"):
        check_float(graph)
