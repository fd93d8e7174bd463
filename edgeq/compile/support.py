"""The table of operators that the compiler lowers, and the check that a graph keeps to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgeq.compile import rules
from edgeq.compile.layer import Layer
from edgeq.compile.lower import dsp, int4, int16, mve, plain_codes, small
from edgeq.compile.lower.accumulation import lower_add_n, lower_cumsum
from edgeq.compile.lower.binary import lower_product, lower_sum
from edgeq.compile.lower.constants import lower_shape, lower_zeros
from edgeq.compile.lower.convolution import lower_conv_2d, lower_depthwise_conv_2d
from edgeq.compile.lower.dense import lower_fully_connected
from edgeq.compile.lower.dsp import codes as dsp_codes
from edgeq.compile.lower.dsp import int4 as dsp_int4
from edgeq.compile.lower.dsp import int16 as dsp_int16
from edgeq.compile.lower.elementwise import (
    lower_cast,
    lower_dequantize,
    lower_quantize,
    lower_table,
)
from edgeq.compile.lower.gather import lower_gather, lower_gather_nd, lower_pick
from edgeq.compile.lower.matmul import lower_batch_matmul
from edgeq.compile.lower.movement import lower_movement, lower_pad
from edgeq.compile.lower.mve import codes as mve_codes
from edgeq.compile.lower.mve import int4 as mve_int4
from edgeq.compile.lower.mve import int16 as mve_int16
from edgeq.compile.lower.pairs import (
    lower_comparison,
    lower_difference,
    lower_extreme,
    lower_prelu,
    lower_quotient,
    lower_select,
)
from edgeq.compile.lower.pooling import lower_pool
from edgeq.compile.lower.recurrent import gates_fit, lower_lstm, lower_svdf, sums_fit
from edgeq.compile.lower.reductions import (
    lower_arg,
    lower_extreme_of,
    lower_l2_normalize,
    lower_log_softmax,
    lower_mean,
    lower_softmax,
)
from edgeq.compile.lower.resizing import lower_bilinear
from edgeq.compile.lower.small import codes as small_codes
from edgeq.compile.lower.tabled import lower_tabled
from edgeq.compile.lower.transposed import lower_transpose_conv
from edgeq.compile.lower.variants import Lower, Variant, lower_node
from edgeq.compile.memory.lifetimes import RESHAPES, live_nodes
from edgeq.compile.micro import history
from edgeq.compile.target import Target
from edgeq.core.errors import InputError, did_you_mean
from edgeq.graph import recurrent
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of, check
from edgeq.graph.place import Place
from edgeq.graph.rules import Rule, first_fault
from edgeq.graph.tabled import TABLED


@dataclass(frozen=True, slots=True)
class Operator:
    """How an operator becomes plain kernel calls, and the rules that all its kernels rely on."""

    lower: Lower
    rules: tuple[Rule, ...]


def _weighted(lower: Lower, axis: int, *data: Rule) -> Operator:
    return Operator(
        lower,
        (
            *(data or (rules.int8_data,)),
            rules.constant_weights,
            rules.small_dimensions,
            rules.accumulators_fit(axis),
            rules.weight_factors,
        ),
    )


_COMPUTED = (rules.computed_input, rules.int8_data)
_INTEGER = (rules.computed_input, rules.integer_data)
_POOL = Operator(lower_pool, (*_INTEGER, rules.small_dimensions))
_SUM = Operator(lower_sum, (*_INTEGER, rules.few_broadcasts, rules.sum_factor))
_TABLE = Operator(lower_table, (*_COMPUTED, rules.scale_ratio))
_RECTIFIER = Operator(lower_table, (*_INTEGER, rules.scale_ratio, rules.int16_ratio))
_MOVEMENT = Operator(lower_movement, (rules.computed_input, rules.whole_bytes, rules.few_copies))
_PICK = Operator(lower_pick, (rules.computed_input, rules.whole_bytes))
_PAIR = (*_COMPUTED, rules.few_broadcasts)
_EXTREME = Operator(lower_extreme, (*_INTEGER, rules.few_broadcasts))
_BYTES = (rules.computed_input, rules.byte_data, rules.few_broadcasts)
_COMPARISON = Operator(lower_comparison, (*_BYTES, rules.fractional_scales))
_LOGICAL = Operator(lower_extreme, _BYTES)
_SELECT = Operator(lower_select, _BYTES)
_SUM_OVER = (*_INTEGER, rules.regular_axes, rules.bounded_sum, rules.scale_ratio)
_EXTREME_OF = Operator(lower_extreme_of, (*_COMPUTED, rules.regular_axes))
_ARG = Operator(lower_arg, (rules.computed_input, rules.int32_output))
_GATHER = (rules.computed_input, rules.whole_bytes, rules.int32_indices)
_PAD = Operator(lower_pad, (*_INTEGER, rules.byte_padding, rules.few_copies))
_CURVE = Operator(lower_table, (*_INTEGER, rules.scale_ratio, rules.curve_scale))
_TABLED = Operator(
    lambda graph, node, target: lower_tabled(graph, node, target, lower),
    (*_COMPUTED, rules.few_broadcasts),
)

OPERATORS: dict[str, Operator] = {
    # Operators with weights, and products of matrices.
    "CONV_2D": _weighted(lower_conv_2d, 0, rules.integer_data, rules.int8_filter),
    "DEPTHWISE_CONV_2D": _weighted(
        lower_depthwise_conv_2d, 3, rules.integer_data, rules.int8_filter, rules.int64_bias
    ),
    "FULLY_CONNECTED": _weighted(lower_fully_connected, 0, rules.integer_data, rules.int8_filter),
    "TRANSPOSE_CONV": _weighted(
        lower_transpose_conv, 0, rules.integer_data, rules.int8_filter, rules.int64_bias
    ),
    "BATCH_MATMUL": Operator(
        lower_batch_matmul,
        (*_INTEGER, rules.few_matrices, rules.matrix_depth, rules.matrices_factor),
    ),
    # Windows, reductions and what goes along an axis.
    "AVERAGE_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "RESIZE_BILINEAR": Operator(lower_bilinear, (*_COMPUTED, rules.places_inside)),
    "RESIZE_NEAREST_NEIGHBOR": _PICK,
    "MEAN": Operator(lower_mean, _SUM_OVER),
    "SUM": Operator(lower_mean, _SUM_OVER),
    "REDUCE_MAX": _EXTREME_OF,
    "REDUCE_MIN": _EXTREME_OF,
    "REDUCE_ALL": Operator(lower_extreme_of, (rules.computed_input, rules.regular_axes)),
    "ARG_MAX": _ARG,
    "ARG_MIN": _ARG,
    "CUMSUM": Operator(lower_cumsum, (*_COMPUTED, rules.scale_ratio)),
    "SOFTMAX": Operator(lower_softmax, (*_INTEGER, rules.softmax_depth, rules.softmax_scale)),
    "LOG_SOFTMAX": Operator(
        lower_log_softmax, (*_COMPUTED, rules.softmax_depth, rules.log_softmax_scale)
    ),
    "L2_NORMALIZATION": Operator(lower_l2_normalize, (*_COMPUTED, rules.squared_depth)),
    # Two tensors or more, element by element.
    "ADD": _SUM,
    "SUB": _SUM,
    "MUL": Operator(lower_product, (*_INTEGER, rules.few_broadcasts, rules.multiplied_factor)),
    "DIV": Operator(lower_quotient, (*_PAIR, rules.quotient_range)),
    "MAXIMUM": _EXTREME,
    "MINIMUM": _EXTREME,
    "PRELU": Operator(lower_prelu, (*_PAIR, rules.slope_factors)),
    "SQUARED_DIFFERENCE": Operator(lower_difference, (*_PAIR, rules.difference_factor)),
    "ADD_N": Operator(lower_add_n, (*_COMPUTED, rules.scale_ratio, rules.short_sums)),
    "EQUAL": _COMPARISON,
    "NOT_EQUAL": _COMPARISON,
    "LESS": _COMPARISON,
    "LESS_EQUAL": _COMPARISON,
    "GREATER": _COMPARISON,
    "GREATER_EQUAL": _COMPARISON,
    "LOGICAL_AND": _LOGICAL,
    "LOGICAL_OR": _LOGICAL,
    "SELECT": _SELECT,
    "SELECT_V2": _SELECT,
    # One tensor, element by element.
    "LOGISTIC": _CURVE,
    "TANH": _CURVE,
    "RELU": _RECTIFIER,
    "RELU6": _RECTIFIER,
    "RELU_N1_TO_1": _TABLE,
    "RELU_0_TO_1": _TABLE,
    "LEAKY_RELU": Operator(lower_table, (*_RECTIFIER.rules, rules.leaky_ratio)),
    "HARD_SWISH": _TABLE,
    "ELU": _TABLE,
    "ABS": _TABLE,
    "RSQRT": _TABLE,
    "LOGICAL_NOT": Operator(lower_table, (rules.computed_input,)),
    **dict.fromkeys(TABLED, _TABLED),
    "BYTE_TABLE": Operator(lower_table, (rules.computed_input, rules.byte_ends)),
    "QUANTIZE": Operator(
        lower_quantize, (rules.computed_input, rules.quantized_ends, rules.int16_ratio)
    ),
    "DEQUANTIZE": Operator(lower_dequantize, (rules.computed_input, rules.float_output)),
    "CAST": Operator(lower_cast, (rules.computed_input, rules.castable)),
    # Moving elements.
    "CONCATENATION": _MOVEMENT,
    "PACK": _MOVEMENT,
    "UNPACK": _MOVEMENT,
    "SPLIT": _MOVEMENT,
    "SPLIT_V": _MOVEMENT,
    "PAD": _PAD,
    "PADV2": _PAD,
    "MIRROR_PAD": _PICK,
    "SLICE": _MOVEMENT,
    "STRIDED_SLICE": _MOVEMENT,
    "GATHER": Operator(lower_gather, _GATHER),
    "GATHER_ND": Operator(lower_gather_nd, (*_GATHER, rules.few_indices)),
    "TRANSPOSE": _MOVEMENT,
    "REVERSE_V2": _MOVEMENT,
    "DEPTH_TO_SPACE": _MOVEMENT,
    "SPACE_TO_DEPTH": _MOVEMENT,
    "BATCH_TO_SPACE_ND": _MOVEMENT,
    "SPACE_TO_BATCH_ND": _PAD,
    "BROADCAST_TO": _MOVEMENT,
    "FILL": Operator(lower_movement, (rules.whole_bytes, rules.few_copies)),
    "ZEROS_LIKE": Operator(lower_zeros, ()),
    "SHAPE": Operator(lower_shape, ()),
    # With state.
    "UNIDIRECTIONAL_SEQUENCE_LSTM": Operator(lower_lstm, (*recurrent.LSTM_RULES, gates_fit)),
    "READ_VARIABLE": Operator(lower_movement, (rules.whole_bytes,)),
    "ASSIGN_VARIABLE": Operator(lower_movement, (rules.whole_bytes,)),
    "SVDF": Operator(lower_svdf, (*recurrent.SVDF_RULES, sums_fit)),
}


# Operators without integer semantics to be equal to, int8 conversions of which LiteRT alone runs.
# Source: the kernels of tensorflow/tflite-micro at 90b983c.
_FLOAT_ONLY = "CEIL COS EXP FLOOR FLOOR_DIV FLOOR_MOD L2_POOL_2D LOG NEG ROUND SIN SQRT SQUARE"
FLOAT_ONLY = frozenset(_FLOAT_ONLY.split())

# Rows before an operator's plain kernel: other dtypes than int8, weights kept as
# codes, then the richest instruction set.
_ROOMS = (
    mve_int16,
    dsp_int16,
    int16,
    mve_int4,
    dsp_int4,
    int4,
    mve_codes,
    dsp_codes,
    small_codes,
    plain_codes,
    mve,
    dsp,
    small,
)
VARIANTS: dict[str, tuple[Variant, ...]] = {
    op: tuple(row for room in _ROOMS for row in room.ROWS.get(op, ())) for op in OPERATORS
}


def lower(graph: Graph, node: Node, target: Target) -> Layer:
    """Return the kernel calls of a supported node."""
    return lower_node(graph, node, target, VARIANTS[node.op], OPERATORS[node.op].lower)


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A node that the compiler cannot lower, and why."""

    index: int
    op: str
    why: str

    def __str__(self) -> str:
        return f"operators[{self.index}] ({self.op}): {self.why}"


