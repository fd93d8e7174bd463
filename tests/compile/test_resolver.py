"""The op resolver calls methods that TensorFlow Lite Micro has."""

from __future__ import annotations

import pytest

from edgeq.compile.micro.history import OPERATORS
from edgeq.compile.resolver import method_name, resolver_header
from edgeq.core.errors import InputError
from edgeq.graph.ops import INTERNAL, OPS
from tests.support.models import ModelBuilder, activation, one_op

# Every method that registers a builtin operator in micro_mutable_op_resolver.h at 90b983c.
_HEADER = """
Abs Add AddN ArgMax ArgMin AssignVariable AveragePool2D BatchMatMul BatchToSpaceNd BroadcastArgs
BroadcastTo CallOnce Cast Ceil Concatenation Conv2D Cos CumSum DepthToSpace DepthwiseConv2D
Dequantize Div DynamicUpdateSlice Elu EmbeddingLookup Equal Exp ExpandDims Fill Floor FloorDiv
FloorMod FullyConnected Gather GatherNd Greater GreaterEqual HardSwish If L2Normalization
L2Pool2D LeakyRelu Less LessEqual Log LogSoftmax LogicalAnd LogicalNot LogicalOr Logistic
MaxPool2D Maximum Mean Minimum MirrorPad Mul Neg NotEqual Pack Pad PadV2 Prelu Quantize
ReadVariable ReduceAll ReduceMax ReduceMin Relu Relu6 Reshape ResizeBilinear
ResizeNearestNeighbor ReverseV2 Round Rsqrt SelectV2 Shape Sin Slice Softmax SpaceToBatchNd
SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze StridedSlice Sub Sum Svdf Tanh
Transpose TransposeConv UnidirectionalSequenceLSTM Unpack VarHandle While ZerosLike
"""
METHODS = frozenset(_HEADER.split())
# Operators of the op table that TensorFlow Lite Micro does not have.
ABSENT = {"GELU", "RELU_0_TO_1", "RELU_N1_TO_1", "SELECT"} | INTERNAL


def test_every_operator_has_a_method_that_exists_and_no_method_is_forgotten() -> None:
    assert {method_name(op).removeprefix("Add") for op in OPERATORS} == METHODS


def test_the_op_table_and_the_methods_differ_by_what_is_known() -> None:
    assert set(OPS) - set(OPERATORS) == ABSENT


@pytest.mark.parametrize(
    ("op", "method"),
    [
        ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"),
        ("FULLY_CONNECTED", "AddFullyConnected"),
        ("SPACE_TO_BATCH_ND", "AddSpaceToBatchNd"),
        ("SQUARED_DIFFERENCE", "AddSquaredDifference"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"),
        ("RESIZE_NEAREST_NEIGHBOR", "AddResizeNearestNeighbor"),
        ("L2_NORMALIZATION", "AddL2Normalization"),
        ("PADV2", "AddPadV2"),
        ("BATCH_MATMUL", "AddBatchMatMul"),
        ("CUMSUM", "AddCumSum"),
        ("SVDF", "AddSvdf"),
        ("REVERSE_V2", "AddReverseV2"),
    ],
)
def test_a_method_is_spelled_as_in_the_header(op: str, method: str) -> None:
    assert method_name(op) == method


def test_an_operator_that_does_not_exist_is_refused() -> None:
    graph = one_op("GELU", [activation((4,))], activation((4,)))
    with pytest.raises(InputError, match=r"operators\[0\].*has no operator GELU"):
        resolver_header("model", graph)


def _custom(*names: str) -> str:
    model = ModelBuilder()
    last = model.input(activation((4,)))
    for name in names:
        last = model.op("CUSTOM", [last], activation((4,)), {"custom_code": name})
    return resolver_header("net", model.build(last))


def test_custom_operators_are_added_by_their_own_methods() -> None:
    text = _custom("ethos-u", "TFLite_Detection_PostProcess", "ethos-u")
    assert "MicroMutableOpResolver<2>" in text
    assert "resolver.AddEthosU()" in text
    assert "resolver.AddDetectionPostprocess()" in text


def test_an_unknown_custom_operator_becomes_an_argument() -> None:
    text = _custom('My"Op\\')
    assert "net_op_resolver& resolver, TFLMRegistration* My_Op_" in text
    assert 'resolver.AddCustom("My\\042Op\\134", My_Op_' in text
