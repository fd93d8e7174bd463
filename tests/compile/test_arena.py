"""The estimated arena is the one that TensorFlow Lite Micro allocates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.boards.profile import CoreName
from edgeq.compile.arena import Kernels, estimate_arena, pack_greedily
from edgeq.compile.arena import Planned as Buffer
from edgeq.core.errors import InputError, UsageError
from edgeq.graph.ir import Graph, Node
from edgeq.graph.reader import read_model
from edgeq.graph.writer import write_graph
from tests.support.micro_models import MODELS, USED_BYTES, chain
from tests.support.models import activation, conv_model, one_op
from tests.support.shared import needs_shared, shared_model
from tests.support.small_cnn import small_cnn

TARGETS: tuple[tuple[Kernels, CoreName], ...] = (
    ("reference", "cortex-m4"),
    ("cmsis-nn", "cortex-m4"),
    ("cmsis-nn", "cortex-m3"),
    ("cmsis-nn", "cortex-m55"),
)
# arena_used_bytes() of the MLPerf Tiny models, in the order of TARGETS.
RECORDED = {
    "kws": (22_772, 22_820, 22_820, 27_348),
    "vww": (100_660, 100_708, 100_708, 100_772),
    "ic": (54_340, 54_996, 54_980, 55_028),
    "ad": (2_260, 2_580, 2_580, 9_268),
}
# The smallest arena, in steps of 16 bytes, with which AllocateTensors succeeded in QEMU.
SMALLEST = {
    ("kws", "reference", "cortex-m4"): 22_784,
    ("kws", "cmsis-nn", "cortex-m4"): 22_832,
    ("kws", "cmsis-nn", "cortex-m55"): 27_360,
    ("ic", "reference", "cortex-m4"): 54_352,
    ("ic", "cmsis-nn", "cortex-m4"): 55_008,
    ("ic", "cmsis-nn", "cortex-m55"): 55_040,
    ("ad", "reference", "cortex-m4"): 2_704,
    ("ad", "cmsis-nn", "cortex-m4"): 3_024,
    ("ad", "cmsis-nn", "cortex-m55"): 9_712,
}


@needs_shared
@pytest.mark.parametrize("model", RECORDED)
def test_real_models_take_the_recorded_bytes(model: str) -> None:
    graph = read_model(shared_model(model))
    for (kernels, core), used in zip(TARGETS, RECORDED[model], strict=True):
        estimate = estimate_arena(graph, kernels=kernels, core=core)
        assert estimate.used_bytes == used
        assert estimate.bytes >= used
        assert estimate.bytes % 16 == 0
        assert not estimate.unknown


@needs_shared
@pytest.mark.parametrize(("model", "kernels", "core"), SMALLEST)
def test_the_recommended_arena_is_the_smallest_that_works(
    model: str, kernels: Kernels, core: CoreName
) -> None:
    estimate = estimate_arena(read_model(shared_model(model)), kernels=kernels, core=core)
    assert estimate.bytes == SMALLEST[model, kernels, core]


@pytest.mark.parametrize("model", MODELS)
def test_each_operator_takes_the_recorded_bytes(model: str) -> None:
    graph = MODELS[model]()
    estimates = (estimate_arena(graph, kernels=k, core=c) for k, c in TARGETS)
    assert tuple(e.used_bytes for e in estimates) == USED_BYTES[model]


def test_the_parts_add_up_and_name_where_they_lie() -> None:
    estimate = estimate_arena(small_cnn(), kernels="cmsis-nn", core="cortex-m4")
    assert sum(part.bytes for part in estimate.parts) == estimate.used_bytes
    assert {part.region for part in estimate.parts} == {"head", "tail"}
    assert estimate.kind == "estimated"
    assert next((s.op, s.what) for s in estimate.scratch) == ("CONV_2D", "columns")


def test_planning_many_small_tensors_takes_more_than_is_used_afterwards() -> None:
    estimate = estimate_arena(chain(20), kernels="reference", core="cortex-m4")
    assert estimate.used_bytes < estimate.planning_bytes
    assert estimate.bytes == 3168  # the smallest with which AllocateTensors succeeded


def test_the_head_is_that_of_the_interpreter_on_this_computer(
    capfd: pytest.CaptureFixture[str],
) -> None:
    runtime = pytest.importorskip(
        "tflite_micro.python.tflite_micro.runtime", reason="tflite_micro is not installed"
    )
    graph = small_cnn()
    runtime.Interpreter.from_bytes(write_graph(graph)).print_allocations()
    printed = "".join(capfd.readouterr())
    head = int(printed.split("allocation head ")[1].split()[0])
    estimate = estimate_arena(graph, kernels="reference", core="cortex-m4")
    assert next(p.bytes for p in estimate.parts if p.region == "head") == head


def test_a_custom_operator_makes_the_estimate_a_lower_bound() -> None:
    graph = one_op("CUSTOM", [activation((4,))], activation((4,)), {"custom_code": "mine"})
    assert estimate_arena(graph, kernels="reference", core="cortex-m4").unknown == ("mine",)


def test_tensors_keep_the_offsets_that_the_file_gives_them() -> None:
    graph = chain(2)
    placed = estimate_arena(graph, kernels="reference", core="cortex-m4", offline={1: 4096})
    assert placed.parts[0].bytes == 4096 + 16


def test_only_cortex_m_is_known() -> None:
    for kernels in ("reference", "cmsis-nn"):
        with pytest.raises(UsageError, match="xtensa-lx6"):
            estimate_arena(conv_model(), kernels=kernels, core="xtensa-lx6")


def test_a_hostile_operator_is_refused() -> None:
    graph = one_op("SVDF", [activation(())], activation(()))
    with pytest.raises(InputError, match=r"operators\[0\] \(SVDF\)"):
        estimate_arena(graph, kernels="reference", core="cortex-m4")


def test_a_model_of_too_many_tensors_is_refused_at_once() -> None:
    graph = chain(1)
    many = replace(graph, tensors=graph.tensors * 8192)
    with pytest.raises(InputError, match="more than 8,192 tensors"):
        estimate_arena(many, kernels="reference", core="cortex-m4")


def test_an_operator_without_inputs_is_refused() -> None:
    graph: Graph = conv_model()
    bare = replace(graph, nodes=(Node(0, "CONV_2D", 1, (), graph.nodes[0].outputs),))
    with pytest.raises(InputError, match="input 0 is absent"):
        estimate_arena(bare, kernels="cmsis-nn", core="cortex-m4")


_BUFFERS = st.lists(
    st.builds(
        lambda size, first, length: (16 * size, first, first + length),
        st.integers(0, 40),
        st.integers(0, 12),
        st.integers(0, 6),
    ),
    max_size=24,
)


@given(_BUFFERS)
def test_the_greedy_plan_holds_all_that_is_alive_at_once(
    buffers: list[tuple[int, int, int]],
) -> None:
    height = pack_greedily([Buffer(*b) for b in buffers])
    alive = (sum(s for s, a, b in buffers if a <= t <= b) for t in range(20))
    assert max(alive) <= height <= sum(size for size, _, _ in buffers)


def test_the_greedy_plan_takes_the_last_of_equal_buffers_first() -> None:
    # The second buffer lies at 0, the first and the last above it at 64, the third at 112.
    buffers = [Buffer(64, 0, 1), Buffer(64, 1, 2), Buffer(32, 2, 3), Buffer(48, 2, 2)]
    assert pack_greedily(buffers) == 112 + 32
