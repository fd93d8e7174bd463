"""Generated C gives the oracle's bytes, touches no byte it should not, and warns of nothing."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from edgeq.graph.ir import Graph
from tests.graph.oracle import test_elementwise as elementwise
from tests.graph.oracle import test_movement as movement
from tests.graph.oracle import test_reductions as reductions
from tests.graph.oracle import test_weighted as weighted
from tests.graph.oracle import test_windows as windows
from tests.support.generated import check, prove
from tests.support.properties import efforts
from tests.support.small_cnn import small_cnn

MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "conv_2d": weighted.convolutions(),
    "depthwise_conv_2d": weighted.depthwise_convolutions(),
    "fully_connected": weighted.dense_layers(),
    "average_pool_2d": windows.pools("AVERAGE_POOL_2D"),
    "max_pool_2d": windows.pools("MAX_POOL_2D"),
    "mean": reductions.reductions("MEAN", True),
    "softmax": reductions.softmaxes(),
    "add": elementwise.pairs("ADD"),
    "sub": elementwise.pairs("SUB"),
    "mul": elementwise.pairs("MUL"),
    "leaky_relu": elementwise.leaky_relus(),
    "hard_swish": elementwise.hard_swishes(),
    "logistic": elementwise.singles("LOGISTIC", (1 / 256, -128)),
    "tanh": elementwise.singles("TANH", (1 / 128, 0)),
    "relu": elementwise.singles("RELU"),
    "relu6": elementwise.singles("RELU6"),
    "relu_n1_to_1": elementwise.singles("RELU_N1_TO_1"),
    "quantize": elementwise.quantizations("float32", "int8"),
    "quantize_uint8": elementwise.quantizations("uint8", "int8"),
    "quantize_int8": elementwise.quantizations("int8", "uint8"),
    "dequantize": elementwise.dequantizations("int8"),
    "dequantize_uint8": elementwise.dequantizations("uint8"),
    "concatenation": movement.concatenations(),
    "pad": movement.pads("PAD"),
    "padv2": movement.pads("PADV2"),
    "transpose": movement.transpositions(),
    "strided_slice": movement.strided_slices(),
}


@efforts(4, 250)
@pytest.mark.parametrize("op", MODELS)
def test_a_kernel_gives_the_oracles_bytes(op: str, effort: settings) -> None:
    prove(MODELS[op], effort)


def test_a_network_gives_the_oracles_bytes() -> None:
    check(small_cnn(), seed=3)
