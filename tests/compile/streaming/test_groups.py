"""Streamed groups give the oracle's bytes, whatever the windows and however many rows a stripe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgeq.compile import arrangement, compile_graph
from edgeq.compile.streaming.group import make_group
from edgeq.compile.streaming.selection import Step, Wish, chain, group_step
from edgeq.compile.streaming.stripes import Walk, schedule
from edgeq.compile.target import Target
from edgeq.core.records import CompileOptions
from edgeq.graph.ir import Graph, OptionValue, Tensor
from tests.support.generated import check_library, prove
from tests.support.models import ModelBuilder, activation, constant
from tests.support.properties import efforts

WINDOWED = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D")
ROWWISE = ("RELU", "ADD")


def weights(chance: np.random.Generator, shape: tuple[int, ...], axis: int) -> Tensor:
    """Return small weights with a scale for each output."""
    scales = chance.uniform(0.001, 0.02, shape[axis])
    return constant(chance.integers(-127, 128, shape), "int8", list(scales), axis=axis)


def append(model: ModelBuilder, last: int, op: str, chance: np.random.Generator) -> int:
    """Append an operator of random form to the chain that ends in tensor `last`."""
    x = model.tensors[last]
    _, height, width, channels = x.shape
    if op in ROWWISE:
        other = [model.input(activation(x.shape, scale=0.04))] if op == "ADD" else []
        options: Mapping[str, OptionValue] = (
            {"fused_activation_function": "NONE", "pot_scale_int16": True} if op == "ADD" else {}
        )
        return model.op(op, [last, *other], activation(x.shape, scale=0.06), options)
    kernel = [int(chance.integers(1, 5)) for _ in range(2)]
    stride = [int(chance.integers(1, 3)) for _ in range(2)]
    padding = str(chance.choice(["SAME", "VALID"]))
    if padding == "VALID":
        kernel = [min(kernel[0], height), min(kernel[1], width)]
    size = [
        -(-n // s) if padding == "SAME" else (n - k) // s + 1
        for n, s, k in zip((height, width), stride, kernel, strict=True)
    ]
    form: dict[str, OptionValue] = {
        "padding": padding, "stride_h": stride[0], "stride_w": stride[1],
        "fused_activation_function": "NONE",
    }  # fmt: skip
    if op.endswith("POOL_2D"):
        form |= {"filter_height": kernel[0], "filter_width": kernel[1]}
        q = x.quantization
        assert q is not None
        result = activation((1, *size, channels), scale=q.scale, zero_point=q.zero_point)
        return model.op(op, [last], result, form)
    outputs = channels if op == "DEPTHWISE_CONV_2D" else int(chance.integers(1, 9))
    form |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
    if op == "DEPTHWISE_CONV_2D":
        form["depth_multiplier"] = 1
        filters = weights(chance, (1, *kernel, outputs), 3)
    else:
        filters = weights(chance, (outputs, *kernel, channels), 0)
    zero = int(chance.integers(-128, 128))
    return model.op(op, [last, filters, -1], activation((1, *size, outputs), zero_point=zero), form)


@st.composite
def chains(draw: st.DrawFn) -> Graph:
    """Return two to five operators in a chain, windowed and row by row."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    model = ModelBuilder()
    shape = (1, draw(st.integers(3, 20)), draw(st.integers(1, 8)), draw(st.integers(1, 8)))
    last = model.input(activation(shape, zero_point=draw(st.integers(-128, 127))))
    ops = draw(st.lists(st.sampled_from((*WINDOWED, *ROWWISE)), min_size=2, max_size=5))
    for op in ops:
        last = append(model, last, op, chance)
    return model.build(last)


def stream_whole(rows: int) -> object:
    """Return a stand-in for `stream` that makes one group of the whole graph."""

    def one_group(
        graph: Graph, steps: Sequence[Step], storage: Mapping[int, int], wish: Wish
    ) -> list[Step]:
        members = chain(graph, [s.node for s in steps])
        assume(members is not None)
        assert members is not None
        group = make_group(graph, members, min(rows, members[-1].walk.out_rows))
        assume(group is not None)
        assert group is not None
        return [group_step(graph, group, max(s.scratch for s in steps))]

    return one_group


@pytest.mark.parametrize("rows", [1, 2, 3])
@efforts(6, 400)
def test_a_group_gives_the_oracles_bytes(
    effort: settings, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrangement, "stream", stream_whole(rows))
    monkeypatch.setattr(arrangement, "min", lambda *a, key: a[-1], raising=False)

    def holds(graph: Graph, seed: int) -> None:
        compiled = compile_graph(graph, name="model")
        assert len(compiled.plan.layers) == 1
        check_library(graph, compiled, seed)

    prove(chains(), effort, holds)


walks = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=4
)


@given(st.integers(1, 40), walks, st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_every_row_is_made_once_and_before_it_is_read(
    height: int, forms: list[tuple[int, int, int]], rows: int
) -> None:
    chosen = []
    for reach, stride, pad in forms:
        out = (height + 2 * pad - reach) // stride + 1
        assume(out > 0 and pad < reach)
        chosen.append(Walk(height, out, reach, stride, pad))
        height = out
    made: list[list[int]] = [[] for _ in chosen]
    for task in (t for stripe in schedule(chosen, rows).stripes for t in stripe if not t.moved):
        made[task.member] += range(*task.rows)
        if task.member:
            assert set(range(*task.needs)) <= set(made[task.member - 1])
    assert all(len(set(m)) == len(m) for m in made)
    assert made[-1] == list(range(chosen[-1].out_rows))


def deep_middle() -> Graph:
    """Return an expansion, a depthwise convolution and a projection: much in between."""
    model, chance = ModelBuilder(), np.random.default_rng(1)
    last = model.input(activation((1, 32, 32, 8)))
    form: dict[str, OptionValue] = {
        "padding": "SAME", "stride_h": 1, "stride_w": 1, "fused_activation_function": "NONE",
        "dilation_h_factor": 1, "dilation_w_factor": 1,
    }  # fmt: skip
    deep = activation((1, 32, 32, 48))
    last = model.op("CONV_2D", [last, weights(chance, (48, 1, 1, 8), 0), -1], deep, form)
    last = model.op(
        "DEPTHWISE_CONV_2D",
        [last, weights(chance, (1, 3, 3, 48), 3), -1],
        deep,
        {**form, "depth_multiplier": 1},
    )
    wide = weights(chance, (8, 1, 1, 48), 0)
    return model.build(model.op("CONV_2D", [last, wide, -1], activation((1, 32, 32, 8)), form))


@pytest.mark.parametrize("goal", ["ram", "balanced"])
def test_an_expansion_never_exists_whole(goal: str) -> None:
    graph = deep_middle()
    plan = compile_graph(graph, name="m", target=Target(options=CompileOptions(goal=goal))).plan  # type: ignore[arg-type]
    whole = graph.tensor(graph.nodes[0].outputs[0]).bytes
    assert [layer.nodes for layer in plan.layers] == [(0, 1, 2)]
    assert plan.arena_bytes < whole
    assert "stream" in plan.notes[0]


def test_speed_streams_for_a_budget_alone() -> None:
    graph = deep_middle()
    free = compile_graph(graph, name="m", target=Target(options=CompileOptions(goal="speed"))).plan
    assert len(free.layers) == 3
    tight = CompileOptions(goal="speed", ram_bytes=free.arena_bytes - 1)
    assert len(compile_graph(graph, name="m", target=Target(options=tight)).plan.layers) == 1
