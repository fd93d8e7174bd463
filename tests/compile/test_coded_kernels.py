"""Kernels that decode weights give the oracle's bytes: in C here, in assembly on virtual boards."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.boards.profile import Core
from edgeq.boards.registry import find_board
from edgeq.compile import arrangement, compile_graph
from edgeq.compile.lower import codes
from edgeq.compile.lower.mve import codes as mve_codes
from edgeq.compile.lower.small import codes as small_codes
from edgeq.compile.target import NATIVE, Target
from edgeq.graph.ir import Graph, OptionValue
from edgeq.graph.oracle import Oracle
from tests.compile import helium_models
from tests.graph.oracle.runtimes import random_inputs
from tests.graph.oracle.test_weighted import convolutions, dense_layers, depthwise_convolutions
from tests.support.coded_models import BINARY, COUNTS, TERNARY, coded, has_few_values, with_values
from tests.support.dsp_models import depthwise_3x3, rectified, single_rows
from tests.support.generated import check, prove, prove_on_board
from tests.support.helium import BOARD, run_helium
from tests.support.models import activation, constant, one_op
from tests.support.properties import efforts

TARGETS = {
    "plain": NATIVE,
    "dsp": Target("cortex-m4", dsp=True),
    "m0plus": Target("cortex-m0plus"),
    "m3": Target("cortex-m3"),
}


def _row(outputs: int, depth: int, values: tuple[int, ...]) -> Graph:
    """Return FULLY_CONNECTED of one row with extremes, and other values, among its sums."""
    rng = np.random.default_rng(depth)
    weights = rng.choice(np.array(values), (outputs, depth))
    weights[0], weights[-1] = min(values), max(values)
    bias = constant(rng.integers(-999, 999, outputs), "int32", [0.001])
    x, y = activation((1, depth), "int8", 0.1, -5), activation((1, outputs), "int8", 0.9, 3)
    operands = [x, constant(weights, "int8", [0.01]), bias]
    return one_op("FULLY_CONNECTED", operands, y, {"fused_activation_function": "NONE"})


def _pointwise(pixels: int, outputs: int, values: tuple[int, ...], depth: int = 12) -> Graph:
    """Return a CONV_2D 1x1 of a row of pixels."""
    rng = np.random.default_rng(pixels)
    weights = constant(rng.choice(np.array(values), (outputs, 1, 1, depth)), "int8", [0.01])
    bias = constant(rng.integers(-999, 999, outputs), "int32", [0.001])
    x = activation((1, 1, pixels, depth), "int8", 0.1, -5)
    y = activation((1, 1, pixels, outputs), "int8", 0.9, 3)
    options: dict[str, OptionValue] = {"padding": "VALID", "stride_h": 1, "stride_w": 1}
    return one_op("CONV_2D", [x, weights, bias], y, options)


MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "conv_2d": coded(convolutions()),
    "depthwise_conv_2d": coded(depthwise_convolutions()),
    "depthwise_3x3": coded(depthwise_3x3().map(rectified)),
    "fully_connected": coded(dense_layers()),
    "single_row": coded(single_rows()),
    "eights": st.builds(
        _row,
        st.sampled_from((8, 16, 33, 40)),
        st.integers(1, 70),
        st.sets(st.integers(-127, 127), min_size=3, max_size=16).map(tuple),
    ),
    "bits": st.builds(
        _row,
        st.sampled_from((3, 8, 33)),
        st.sampled_from((1, 7, 64, 130)),
        st.sets(st.integers(-128, 127), min_size=1, max_size=2).map(tuple),
    ),
}
_MIX = {
    "conv_2d": 4,
    "depthwise_3x3": 2,
    "depthwise_conv_2d": 2,
    "single_row": 3,
    "eights": 3,
    "bits": 2,
}


@pytest.fixture(autouse=True)
def _codes_always_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "pays", has_few_values)


@efforts(2, 300)
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("op", MODELS)
def test_a_kernel_gives_the_oracles_bytes(op: str, target: Target, effort: settings) -> None:
    prove(MODELS[op], effort, partial(check, target=target))


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("depth", [2, 6, 9])
def test_rows_whose_last_codes_fill_no_byte_are_decoded_to_their_end(
    depth: int, target: Target
) -> None:
    options: dict[str, OptionValue] = {"padding": "VALID", "stride_h": 1, "stride_w": 1}
    weights = constant(np.zeros((4, 1, 1, depth)), "int8", [0.01])
    x, y = activation((1, 3, 3, depth), "int8", 0.1, -5), activation((1, 3, 3, 4), "int8", 0.2, 3)
    check(with_values(one_op("CONV_2D", [x, weights], y, options), BINARY, depth), 1, target)


EIGHTS = [(8, 3), (8, 4), (33, 7), (16, 9), (37, 1), (32, 640), (16, 2051)]


@pytest.mark.parametrize("values", [(-127, 0, 127), (-99, -1, 3, 127), tuple(range(-128, -112))])
@pytest.mark.parametrize(("outputs", "depth"), EIGHTS)
def test_eight_outputs_are_made_of_codes_of_any_depth(
    outputs: int, depth: int, values: tuple[int, ...]
) -> None:
    graph, target = _row(outputs, depth, values), TARGETS["dsp"]
    (layer,) = compile_graph(graph, name="net", target=target).plan.layers
    data = graph.tensor(graph.nodes[0].inputs[1]).data
    assert data is not None
    enough = len(np.unique(data)) > 2
    assert (layer.kernel == "eq_coded_dense") is enough
    check(graph, 1, target)


_POINTWISE = st.builds(
    _pointwise,
    st.integers(1, 9),
    st.integers(1, 20),
    st.sets(st.integers(-127, 127), min_size=1, max_size=16).map(tuple),
)
_MULTIPLIED = {"pointwise": _POINTWISE, "conv_2d": MODELS["conv_2d"]}


@pytest.fixture
def _as_small_as_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrangement, "_SLOWER", -1000.0)


@efforts(3, 300)
@pytest.mark.usefixtures("_as_small_as_it_gets")
@pytest.mark.parametrize("op", _MULTIPLIED)
def test_codes_that_are_multiplied_as_they_are_read_give_the_oracles_bytes(
    op: str, effort: settings
) -> None:
    prove(_MULTIPLIED[op], effort, partial(check, target=TARGETS["dsp"]))


@efforts(1, 10)
@pytest.mark.usefixtures("_as_small_as_it_gets")
def test_their_assembly_does_too(effort: settings) -> None:
    prove_on_board(_MULTIPLIED, {"pointwise": 6, "conv_2d": 4}, effort, "virt-m4")


@pytest.mark.usefixtures("_as_small_as_it_gets")
@pytest.mark.parametrize("values", [BINARY, TERNARY, tuple(range(-8, 8))])
@pytest.mark.parametrize(("pixels", "outputs"), [(4, 2), (7, 5), (13, 64)])
def test_an_output_lies_upon_the_input_of_multiplied_codes(
    pixels: int, outputs: int, values: tuple[int, ...]
) -> None:
    graph = _pointwise(pixels, outputs, values, 64)
    plan = compile_graph(graph, name="net", target=TARGETS["dsp"]).plan
    assert plan.layers[0].kernel == "eq_coded_conv"
    assert plan.arena_bytes < 64 * pixels + outputs * pixels + plan.layers[0].scratch_bytes
    check(graph, 1, TARGETS["dsp"])


@pytest.mark.parametrize("values", [BINARY, (-128, 127), (5, 6), (9, 9)])
@pytest.mark.parametrize(("outputs", "depth"), [*EIGHTS, (3, 128), (9, 129), (40, 200)])
def test_outputs_look_up_the_sums_of_inputs_whose_bits_are_set(
    outputs: int, depth: int, values: tuple[int, ...]
) -> None:
    graph, target = _row(outputs, depth, values), TARGETS["dsp"]
    (layer,) = compile_graph(graph, name="net", target=target).plan.layers
    assert layer.kernel == "eq_coded_bits"
    check(graph, 1, target)


@efforts(1, 10)
@pytest.mark.parametrize("board", ["virt-m4", "virt-m0plus"])
def test_its_assembly_does_too(board: str, effort: settings) -> None:
    prove_on_board(MODELS, _MIX, effort, board)


def _helium_graphs(count: int, seed: int) -> list[Graph]:
    rng, graphs = np.random.default_rng(seed), []
    for index in range(count):
        maker = ("convolution", "pointwise", "depthwise", "dense")[index % 4]
        size = COUNTS[index // 4 % len(COUNTS)]
        values = tuple(int(v) for v in rng.choice(np.arange(-127, 128), size, replace=False))
        graph = helium_models.MODELS[maker](rng)
        graphs.append(with_values(graph, values, index))
    return graphs


@pytest.mark.parametrize("count", [24, pytest.param(400, marks=pytest.mark.slow)])
def test_kernels_with_helium_give_the_oracles_bytes(count: int) -> None:
    cases = [(g, random_inputs(g, 7)) for g in _helium_graphs(count, 11)]
    for (graph, inputs), outputs in zip(cases, run_helium(cases), strict=True):
        for ours, theirs in zip(outputs, Oracle(graph).run(inputs).outputs, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.fixture
def _no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (codes, mve_codes, small_codes):
        monkeypatch.setattr(module, "decoding_room", lambda node, target: 0)


@pytest.mark.usefixtures("_no_room")
@pytest.mark.parametrize("count", [24, pytest.param(200, marks=pytest.mark.slow)])
def test_so_do_those_that_decode_a_tile_at_a_time(count: int) -> None:
    graphs, target = _helium_graphs(count, 12), Target.of(find_board(BOARD).core)
    plans = [compile_graph(g, name="net", target=target).plan for g in graphs]
    found = {layer.kernel for plan in plans for layer in plan.layers}
    assert found >= {"eq_coded_mve_steps", "eq_coded_mve_windows", "eq_coded_mve_blocks"}
    cases = [(g, random_inputs(g, 7)) for g in graphs]
    for (graph, inputs), outputs in zip(cases, run_helium(cases), strict=True):
        for ours, theirs in zip(outputs, Oracle(graph).run(inputs).outputs, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("values", [BINARY, TERNARY, tuple(range(-8, 8))])
@pytest.mark.parametrize("core", ["m0plus", "m3"])
@pytest.mark.parametrize("pixels", [16, 61])
def test_pixels_share_decoded_weights_and_outputs_lie_upon_the_input(
    pixels: int, core: str, values: tuple[int, ...]
) -> None:
    graph = _pointwise(pixels, 64, values, 64)
    plan = compile_graph(graph, name="net", target=TARGETS[core]).plan
    assert plan.layers[0].kernel == "eq_coded_paired"
    assert plan.arena_bytes == 64 * pixels + plan.layers[0].scratch_bytes
    check(graph, 1, TARGETS[core])


def _kernels(core: Core) -> set[str]:
    rng, found = np.random.default_rng(5), set()
    for maker in ("convolution", "pointwise", "depthwise", "dense"):
        for index in range(20):
            graph = with_values(helium_models.MODELS[maker](rng), TERNARY, index)
            (layer,) = compile_graph(graph, name="net", target=Target.of(core)).plan.layers
            found.add(layer.kernel)
    return found


@pytest.mark.parametrize(
    ("board", "kernels"),
    [
        ("virt-m4", {"eq_coded_tiles", "eq_coded_plane_any", "eq_coded_quads"}),
        ("virt-m0plus", {"eq_coded_paired", "eq_coded_paired_depthwise", "eq_coded_small_row"}),
        (BOARD, {"eq_coded_mve_conv", "eq_coded_mve_row", "eq_coded_mve_depthwise"}),
    ],
)
def test_each_core_has_kernels_of_its_own(board: str, kernels: set[str]) -> None:
    assert kernels <= _kernels(find_board(board).core)


def test_int4_weights_stay_int4() -> None:
    model = helium_models.MODELS["dense_int4"](np.random.default_rng(1))
    graph = with_values(model, (-7, 0, 7), 1)
    plan = compile_graph(graph, name="net", target=TARGETS["dsp"]).plan
    assert "coded" not in plan.layers[0].kernel
