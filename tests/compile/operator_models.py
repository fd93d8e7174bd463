"""Random models of every operator that the plain kernels compute, by a name for each kind."""

from __future__ import annotations

from hypothesis import strategies as st

from edgeq.graph.ir import Graph
from tests.graph.oracle import test_comparisons as comparisons
from tests.graph.oracle import test_elementwise as elementwise
from tests.graph.oracle import test_int16 as int16
from tests.graph.oracle import test_movement as movement
from tests.graph.oracle import test_rearrangement as rearrangement
from tests.graph.oracle import test_recurrent as recurrent
from tests.graph.oracle import test_reductions as reductions
from tests.graph.oracle import test_resizing as resizing
from tests.graph.oracle import test_variables as variables
from tests.graph.oracle import test_weighted as weighted
from tests.graph.oracle import test_windows as windows

_CAST = st.sampled_from(("int8", "int16", "int32", "float32"))
_RESIZE = ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")

MODELS: dict[str, st.SearchStrategy[Graph]] = {
    "conv_2d": weighted.convolutions(),
    "depthwise_conv_2d": weighted.depthwise_convolutions(),
    "fully_connected": weighted.dense_layers(),
    "conv_2d_int4": weighted.convolutions("int4"),
    "depthwise_conv_2d_int4": weighted.depthwise_convolutions("int4"),
    "fully_connected_int4": weighted.dense_layers("int4"),
    "conv_2d_int16": weighted.convolutions(data="int16"),
    "depthwise_conv_2d_int16": weighted.depthwise_convolutions(data="int16"),
    "fully_connected_int16": weighted.dense_layers(data="int16"),
    "transpose_conv": weighted.transposed_convolutions(),
    "batch_matmul": weighted.products(),
    "average_pool_2d": windows.pools("AVERAGE_POOL_2D"),
    "max_pool_2d": windows.pools("MAX_POOL_2D"),
    **{op.lower(): resizing.resizings(op) for op in _RESIZE},
    **{f"{op.lower()}_int16": int16.pairs16(op) for op in ("ADD", "SUB", "MUL")},
    **{f"{op.lower()}_int16": int16.extremes16(op) for op in ("MAXIMUM", "MINIMUM")},
    **{f"{op.lower()}_int16": int16.rectifiers16(op) for op in ("RELU", "RELU6", "LEAKY_RELU")},
    "transpose_conv_int16": weighted.transposed_convolutions(data="int16").filter(
        weighted.has_no_short_bias
    ),
    "batch_matmul_int16": weighted.products(data="int16"),
    "average_pool_2d_int16": int16.pools16("AVERAGE_POOL_2D"),
    "max_pool_2d_int16": int16.pools16("MAX_POOL_2D"),
    "mean_int16": int16.reductions16("MEAN"),
    "sum_int16": int16.reductions16("SUM"),
    "logistic_int16": int16.curves16("LOGISTIC"),
    "tanh_int16": int16.curves16("TANH"),
    "pad_int16": int16.paddings16(),
    "softmax_int16": int16.softmaxes16(),
    "quantize_int16": int16.rescalings16(),
    "mean": reductions.reductions("MEAN", True),
    "sum": reductions.reductions("SUM", True),
    "reduce_max": reductions.reductions("REDUCE_MAX", False),
    "reduce_min": reductions.reductions("REDUCE_MIN", False),
    "reduce_all": reductions.reductions("REDUCE_ALL", False),
    "arg_max": reductions.places_of_extremes("ARG_MAX"),
    "arg_min": reductions.places_of_extremes("ARG_MIN"),
    "softmax": reductions.softmaxes(),
    "log_softmax": reductions.log_softmaxes(),
    "l2_normalization": reductions.normalizations(),
    "cumsum": elementwise.running_sums(),
    "add_n": elementwise.sums_of_many(),
    "add": elementwise.pairs("ADD"),
    "sub": elementwise.pairs("SUB"),
    "mul": elementwise.pairs("MUL"),
    "div": elementwise.quotients(),
    "div_of_any_scales": elementwise.pairs("DIV"),
    "maximum": elementwise.extremes("MAXIMUM"),
    "minimum": elementwise.extremes("MINIMUM"),
    "prelu": elementwise.prelus(),
    "squared_difference": elementwise.pairs("SQUARED_DIFFERENCE"),
    **{op.lower(): comparisons.comparisons(op) for op in comparisons.COMPARISONS},
    "logical_and": comparisons.junctions("LOGICAL_AND"),
    "logical_or": comparisons.junctions("LOGICAL_OR"),
    "logical_not": comparisons.negations(),
    "select": comparisons.selections("SELECT"),
    "select_v2": comparisons.selections("SELECT_V2"),
    "leaky_relu": elementwise.leaky_relus(),
    "hard_swish": elementwise.hard_swishes(),
    "logistic": elementwise.singles("LOGISTIC", (1 / 256, -128)),
    "tanh": elementwise.singles("TANH", (1 / 128, 0)),
    **{
        op.lower(): elementwise.singles(op)
        for op in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "ELU", "ABS", "RSQRT")
    },
    "quantize": elementwise.quantizations("float32", "int8"),
    "quantize_int8": elementwise.quantizations("int8", "int8"),
    "quantize_uint8": elementwise.quantizations("uint8", "int8"),
    "dequantize": elementwise.dequantizations("int8"),
    "dequantize_uint8": elementwise.dequantizations("uint8"),
    "cast": st.tuples(_CAST, _CAST).flatmap(lambda ends: comparisons.casts(*ends)),
    "concatenation": movement.concatenations(),
    "pack": rearrangement.packs(),
    "unpack": rearrangement.unpacks(),
    "split": rearrangement.splits(),
    "split_v": rearrangement.uneven_splits(),
    "pad": movement.pads("PAD"),
    "padv2": movement.pads("PADV2"),
    "mirror_pad": rearrangement.mirror_pads(),
    "slice": rearrangement.slices(),
    "strided_slice": movement.strided_slices(),
    "gather": rearrangement.gathers(),
    "gather_computed": rearrangement.gathers(computed=True),
    "gather_nd": rearrangement.places(),
    "gather_nd_computed": rearrangement.places(computed=True),
    "transpose": movement.transpositions(),
    "reverse_v2": rearrangement.reversals(),
    "depth_to_space": rearrangement.depth_blocks("DEPTH_TO_SPACE"),
    "space_to_depth": rearrangement.depth_blocks("SPACE_TO_DEPTH"),
    "space_to_batch_nd": rearrangement.batch_blocks("SPACE_TO_BATCH_ND"),
    "batch_to_space_nd": rearrangement.batch_blocks("BATCH_TO_SPACE_ND"),
    "broadcast_to": rearrangement.repetitions(),
    "fill": rearrangement.fills(),
    "zeros_like": rearrangement.zeros(),
    "shape": rearrangement.shapes_of(),
    "unidirectional_sequence_lstm": recurrent.lstms(),
    "svdf": recurrent.svdfs(),
    "read_variable": variables.reads(),
    "assign_variable": variables.assignments(),
}
