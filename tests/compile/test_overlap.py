"""Outputs over inputs: the planner keeps to what kernels permit, and the permits are true.

Every kernel test of a model of one operator runs in place as well: the planner lays the output as
near as the kernel's layer permits. Here the plain kernels run at the very byte.
"""

from __future__ import annotations

import random
from functools import partial

import pytest
from hypothesis import settings

from edgeq.compile import arrangement, compile_graph
from edgeq.compile.arena import Planned, pack_greedily
from edgeq.compile.memory.packing import Buffer, Permit, arena_bytes
from edgeq.compile.memory.planner import check_plan, lower_bound, plan_arena
from edgeq.core.errors import InternalError
from tests.compile.test_kernels import MODELS
from tests.support.generated import prove
from tests.support.models import ModelBuilder, activation, constant
from tests.support.properties import efforts


def random_problem(seed: int) -> tuple[list[Buffer], list[Permit]]:
    """Return the buffers of a random network, a few layers of it able to work in place."""
    chance = random.Random(seed)
    buffers: list[Buffer] = []
    permits: list[Permit] = []
    for layer in range(chance.randrange(1, 14)):
        alive = [i for i, b in enumerate(buffers) if b.last == layer]
        size, longest = chance.randrange(1, 4096), chance.choice((1, 1, 1, 4))
        buffers.append(Buffer(size, layer, layer + chance.randrange(1, longest + 1)))
        for i in alive:
            if chance.random() < 0.7:
                exact = chance.random() < 0.2
                distance = 0 if exact else chance.randrange(-64, size + 64)
                permits.append(Permit(len(buffers) - 1, i, distance, exact))
        if chance.random() < 0.2:
            buffers.append(Buffer(chance.randrange(1, 512), layer, layer))
    return buffers, permits


def tflm_arena(buffers: list[Buffer]) -> int:
    """Return the arena of TFLite Micro's GreedyMemoryPlanner, which aligns to 16 bytes."""
    return pack_greedily([Planned(-(-b.size // 16) * 16, b.first, b.last) for b in buffers])


def hold_plan(seed: int) -> None:
    """Plan a random problem; check the plan, its bounds and that it is no worse than TFLM's."""
    buffers, permits = random_problem(seed)
    offsets = plan_arena(buffers, permits)
    size = arena_bytes(buffers, offsets)
    check_plan(buffers, offsets, size, permits)
    assert lower_bound(buffers, permits) <= size <= tflm_arena(buffers)
    plain = plan_arena(buffers)
    check_plan(buffers, plain, arena_bytes(buffers, plain))
    assert arena_bytes(buffers, plain) <= tflm_arena(buffers)


def test_random_plans_hold_and_are_never_worse_than_tflite_micros() -> None:
    for seed in range(15):
        hold_plan(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 5000, 500))
def test_five_thousand_plans_hold_and_are_never_worse_than_tflite_micros(first: int) -> None:
    for seed in range(first, first + 500):
        hold_plan(seed)


def hold_exact(seed: int) -> None:
    """The built-in search finds what CP-SAT proves to be the least arena."""
    from edgeq.compile.memory.exact import solve_arena

    buffers, permits = random_problem(seed)
    known = plan_arena(buffers, permits)
    offsets, proved = solve_arena(buffers, permits, 8, known)
    size = arena_bytes(buffers, offsets)
    check_plan(buffers, offsets, size, permits)
    assert size <= arena_bytes(buffers, known) <= (1.05 * size if proved else float("inf"))


def test_the_search_finds_what_is_proved_to_be_the_least() -> None:
    pytest.importorskip("ortools")
    for seed in range(15):
        hold_exact(seed)


@pytest.mark.slow
def test_the_search_finds_what_is_proved_to_be_the_least_in_many_plans() -> None:
    pytest.importorskip("ortools")
    for seed in range(1000):
        hold_exact(seed)


def test_a_chain_of_three_works_in_one_place() -> None:
    buffers = [Buffer(4096, i, i + 1) for i in range(4)]
    permits = [Permit(i + 1, i, 64) for i in range(3)]
    assert arena_bytes(buffers, plan_arena(buffers, permits)) == 4096 + 3 * 64


def test_an_exact_overlap_is_at_the_start_or_not_at_all() -> None:
    buffers = [Buffer(64, 0, 1), Buffer(32, 1, 2)]
    offsets = plan_arena(buffers, [Permit(1, 0, 0, exact=True)])
    assert offsets[0] == offsets[1] == 0
    with pytest.raises(InternalError):
        check_plan(buffers, (0, 8), 64, [Permit(1, 0, 0, exact=True)])


def test_the_check_finds_an_output_that_is_too_near() -> None:
    buffers = [Buffer(64, 0, 1), Buffer(64, 1, 2)]
    check_plan(buffers, (16, 0), 80, [Permit(1, 0, 16)])
    with pytest.raises(InternalError):
        check_plan(buffers, (8, 0), 80, [Permit(1, 0, 16)])


def test_the_check_finds_an_overlap_with_what_still_lives() -> None:
    buffers = [Buffer(64, 0, 2), Buffer(64, 1, 2)]
    with pytest.raises(InternalError):
        check_plan(buffers, (0, 0), 64, [Permit(1, 0, 0)])


def test_a_reshaped_input_is_worked_on_in_place() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 4, 4, 2)))
    first = model.op("RELU", [x], activation((1, 4, 4, 2)))
    flat = model.op("RESHAPE", [first, constant([1, 32], "int32")], activation((1, 32)))
    y = model.op("RELU6", [flat], activation((1, 32)))
    assert compile_graph(model.build(y), name="flat").plan.arena_bytes == 32


def test_an_output_of_the_model_stays_whole() -> None:
    model = ModelBuilder()
    x = model.input(activation((1, 32)))
    first = model.op("RELU", [x], activation((1, 32)))
    y = model.op("TANH", [first], activation((1, 32), scale=1 / 128))
    graph = model.build([first, y])
    assert compile_graph(graph, name="two").plan.arena_bytes == 64


@efforts(4, 250)
@pytest.mark.parametrize("op", [op for op in MODELS if not op.startswith(("quant", "dequant"))])
def test_a_kernel_works_in_place_at_the_nearest_byte(
    op: str, effort: settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrangement, "plan_exactly", partial(plan_arena, alignment=1))
    prove(MODELS[op], effort)
