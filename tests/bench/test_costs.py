"""The cost table knows every kernel of this edgeq, and what it says is what the boards count."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq import api
from edgeq.bench.calibration import COUNT_TOLERANCE
from edgeq.bench.costs import (
    GUESS_TOLERANCE,
    CoreCosts,
    UnknownKernelError,
    load_costs,
    model_cost,
)
from edgeq.bench.features import MEANING, layer_features
from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.target import Target
from edgeq.core.processes import find_tool
from edgeq.core.records import DEFAULT, CompileOptions, Plan
from edgeq.device.virtual.launch import qemu_program
from edgeq.graph.ir import Graph
from edgeq.graph.reader import read_model
from edgeq.graph.writer import write_graph
from tests.support.benchmarks import benchmark, load_benchmark
from tests.support.models import conv_model
from tests.support.shared import MLPERF_TINY, SHARED
from tests.support.small_cnn import small_cnn
from tests.support.type_models import INT4, small_network

FAST = CompileOptions(goal="speed")
STALE = "the kernels changed: run python benchmarks/fit_costs.py"

cost_models = benchmark("cost_models")
fit_costs = benchmark("fit_costs")


@pytest.mark.slow
@pytest.mark.parametrize("core", load_costs().cores)
def test_the_table_has_every_kernel_that_the_compiler_calls(
    cost_models: ModuleType, core: str
) -> None:
    costs = load_costs().cores[core]
    called = {
        layer.kernel
        for graph, options in cost_models.cost_models()
        for layer in _compile(graph, costs, options).layers
    }
    assert called == set(costs.kernels), STALE


@pytest.mark.parametrize("core", load_costs().cores)
def test_no_kernel_of_a_small_model_is_guessed(core: str) -> None:
    costs, graph = load_costs().cores[core], small_cnn()
    assert model_cost(graph, _compile(graph, costs), costs).guessed == (), STALE


def test_a_kernel_without_a_row_counts_like_its_operators_most_fitted_one() -> None:
    graph, costs = small_cnn(), load_costs().cores["cortex-m4"]
    plan = _compile(graph, costs)
    known = model_cost(graph, plan, costs)
    layers = (msgspec.structs.replace(plan.layers[0], kernel="eq_new"), *plan.layers[1:])
    guess = model_cost(graph, msgspec.structs.replace(plan, layers=layers), costs)
    assert guess.guessed == ("eq_new",)
    assert known.tolerance == COUNT_TOLERANCE < guess.tolerance < GUESS_TOLERANCE
    assert guess.instructions == pytest.approx(known.instructions, rel=guess.tolerance)


def test_a_kernel_of_an_operator_without_a_row_is_not_known() -> None:
    graph, costs = small_cnn(), load_costs().cores["cortex-m4"]
    bare = msgspec.structs.replace(costs, kernels={})
    with pytest.raises(UnknownKernelError, match="eq_"):
        model_cost(graph, _compile(graph, costs), bare)


def test_coefficients_are_positive_and_of_known_features() -> None:
    for costs in load_costs().cores.values():
        for kernel in costs.kernels.values():
            for coefficients in filter(None, (kernel.instructions, kernel.cycles)):
                assert set(coefficients) <= set(MEANING)
                assert min(coefficients.values()) > 0


def test_the_features_of_a_layer_are_its_counts() -> None:
    graph = small_cnn()
    plan = compile_graph(graph, name="small").plan
    conv, depthwise, pool, dense, softmax = (layer_features(graph, p) for p in plan.layers)
    assert conv["outputs"] == 4 * 4 * 8
    assert conv["macs"] + conv["border_macs"] == plan.layers[0].macs
    assert depthwise["macs"] + depthwise["border_macs"] == plan.layers[1].macs
    # 2 x 2 of 4 x 4 windows lie inside with stride 1
    assert depthwise["macs"] == 4 * 9 * 8
    assert pool["taps"] == 16 * 8
    assert dense["single_macs"] == 80
    assert conv["tile_macs"] == plan.layers[0].macs
    assert "rest_macs" not in conv  # 16 pixels are four fours
    assert softmax["rows"] == 1


@given(
    wanted=st.lists(st.floats(0.5, 50), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)
def test_the_fit_finds_the_coefficients_of_exact_costs(wanted: list[float], seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fit_costs = load_benchmark("fit_costs", patch)
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 10_000, (12, len(wanted))).astype(float)
    found = fit_costs.least_squares(matrix, matrix @ np.array(wanted))
    assert found == pytest.approx(wanted, rel=1e-6)


def test_the_fit_gives_no_negative_coefficient(fit_costs: ModuleType) -> None:
    matrix = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])
    found = fit_costs.least_squares(matrix, np.array([0.5, 2.0, 3.5]))
    assert (found >= 0).all()
    assert found.any()


def _compile(graph: Graph, costs: CoreCosts, options: CompileOptions = DEFAULT) -> Plan:
    target = Target.on(find_board(costs.board), options)
    return compile_graph(graph, name="held_out", target=target).plan


def _held_out(folder: Path) -> list[Path]:
    models = SHARED / "models" / "mlperf_tiny"
    if models.is_dir():
        return [models / name for name in MLPERF_TINY.values()]
    (folder / "small.tflite").write_bytes(write_graph(small_cnn()))
    return [folder / "small.tflite"]


def _check(core: str, path: Path, options: CompileOptions = DEFAULT) -> None:
    graph, costs = read_model(path), load_costs().cores[core]
    estimated = model_cost(graph, _compile(graph, costs, options), costs)
    assert estimated.guessed == (), STALE
    asked: dict[str, Any] = {"runs": 1, "warmup": 0, "layers": False, "options": options}
    latency = api.bench(path, board=costs.board, **asked).latency
    assert latency.instructions
    limit = pytest.approx(latency.instructions, rel=COUNT_TOLERANCE)
    assert estimated.instructions == limit, f"{path.stem} on {core}: {STALE}"
    if estimated.cycles is not None:
        assert estimated.cycles == pytest.approx(latency.cycles, rel=COUNT_TOLERANCE), STALE


@pytest.mark.parametrize(
    ("graph", "options"),
    [
        (small_cnn(), DEFAULT),
        (small_network(INT4), DEFAULT),
        (conv_model(height=20, width=12, in_channels=36, out_channels=28), FAST),
    ],
    ids=["small", "int4", "winograd"],
)
def test_the_estimate_of_a_model_not_fitted_is_near_its_simulation(
    graph: Graph, options: CompileOptions, tmp_path: Path
) -> None:
    pytest.importorskip("ziglang")
    pytest.importorskip("unicorn")
    path = tmp_path / "small.tflite"
    path.write_bytes(write_graph(graph))
    _check("cortex-m4", path, options)


@pytest.mark.slow
@pytest.mark.parametrize("core", load_costs().cores)
def test_the_table_is_not_stale(core: str, tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    pytest.importorskip("unicorn")
    board = find_board(load_costs().cores[core].board)
    if board.flash.method == "qemu" and find_tool(qemu_program(board)) is None:
        pytest.skip(f"{qemu_program(board)} is not installed")
    for path in _held_out(tmp_path):
        _check(core, path)
