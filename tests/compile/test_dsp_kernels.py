"""Kernels for the DSP extension give the oracle's bytes: in C here, in assembly on a virtual M4."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.compile.target import Target
from edgeq.core.records import CompileOptions
from edgeq.graph.ir import Graph
from tests.graph.oracle import test_elementwise as elementwise
from tests.graph.oracle.test_recurrent import lstms
from tests.graph.oracle.test_weighted import dense_layers, depthwise_convolutions
from tests.graph.oracle.test_windows import pools
from tests.support.dsp_models import (
    chains,
    depthwise_3x3,
    matrices,
    pixel_means,
    single_rows,
    sums,
    upsamplings,
    usual,
)
from tests.support.generated import check, prove, prove_on_board
from tests.support.properties import efforts

_SPEED = CompileOptions(goal="speed")
_M4 = Target("cortex-m4", dsp=True, options=_SPEED)

MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "depthwise_3x3": usual(depthwise_3x3()),
    "depthwise_conv_2d": depthwise_convolutions(),
    "average_pool_2d": pools("AVERAGE_POOL_2D"),
    "max_pool_2d": pools("MAX_POOL_2D"),
    "relu": elementwise.singles("RELU", requantized=False),
    "relu6": elementwise.singles("RELU6", requantized=False),
    "mean": pixel_means("MEAN"),
    "sum": pixel_means("SUM"),
    "fully_connected": dense_layers(),
    "single_row": usual(single_rows()),
    "add": sums("ADD"),
    "sub": sums("SUB"),
    "mul": elementwise.pairs("MUL"),
    **{f"{op.lower()}_table": chains(op) for op in ("ADD", "SUB", "MUL")},
    "batch_matmul": matrices(),
    "transpose_conv": usual(upsamplings()),
    "lstm": lstms(),
}

# So many of each in one image, which may have 16 inputs.
_MIX = {
    "depthwise_3x3": 3,
    "depthwise_conv_2d": 1,
    "average_pool_2d": 1,
    "max_pool_2d": 1,
    "relu6": 1,
    "mean": 1,
    "sum": 1,
    "fully_connected": 1,
    "single_row": 2,
    "add": 1,
    "sub": 1,
}
_PRODUCTS = {"batch_matmul": 3, "transpose_conv": 4, "mul": 1, "add_table": 1, "mul_table": 1}


@efforts(4, 400)
@pytest.mark.parametrize("op", MODELS)
def test_a_kernel_gives_the_oracles_bytes(op: str, effort: settings) -> None:
    prove(MODELS[op], effort, partial(check, target=_M4))


@efforts(1, 10)
@pytest.mark.parametrize("counts", [_MIX, _PRODUCTS], ids=["layers", "products"])
def test_its_assembly_does_too(counts: Mapping[str, int], effort: settings) -> None:
    prove_on_board(MODELS, counts, effort, "virt-m4", _SPEED)
