"""The kernels for Cortex-M55 give the oracle's bytes on an emulated one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.lower.convolution import Window
from edgeq.compile.lower.mve.matrix import tile_weights
from edgeq.compile.lower.mve.order import line_distance
from edgeq.compile.source import kernel_paths
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph
from tests.compile import helium_models as models
from tests.graph.oracle.runtimes import random_inputs
from tests.support.generated import assert_outputs
from tests.support.helium import BOARD, run_helium
from tests.support.native import WARNINGS, require_compiler
from tests.support.small_cnn import small_cnn

TARGET = Target.of(find_board(BOARD).core)


def check(graphs: list[Graph], seed: int) -> None:
    """Hold the generated C against the oracle."""
    cases = [(graph, random_inputs(graph, seed + i)) for i, graph in enumerate(graphs)]
    for (graph, inputs), outputs in zip(cases, run_helium(cases), strict=True):
        assert_outputs(graph, inputs, outputs)


def draw(op: str, count: int, seed: int) -> list[Graph]:
    """Return `count` supported models of one operator."""
    rng = np.random.default_rng(seed)
    made: Iterator[Graph] = (models.MODELS[op](rng) for _ in range(100 * count))
    fit = (graph for graph in made if not unsupported_nodes(graph))
    return [next(fit) for _ in range(count)]


def test_a_core_with_helium_gets_its_kernels_and_no_other_does() -> None:
    layers = {
        arch: compile_graph(small_cnn(), name="net", target=target).plan.layers
        for arch, target in (("m55", TARGET), ("m4", replace(TARGET, core="cortex-m4", mve=False)))
    }
    names = [layer.kernel for layer in layers["m55"]]
    assert names == [
        "eq_mve_conv", "eq_mve_depthwise", "eq_mve_average_pool", "eq_mve_dense", "eq_softmax",
    ]  # fmt: skip
    assert not any("mve" in layer.kernel for layer in layers["m4"])


def test_tiles_hold_outputs_0_and_2_before_1_and_3() -> None:
    rows = np.arange(5 * 20).reshape(5, 20).astype(np.int8)
    tiles = tile_weights(rows)
    assert tiles.shape == (2, 2, 2, 2, 16)
    np.testing.assert_array_equal(tiles[0, :, 0, :, 0], rows[[[0, 2], [1, 3]], 0])
    np.testing.assert_array_equal(tiles[0, 1, 1, 1, :4], rows[3, 16:])
    assert not tiles[0, 0, 1, 0, 4:].any()
    assert not tiles[1, 0, :, 1].any()


def test_a_3x3_window_in_place_may_start_a_row_above_its_input() -> None:
    window = Window((1, 6, 5, 8), (1, 6, 5, 8), (3, 3), (1, 1), (1, 1), same=True)
    assert line_distance(window) == -5 * 8


@pytest.mark.parametrize("compiler", ["arm-none-eabi-gcc", "clang"])
def test_kernels_compile_without_a_warning(compiler: str, tmp_path: Path) -> None:
    path = require_compiler(compiler)
    core = {
        "arm-none-eabi-gcc": ["-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"],
        "clang": ["--target=arm-none-eabi", "-mcpu=cortex-m55", "-mfloat-abi=hard"],
    }[compiler]
    for file in kernel_paths().values():
        shutil.copy(file, tmp_path)
    sources = sorted(path.name for path in tmp_path.glob("eq_mve_*.c"))
    flags = (*WARNINGS, *core, "-O2", "-ffreestanding", "-c")
    done = subprocess.run(
        [path, *flags, *sources], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_kernels_of_all_kinds_give_the_oracles_bytes() -> None:
    check([small_cnn(), *(draw(op, 1, seed=7)[0] for op in models.MODELS)], seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("op", models.MODELS)
def test_a_kernel_gives_the_oracles_bytes(op: str) -> None:
    for seed in range(4):
        check(draw(op, 60, seed), seed)
