"""Generated libraries: strict C in both compilers, the same bytes every time, clear refusals."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgeq.compile import compile_graph
from edgeq.compile.array import STRING_BYTES, emit_array
from edgeq.compile.reference import supported_ops_page
from edgeq.compile.support import unsupported_nodes
from edgeq.core.errors import InputError
from edgeq.graph.oracle import Oracle
from edgeq.graph.reader import read_graph
from edgeq.graph.writer import write_graph
from tests.support.models import ModelBuilder, activation, constant, conv_model, one_op
from tests.support.native import compile_strictly, run_native, write_library
from tests.support.small_cnn import small_cnn

COMPILERS = ("gcc", "clang")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_library_compiles_without_a_warning(compiler: str, tmp_path: Path) -> None:
    compiled = compile_graph(small_cnn(), name="small")
    write_library(compiled, tmp_path)
    compile_strictly(compiler, tmp_path, compiled.sources)


def test_the_same_model_gives_the_same_files() -> None:
    first, second = (compile_graph(small_cnn(), name="small").files for _ in range(2))
    assert first == second


def test_the_library_names_no_folder_and_no_date() -> None:
    files = compile_graph(small_cnn(), name="small").files
    found = [
        (name, words.group())
        for name, text in files.items()
        for words in re.finditer(r"/(home|root|tmp|usr|work)\b|\b20\d\d-\d\d-\d\d|__DATE__", text)
    ]
    assert found == []


def test_a_reshape_costs_no_layer_and_no_memory() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 4, 4, 2)))
    flat = model.op("RESHAPE", [x, constant([1, 32], "int32")], activation((1, 32)))
    y = model.op("RELU", [flat], activation((1, 32)))
    plan = compile_graph(model.build(y), name="flat").plan
    assert [layer.op for layer in plan.layers] == ["RELU"]
    assert len(plan.tensors) == 2


def test_what_only_computes_a_reshapes_shape_is_dropped() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 4, 4, 2)))
    shape = model.op("SHAPE", [x], activation((4,), "int32", scale=None))
    flat = model.op("RESHAPE", [x, shape], activation((1, 4, 4, 2)))
    y = model.op("RELU", [flat], activation((1, 4, 4, 2)))
    plan = compile_graph(model.build(y), name="flat").plan
    assert [layer.op for layer in plan.layers] == ["RELU"]


@pytest.mark.parametrize(
    ("op", "why"),
    [
        ("EXP", "on float32 alone"),
        ("GELU", "neither the compiler nor TensorFlow Lite Micro"),
        ("IF", "has no kernel"),
    ],
)
def test_an_operator_without_a_kernel_is_refused_by_name_and_reason(op: str, why: str) -> None:
    graph = one_op(op, [activation((1, 8))], activation((1, 8)), {})
    with pytest.raises(InputError, match=rf"operators\[0\] \({op}\): .*{why}"):
        compile_graph(graph, name="model")
    assert [n.op for n in unsupported_nodes(graph)] == [op]


def test_what_computes_a_known_shape_costs_nothing() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 4, 5, 2)))
    sizes = model.op("SHAPE", [x], activation((4,), "int32", None), {"out_type": "INT32"})
    height = model.op(
        "STRIDED_SLICE",
        [sizes, *(constant([n], "int32") for n in (1, 2, 1))],
        activation((), "int32", None),
        {"shrink_axis_mask": 1},
    )
    size = model.op(
        "PACK", [height, height], activation((2,), "int32", None), {"values_count": 2, "axis": 0}
    )
    y = model.op("RESIZE_NEAREST_NEIGHBOR", [x, size], activation((1, 4, 4, 2)), {})
    plan = compile_graph(model.build(y), name="model").plan
    assert [layer.op for layer in plan.layers] == ["RESIZE_NEAREST_NEIGHBOR"]
    assert plan.arena_bytes == 40 + 32


def test_a_model_may_tell_its_shapes(tmp_path: Path) -> None:
    model = ModelBuilder()
    x = model.input(activation((2, 3)))
    filled = model.op("FILL", [constant([2, 3], "int32"), constant(7)], activation((2, 3)), {})
    sizes = model.op("SHAPE", [x], activation((2,), "int32", None), {"out_type": "INT32"})
    graph = model.build([filled, sizes, model.op("ABS", [x], activation((2, 3)), {})])
    data = np.arange(-3, 3, dtype=np.int8).reshape(2, 3)
    ours = run_native(graph, compile_graph(graph, name="model"), [data], tmp_path)
    for mine, theirs in zip(ours, Oracle(graph).run([data]).outputs, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_weights_that_could_overflow_an_accumulator_are_refused() -> None:
    x, y = activation((1, 70_000)), activation((1, 1))
    weights = constant(np.full((1, 70_000), 127), "int8", 0.01)
    graph = one_op("FULLY_CONNECTED", [x, weights, None], y, {})
    with pytest.raises(InputError, match="above 32,767"):
        compile_graph(graph, name="model")


def test_a_model_of_constants_is_refused() -> None:
    ones = [constant([1], "int8", 0.1) for _ in range(2)]
    graph = one_op("ADD", ones, activation((1,)))
    with pytest.raises(InputError, match="every input is constant"):
        compile_graph(graph, name="model")


@pytest.mark.parametrize("channels", [4, 200])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_array_compiles_and_holds_the_model(
    compiler: str, channels: int, tmp_path: Path
) -> None:
    data = write_graph(conv_model(in_channels=64, out_channels=channels))
    assert (len(data) > STRING_BYTES) == (channels == 200)
    files = emit_array(read_graph(data, "conv"), data, "conv")
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    compile_strictly(compiler, tmp_path, ["conv_model.c"])
    assert data in (tmp_path / "conv_model.o").read_bytes()
    assert "MicroMutableOpResolver<1>" in files["conv_op_resolver.h"]
    assert "AddConv2D()" in files["conv_op_resolver.h"]


def test_the_page_of_supported_operators_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "supported-ops.md"
    assert page.read_text(encoding="utf-8") == supported_ops_page()
