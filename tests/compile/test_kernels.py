"""Generated C gives the oracle's bytes, touches no byte it should not, and warns of nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgeq.compile import compile_graph
from edgeq.compile.support import unsupported_nodes
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from tests.graph.oracle import test_comparisons as comparisons
from tests.graph.oracle import test_elementwise as elementwise
from tests.graph.oracle import test_movement as movement
from tests.graph.oracle import test_rearrangement as rearrangement
from tests.graph.oracle import test_reductions as reductions
from tests.graph.oracle import test_resizing as resizing
from tests.graph.oracle import test_weighted as weighted
from tests.graph.oracle import test_windows as windows
from tests.graph.oracle.runtimes import random_inputs
from tests.support.native import run_native
from tests.support.small_cnn import small_cnn

_FEW = settings(
    max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
_MANY = settings(_FEW, max_examples=250, derandomize=False)

_CAST = ("int8", "int16", "int32", "float32")

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
    "transpose_conv": weighted.transposed_convolutions(),
    "batch_matmul": weighted.products(),
    "resize_nearest_neighbor": resizing.resizings("RESIZE_NEAREST_NEIGHBOR"),
    "resize_bilinear": resizing.resizings("RESIZE_BILINEAR"),
    "sum": reductions.reductions("SUM", True),
    "reduce_max": reductions.reductions("REDUCE_MAX", False),
    "reduce_min": reductions.reductions("REDUCE_MIN", False),
    "arg_max": reductions.places_of_extremes("ARG_MAX"),
    "arg_min": reductions.places_of_extremes("ARG_MIN"),
    "log_softmax": reductions.log_softmaxes(),
    "l2_normalization": reductions.normalizations(),
    "cumsum": elementwise.running_sums(),
    "add_n": elementwise.sums_of_many(),
    "div": elementwise.quotients(),
    "div_of_any": elementwise.pairs("DIV"),
    "maximum": elementwise.extremes("MAXIMUM"),
    "minimum": elementwise.pairs("MINIMUM"),
    "prelu": elementwise.prelus(),
    "squared_difference": elementwise.pairs("SQUARED_DIFFERENCE"),
    "elu": elementwise.singles("ELU"),
    "abs": elementwise.singles("ABS"),
    "rsqrt": elementwise.singles("RSQRT"),
    **{op.lower(): comparisons.comparisons(op) for op in comparisons.COMPARISONS},
    "logical_and": comparisons.junctions("LOGICAL_AND"),
    "logical_or": comparisons.junctions("LOGICAL_OR"),
    "logical_not": comparisons.negations(),
    "select": comparisons.selections("SELECT"),
    "select_v2": comparisons.selections("SELECT_V2"),
    "cast": st.tuples(*(st.sampled_from(_CAST),) * 2).flatmap(
        lambda ends: comparisons.casts(*ends)
    ),
    "split": rearrangement.splits(),
    "split_v": rearrangement.uneven_splits(),
    "pack": rearrangement.packs(),
    "unpack": rearrangement.unpacks(),
    "slice": rearrangement.slices(),
    "gather": rearrangement.gathers(),
    "gather_computed": rearrangement.gathers(computed=True),
    "gather_nd": rearrangement.places(),
    "gather_nd_computed": rearrangement.places(computed=True),
    "depth_to_space": rearrangement.depth_blocks("DEPTH_TO_SPACE"),
    "space_to_depth": rearrangement.depth_blocks("SPACE_TO_DEPTH"),
    "space_to_batch_nd": rearrangement.batch_blocks("SPACE_TO_BATCH_ND"),
    "batch_to_space_nd": rearrangement.batch_blocks("BATCH_TO_SPACE_ND"),
    "mirror_pad": rearrangement.mirror_pads(),
    "reverse_v2": rearrangement.reversals(),
    "broadcast_to": rearrangement.repetitions(),
    "fill": rearrangement.fills(),
    "zeros_like": rearrangement.zeros(),
    "shape": rearrangement.shapes_of(),
}


def check(graph: Graph, seed: int) -> None:
    """Hold the generated C against the oracle."""
    inputs = random_inputs(graph, seed)
    with tempfile.TemporaryDirectory() as folder:
        outputs = run_native(graph, compile_graph(graph, name="model"), inputs, Path(folder))
    for ours, theirs in zip(outputs, Oracle(graph).run(inputs).outputs, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "effort", [_FEW, pytest.param(_MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("op", MODELS)
def test_a_kernel_gives_the_oracles_bytes(op: str, effort: settings) -> None:
    @effort
    @given(MODELS[op], st.integers(0, 2**32 - 1))
    def holds(graph: Graph, seed: int) -> None:
        assume(not unsupported_nodes(graph))
        check(graph, seed)

    holds()


def test_a_network_gives_the_oracles_bytes() -> None:
    check(small_cnn(), seed=3)