def check_nodes(graph: Graph) -> None:
    """Check the nodes that the outputs depend on against the op table.

    Raises:
        InputError: a node contradicts it.
    """
    for node in live_nodes(graph):
        check(graph, node)


def unsupported_nodes(graph: Graph) -> tuple[Unsupported, ...]:
    """Return the nodes that the compiler cannot lower once its passes have run.

    Raises:
        InputError: a node contradicts the op table.
    """
    from edgeq.compile.passes import run_passes  # which ask this table what a kernel takes

    check_nodes(graph)
    return tuple(lowering_faults(run_passes(graph)[0]))


def require_supported(graph: Graph) -> None:
    """Check that every operator can be lowered and that there is something to compute.

    Raises:
        InputError: names the first operator or output at fault.
    """
    check_nodes(graph)
    for fault in lowering_faults(graph):
        raise InputError(f"{graph.name}: {fault}", hint=_hint(fault.op))
    computed = {i for n in live_nodes(graph) for i in n.outputs} | set(graph.inputs)
    for position, index in enumerate(graph.outputs):
        if index not in computed or graph.tensor(index).is_constant:
            place = Place(graph.name).at("outputs", position)
            place.reject("the output is constant", "export a model that computes its outputs")


def lowering_faults(graph: Graph) -> Iterator[Unsupported]:
    """Yield the nodes of a checked graph that no kernel takes as they are."""
    for node in live_nodes(graph):
        if why := _fault(graph, node):
            yield Unsupported(node.index, node.op, why)


def _fault(graph: Graph, node: Node) -> str | None:
    if node.op in RESHAPES:
        variable = graph.tensor(node.inputs[0]).is_variable
        return "it reads a variable, which may change under it" if variable else None
    row = OPERATORS.get(node.op)
    return first_fault(call_of(graph, node), row.rules) if row else _absence(node.op)


def _absence(op: str) -> str:
    if op in FLOAT_ONLY:
        return "TensorFlow Lite Micro computes this operator on float32 alone"
    if op not in history.OPERATORS:
        return "neither the compiler nor TensorFlow Lite Micro has this operator"
    return "the compiler has no kernel for this operator"


def _hint(op: str) -> str:
    if op in OPERATORS:
        return "docs/supported-ops.md lists what the kernels take; run `edgeq inspect` on the model"
    near = did_you_mean(op, OPERATORS)
    return f"replace it by supported operators (docs/supported-ops.md).{near}"
