"""Kernels for cores without SIMD give the oracle's bytes: in C here, in assembly where emulated."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.boards.profile import CoreName
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph
from tests.graph.oracle.test_weighted import convolutions, dense_layers
from tests.support.dsp_models import depthwise_3x3, sums
from tests.support.generated import check, prove, prove_on_board
from tests.support.properties import efforts

CORES: tuple[CoreName, ...] = ("cortex-m0plus", "cortex-m3", "rv32imc")
BOARDS = ("virt-m0plus", "virt-m3", "virt-rv32imc")

MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "conv_2d": convolutions(),
    "depthwise_3x3": depthwise_3x3(),
    "fully_connected": dense_layers(),
    "add": sums("ADD"),
    "sub": sums("SUB"),
}

# So many of each in one image, which may have 16 inputs.
_MIX = {"conv_2d": 4, "depthwise_3x3": 4, "fully_connected": 3, "add": 2}


@efforts(3, 400)
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("op", MODELS)
def test_a_kernel_gives_the_oracles_bytes(op: str, core: CoreName, effort: settings) -> None:
    prove(MODELS[op], effort, partial(check, target=Target(core)))


@efforts(1, 10)
@pytest.mark.parametrize("board", BOARDS)
def test_its_assembly_does_too(board: str, effort: settings) -> None:
    prove_on_board(MODELS, _MIX, effort, board)
