"""The kernels for Cortex-M55 give the oracle's bytes on an emulated one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from edgeq.boards.registry import find_board
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.compile import helium_models as models
from tests.graph.oracle.runtimes import random_inputs
from tests.support.helium import BOARD, run_helium
from tests.support.small_cnn import small_cnn

TARGET = Target.of(find_board(BOARD).core)


def check(graphs: list[Graph], seed: int) -> None:
    """Hold the generated C against the oracle."""
    cases = [(graph, random_inputs(graph, seed + i)) for i, graph in enumerate(graphs)]
    for (graph, inputs), outputs in zip(cases, run_helium(cases), strict=True):
        for ours, theirs in zip(outputs, Oracle(graph).run(inputs).outputs, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=graph.name)


def draw(op: str, count: int, seed: int) -> list[Graph]:
    """Return `count` supported models of one operator."""
    rng = np.random.default_rng(seed)
    made: Iterator[Graph] = (models.MODELS[op](rng) for _ in range(100 * count))
    fit = (graph for graph in made if not unsupported_nodes(graph))
    return [next(fit) for _ in range(count)]


def test_kernels_of_all_kinds_give_the_oracles_bytes() -> None:
    check([small_cnn(), *(draw(op, 1, seed=7)[0] for op in models.MODELS)], seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("op", models.MODELS)
def test_a_kernel_gives_the_oracles_bytes(op: str) -> None:
    for seed in range(4):
        check(draw(op, 60, seed), seed)
