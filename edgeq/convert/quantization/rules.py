"""The quantisation rules: one row for each operator that has an integer form.

Sources: the TFLite 8-bit quantisation specification (ai.google.dev/edge/litert, "int8 operator
specifications") and the kernels of LiteRT 2.3 and of TensorFlow Lite Micro, which both must take
what a row allows. Which input is a filter or a bias stands in the op table (edgeq/graph/ops.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeq.graph.ir import Graph, Node, OptionValue, Quantization
from edgeq.graph.ops import OPS

_BOTH = ("int8", "int16")
_BYTES = ("int8",)
_HALF_POWER = Quantization((1 / 32768,), (0,))


@dataclass(frozen=True, slots=True)
class QuantizationRule:
    """How an operator's float tensors become integers.

    Attributes:
        activations: the dtypes that its activations may have.
        weights: the dtypes that its filter may have; empty without a filter.
        axis: the filter's output channels.
        single_scale: the weights' dtypes that take one scale for all channels.
        hybrid: whether a kernel takes float activations and integer weights.
        shares: whether inputs and outputs have the same scale and zero point.
        selects: whether every output value is an input value, so that it shares, and input
            values beyond the output's range may saturate.
        shift: bits that a sum's inputs gain before they are added: 2^shift times its output's
            scale is more than twice the larger of its inputs', by dtype.
        fixed: the output's quantisation where the kernels assume one, by dtype.
        options: options that an integer operator has, by dtype.
    """

    activations: tuple[str, ...] = _BOTH
    weights: tuple[str, ...] = ()
    axis: int = 0
    single_scale: tuple[str, ...] = ()
    hybrid: bool = False
    shares: bool = False
    selects: bool = False
    fixed: Mapping[str, Quantization] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, OptionValue]] = field(default_factory=dict)
    shift: Mapping[str, int] = field(default_factory=dict)


def rule_of(node: Node) -> QuantizationRule | None:
    """Return the rule of a node's operator, None where it has no integer form."""
    return RULES.get(node.op)


def filter_input(node: Node) -> int | None:
    """Return which input of a node is its filter, None without one."""
    return _role(node, "filter")


def bias_input(node: Node) -> int | None:
    """Return which input of a node is its bias, None where it is absent."""
    place = _role(node, "bias")
    given = place is not None and place < len(node.inputs) and node.inputs[place] >= 0
    return place if given else None


def data_input(node: Node) -> int:
    """Return which input of an operator with weights is the activation."""
    return OPS[node.op].roles.index("input")


def activation_inputs(graph: Graph, node: Node) -> tuple[int, ...]:
    """Return the places of a node's float inputs that are neither filter nor bias."""
    weighted = {filter_input(node), bias_input(node)}
    return tuple(
        place
        for place, index in enumerate(node.inputs)
        if index >= 0 and place not in weighted and graph.tensor(index).dtype == "float32"
    )


def _role(node: Node, role: str) -> int | None:
    rule, row = RULES.get(node.op), OPS.get(node.op)
    if rule is None or not rule.weights or row is None:
        return None
    return row.roles.index(role)


def _fixed(scale: float, zero_point: int, *, int16: bool = True) -> dict[str, Quantization]:
    exact = {"int8": Quantization((scale,), (zero_point,))}
    return exact | ({"int16": _HALF_POWER} if int16 else {})


_GENERAL_SCALES: dict[str, dict[str, OptionValue]] = {"int16": {"pot_scale_int16": False}}
_INDEPENDENT = QuantizationRule()
_INDEPENDENT_BYTES = QuantizationRule(_BYTES)
_SHARED = QuantizationRule(shares=True)
_SHARED_BYTES = QuantizationRule(_BYTES, shares=True)
_SELECTED = QuantizationRule(shares=True, selects=True)
_SELECTED_BYTES = QuantizationRule(_BYTES, shares=True, selects=True)
_SUM = QuantizationRule(options=_GENERAL_SCALES, shift={"int8": 20, "int16": 15})
_NARROW = ("int8", "int4")

RULES: dict[str, QuantizationRule] = {
    # Operators with weights.
    "CONV_2D": QuantizationRule(weights=_NARROW, axis=0, hybrid=True),
    "DEPTHWISE_CONV_2D": QuantizationRule(weights=_NARROW, axis=3, hybrid=True),
    "FULLY_CONNECTED": QuantizationRule(
        weights=_NARROW, axis=0, single_scale=("int4",), hybrid=True
    ),
    "TRANSPOSE_CONV": QuantizationRule(weights=("int8",), axis=0),
    "BATCH_MATMUL": _INDEPENDENT,
    # Outputs of a range that is known beforehand.
    "SOFTMAX": QuantizationRule(fixed=_fixed(1 / 256, -128)),
    "LOGISTIC": QuantizationRule(fixed=_fixed(1 / 256, -128)),
    "TANH": QuantizationRule(fixed=_fixed(1 / 128, 0)),
    "LOG_SOFTMAX": QuantizationRule(_BYTES, fixed=_fixed(1 / 16, 127, int16=False)),
    "L2_NORMALIZATION": QuantizationRule(_BYTES, fixed=_fixed(1 / 128, 0, int16=False)),
    # Element by element.
    "ADD": _SUM,
    "SUB": _SUM,
    **dict.fromkeys(("MUL", "MEAN", "SUM", "RELU", "RELU6", "LEAKY_RELU", "ABS"), _INDEPENDENT),
    **dict.fromkeys(
        (
            "DIV", "SQUARED_DIFFERENCE", "PRELU", "ADD_N", "RELU_N1_TO_1", "RELU_0_TO_1",
            "HARD_SWISH", "ELU", "RSQRT", "EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER",
            "GREATER_EQUAL", "ARG_MAX", "ARG_MIN",
        ),
        _INDEPENDENT_BYTES,
    ),
    # One scale and zero point for all.
    **dict.fromkeys(
        ("AVERAGE_POOL_2D", "SELECT", "SELECT_V2", "FILL", "ZEROS_LIKE"), _SHARED
    ),
    **dict.fromkeys(("RESIZE_BILINEAR", "MIRROR_PAD"), _SHARED_BYTES),
    **dict.fromkeys(
        (
            "MAXIMUM", "MINIMUM", "MAX_POOL_2D", "CONCATENATION", "PACK", "PAD", "PADV2",
            "RESHAPE", "SQUEEZE",
            "EXPAND_DIMS", "TRANSPOSE", "STRIDED_SLICE", "SLICE", "UNPACK", "SPLIT", "SPLIT_V",
            "REVERSE_V2", "BROADCAST_TO", "RESIZE_NEAREST_NEIGHBOR",
        ),
        _SELECTED,
    ),
    **dict.fromkeys(
        (
            "GATHER", "GATHER_ND", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "SPACE_TO_BATCH_ND",
            "BATCH_TO_SPACE_ND", "REDUCE_MAX", "REDUCE_MIN",
        ),
        _SELECTED_BYTES,
    ),
}  # fmt: skip
