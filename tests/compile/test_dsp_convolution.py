"""CONV_2D for cores with SMLAD gives the oracle's bytes, upon its input too where it says it may.

Here the kernels' portable C runs under sanitizers; tests/integration runs their assembly.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from edgeq.compile import compile_graph
from edgeq.compile.lower.dsp.tiles import order_runs
from edgeq.compile.lower.dsp.winograd import transformed_words
from edgeq.compile.support import lower
from edgeq.compile.target import Target
from edgeq.core.records import CompiledModel, CompileOptions
from edgeq.graph.ir import Graph
from tests.support.crowds import convolutions
from tests.support.generated import check_library
from tests.support.models import conv_model

M4 = Target("cortex-m4", dsp=True)
FAST = replace(M4, options=CompileOptions(goal="speed"))


def upon_input(graph: Graph, compiled: CompiledModel, target: Target) -> CompiledModel:
    """Return the library of one layer, its output where the layer's first overlap permits."""
    plan = compiled.plan
    layer = lower(graph, graph.nodes[0], target)
    distance = layer.overlaps[0].distance
    x = -(-layer.scratch // 8) * 8 + max(0, distance)
    y = x - distance
    size = max(x + plan.inputs[0].bytes, y + plan.outputs[0].bytes)
    places = (x, *([0] if layer.scratch else []), y)
    operands = ", ".join(f"(void *)(a + {place})" for place in places)
    source = compiled.files[f"{plan.name}.c"]
    source, calls = re.subn(r"(    eq_\w+\(&\w+, )[^;]*;", rf"\g<1>{operands});", source)
    ports = iter((x, y))
    place = r"(return \w+_arena)[^;]*;"
    source, returns = re.subn(place, lambda m: f"{m[1]} + {next(ports)};", source)
    header, sizes = re.subn(r"(_ARENA_BYTES) \d+", rf"\1 {size}", compiled.files[f"{plan.name}.h"])
    assert (calls, returns, sizes) == (1, 2, 1)
    files = {**compiled.files, f"{plan.name}.c": source, f"{plan.name}.h": header}
    return msgspec.structs.replace(compiled, files=files)


def check(graph: Graph, seed: int, target: Target = M4, *, shared: bool = False) -> None:
    """Hold the generated C against the oracle; with `shared`, the output upon the input."""
    compiled = compile_graph(graph, name="model", target=target)
    check_library(graph, upon_input(graph, compiled, target) if shared else compiled, seed)


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(s, marks=pytest.mark.slow) for s in range(2, 40))]
)
def test_convolutions_give_the_oracles_bytes(seed: int) -> None:
    check(convolutions(seed), seed)
    check(convolutions(seed, square=True), seed, FAST)


@pytest.mark.parametrize(
    "shape",
    [
        (9, 12, 3, 8, (3, 3), (1, 1)),
        *(
            pytest.param(shape, marks=pytest.mark.slow)
            for shape in (
                (9, 12, 16, 16, (3, 3), (1, 1)),
                (9, 11, 8, 3, (3, 3), (2, 2)),
                (7, 7, 4, 9, (1, 1), (1, 1)),
                (7, 7, 9, 4, (1, 1), (1, 1)),
                (8, 8, 8, 8, (1, 1), (2, 2)),
                (12, 5, 1, 8, (10, 4), (2, 2)),
                (1, 1, 5, 5, (1, 1), (1, 1)),
            )
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("padding", ["SAME", pytest.param("VALID", marks=pytest.mark.slow)])
def test_an_output_may_lie_upon_the_input(shape: tuple[Any, ...], padding: str) -> None:
    graph = conv_model(*shape, padding=padding, out_scale=20.0)
    for target in (M4, FAST):
        check(graph, 1, target, shared=True)


def kernel(graph: Graph, target: Target) -> str:
    return lower(graph, graph.nodes[0], target).calls[0].kernel


def test_winograd_is_for_speed_alone_and_can_be_left_out() -> None:
    graph = conv_model(8, 8, 16, 16, out_scale=20.0)
    omitted = CompileOptions(goal="speed", omitted_passes=("winograd",))
    assert kernel(graph, FAST) == "eq_dsp_winograd"
    assert kernel(graph, M4) == "eq_dsp_conv"
    assert kernel(graph, replace(M4, options=omitted)) == "eq_dsp_conv"


def test_winograd_keeps_to_a_flash_budget() -> None:
    graph = conv_model(8, 8, 16, 16, out_scale=20.0)
    for flash_bytes, name in ((20_000, "eq_dsp_conv"), (30_000, "eq_dsp_winograd")):
        options = CompileOptions(goal="speed", flash_bytes=flash_bytes)
        assert kernel(graph, replace(M4, options=options)) == name


def test_winograds_weights_are_four_times_the_transformed_filter() -> None:
    weights = np.zeros((2, 3, 3, 4), np.int64)
    weights[0, 1, 1, 0] = 1
    words = transformed_words(weights).reshape(16, 2, 2)
    low = words[:, 0, 0].astype(np.int16)
    assert low.tolist() == [0, 0, 0, 0, 0, 1, -1, 0, 0, -1, 1, 0, 0, 0, 0, 0]
    assert not words[:, :, 1].any()


def test_factors_of_a_half_and_above_go_to_the_plain_kernel() -> None:
    graph = conv_model(in_scale=1.0, out_scale=0.001)
    assert kernel(graph, M4) == "eq_conv"


def test_bytes_are_ordered_as_two_sign_extensions_leave_them() -> None:
    assert order_runs(1, 1, 4).tolist() == [0, 2, 1, 3]
    assert order_runs(1, 3, 5).tolist() == [0, 2, 1, 3, 5, 7, 6, 8, 10, 12, 11, 13, 4, 9, 14, -1]
    assert order_runs(2, 1, 1).tolist() == [0, -1, 1, -1]
    assert order_runs(1, 2, 3).tolist() == [0, 1, 2, -1, 3, 4, 5, -1]
