"""The op table: one row for each operator that edgeq knows.

A row says which inputs an operator takes, in which dtypes, which rules they keep and which shape
comes out. A graph whose nodes all pass `check` is safe to generate code from: no declared shape
disagrees with another. An operator without a row is readable, and refused by the engines.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from edgeq.graph import indexed_shapes, recurrent, rules, shapes, spatial_shapes
from edgeq.graph.calls import Call, Shape
from edgeq.graph.ir import Graph, Node
from edgeq.graph.place import Place
from edgeq.graph.rules import Rule
from edgeq.graph.tabled import TABLED


@dataclass(frozen=True, slots=True)
class Op:
    """An operator.

    Attributes:
        name: the schema's BuiltinOperator.
        options: its options table in the schema, None if it has none.
        version: the version that the writer gives an int8 operator.
        inputs: the roles; `?` marks an optional one, `*` that the last one repeats.
        signatures: allowed dtypes, 'input ... > output'; T is one dtype for all, any is any.
        shape: infers the shape of every output, or a list with one for each.
        rules: what else must hold.
        macs: multiply-accumulates of one call.
        many: whether it has several outputs.
        silent: whether it may have none.
    """

    name: str
    options: str | None
    version: int
    inputs: str
    signatures: tuple[str, ...]
    shape: Callable[[Call], Shape | list[Shape]]
    rules: tuple[Rule, ...] = ()
    macs: Callable[[Call], int] = lambda call: 0
    many: bool = False
    silent: bool = False

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(role.rstrip("?*") for role in self.inputs.split())

    @property
    def optional(self) -> frozenset[str]:
        """The roles that may be absent."""
        return frozenset(role[:-1] for role in self.inputs.split() if role.endswith("?"))

    @property
    def variadic(self) -> bool:
        """Whether the last role repeats."""
        return self.inputs.endswith("*")


def check(graph: Graph, node: Node, place: Place | None = None) -> None:
    """Check `node` against its row; an operator without a row passes.

    Args:
        place: where the node stands, for errors.

    Raises:
        InputError: arity, dtypes, quantisation, options or shapes do not fit; the cause names
            the operator and its index.
    """
    row = OPS.get(node.op)
    if row is None:
        return
    fault = _fault(row, graph, node)
    if fault is not None:
        place = place or Place(graph.name).at("operators", node.index)
        Place(place.file, f"{place.path} ({node.op})").reject(fault)


def call_of(graph: Graph, node: Node) -> Call:
    """Return the call of `node`, whose operator has a row."""
    return Call.of(graph, node, OPS[node.op].roles)


def macs(graph: Graph, node: Node) -> int:
    """Return the multiply-accumulates of one run of `node`, padding included; 0 without a row."""
    row = OPS.get(node.op)
    return row.macs(Call.of(graph, node, row.roles)) if row else 0


def _fault(row: Op, graph: Graph, node: Node) -> str | None:
    call = Call.of(graph, node, row.roles)
    several = row.many if node.outputs else row.silent
    if len(node.outputs) != 1 and not several:
        return f"{len(node.outputs)} outputs"
    return (
        rules.arity(call, row.optional, row.variadic)
        or rules.dtypes(call, row.signatures)
        or rules.first_fault(
            call,
            (
                rules.windows_positive,
                rules.activation_clamps,
                lambda c: rules.inferred_shape(c, row.shape),
                *row.rules,
            ),
        )
    )


def _convolution_macs(call: Call) -> int:
    return call.output.elements * math.prod(call.input(1).shape[1:])


def _depthwise_macs(call: Call) -> int:
    return call.output.elements * math.prod(call.input(1).shape[1:3])


def _fully_connected_macs(call: Call) -> int:
    return call.output.elements * call.input(1).shape[1]


def _transposed_macs(call: Call) -> int:
    return call.input(2).elements * math.prod(call.input(1).shape[:3])


def _product_macs(call: Call) -> int:
    depth = call.data[-2] if call.option("adj_x", False) else call.data[-1]
    return call.output.elements * depth


def _weighted(axis: int) -> tuple[Rule, ...]:
    return (
        rules.quantized,
        rules.per_tensor,
        rules.filter_quantization(axis),
        rules.bias_length,
        rules.bias_quantization,
    )


# LiteRT has a single version of these.
_UNREVISED = frozenset(
    {"PRELU", "RELU_N1_TO_1", "RELU_0_TO_1", "HARD_SWISH", "ELU", "SQUARE", "SIN"}
)


def _version(name: str) -> int:
    return 1 if name in _UNREVISED else 2


# fmt: off
_WEIGHTED = (
    "int8 int8|int4 int32 > int8",
    "int16 int8|int4 int32|int64 > int16",
    "uint8 uint8 int32 > uint8",
    "float32 float32|int8|int4 float32 > float32",
)
_POINTWISE = ("int8 > int8", "int16 > int16", "uint8 > uint8", "float32 > float32")
_PAIRS = tuple(f"{t} {t} > {t}" for t in ("int8", "int16", "uint8", "int32", "int64", "float32"))
_REDUCED = tuple(f"{t} int32 > {t}" for t in ("int8", "int16", "uint8", "int32", "float32"))
_QUANTIZE = "float32|int8|uint8|int16|int32 > int8|uint8|int16|int32"
_INDEX = "int32|int64"
_COMPARED = tuple(
    f"{t} {t} > bool" for t in ("int8", "int16", "int32", "int64", "float32", "bool")
)
_TRANSPOSED = (
    "int32 int8|int4 int8 int32 > int8",
    "int32 int8|int4 int16 int32|int64 > int16",
    "int32 uint8 uint8 int32 > uint8",
    "int32 float32 float32 float32 > float32",
)

_ARITHMETIC = (rules.quantized, rules.per_tensor)
_MOVING = (rules.per_tensor,)
_SIGMOID = (*_ARITHMETIC, rules.output_quantization(1 / 256, -128))
_TANH = (*_ARITHMETIC, rules.output_quantization(1 / 128, 0))
_LOG_SOFTMAX = (*_ARITHMETIC, rules.output_quantization(1 / 16, 127))

_ROWS = (
    # Operators with weights.
    Op("CONV_2D", "Conv2DOptions", 3, "input filter bias?", _WEIGHTED,
       shapes.convolution, _weighted(axis=0), _convolution_macs),
    Op("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", 3, "input filter bias?", _WEIGHTED,
       shapes.depthwise, _weighted(axis=3), _depthwise_macs),
    Op("FULLY_CONNECTED", "FullyConnectedOptions", 4, "input filter bias?", _WEIGHTED,
       shapes.fully_connected, (*_weighted(axis=0), rules.plain_weights), _fully_connected_macs),
    Op("TRANSPOSE_CONV", "TransposeConvOptions", 3, "output_shape filter input bias?", _TRANSPOSED,
       spatial_shapes.transposed_convolution, _weighted(axis=0), _transposed_macs),
    Op("BATCH_MATMUL", "BatchMatMulOptions", 2, "input input2", _PAIRS,
       indexed_shapes.matrix_product, _ARITHMETIC, _product_macs),
    # Windows and reductions.
    Op("AVERAGE_POOL_2D", "Pool2DOptions", 2, "input", _POINTWISE, shapes.pool, _ARITHMETIC),
    Op("MAX_POOL_2D", "Pool2DOptions", 2, "input", _POINTWISE, shapes.pool, _ARITHMETIC),
    *(Op(name, "ReducerOptions", 2, "input axis", _REDUCED, shapes.reduced, _ARITHMETIC)
      for name in ("MEAN", "SUM")),
    *(Op(name, "ReducerOptions", 2, "input axis", _REDUCED, shapes.reduced,
         (*_ARITHMETIC, rules.alike))
      for name in ("REDUCE_MAX", "REDUCE_MIN")),
    Op("REDUCE_ALL", "ReducerOptions", 1, "input axis", ("bool int32 > bool",), shapes.reduced),
    *(Op(name, f"{options}Options", 2, "input axis", (f"any {_INDEX} > {_INDEX}",),
         indexed_shapes.without_axis, _MOVING)
      for name, options in (("ARG_MAX", "ArgMax"), ("ARG_MIN", "ArgMin"))),
    Op("CUMSUM", "CumsumOptions", 1, "input axis", _REDUCED,
       indexed_shapes.accumulated, _ARITHMETIC),
    Op("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions", 3, "input size",
       ("T int32 > T",), spatial_shapes.resized, (*_MOVING, rules.alike)),
    Op("RESIZE_BILINEAR", "ResizeBilinearOptions", 3, "input size", _REDUCED,
       spatial_shapes.resized, (*_ARITHMETIC, rules.alike)),
    # Two tensors, element by element.
    *(Op(name, options, _version(name), "input input2", _PAIRS, shapes.broadcast, _ARITHMETIC)
      for name, options in (
          ("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"),
          ("DIV", "DivOptions"), ("MAXIMUM", "MaximumMinimumOptions"),
          ("MINIMUM", "MaximumMinimumOptions"),
          ("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"), ("PRELU", None),
          ("FLOOR_DIV", "FloorDivOptions"), ("FLOOR_MOD", "FloorModOptions"))),
    *(Op(name, f"{options}Options", 2, "input input2", _COMPARED, shapes.broadcast, _ARITHMETIC)
      for name, options in (
          ("EQUAL", "Equal"), ("NOT_EQUAL", "NotEqual"), ("LESS", "Less"),
          ("LESS_EQUAL", "LessEqual"), ("GREATER", "Greater"),
          ("GREATER_EQUAL", "GreaterEqual"))),
    *(Op(name, f"{options}Options", 1, "input input2", ("bool bool > bool",), shapes.broadcast)
      for name, options in (("LOGICAL_AND", "LogicalAnd"), ("LOGICAL_OR", "LogicalOr"))),
    # Three tensors, or many.
    *(Op(name, f"{options}Options", 1, "condition input input2", ("bool T T > T",), shape,
         _MOVING)
      for name, options, shape in (
          ("SELECT", "Select", indexed_shapes.chosen_alike),
          ("SELECT_V2", "SelectV2", indexed_shapes.chosen))),
    Op("ADD_N", "AddNOptions", 1, "values*", ("int8 > int8", "int32 > int32",
       "float32 > float32"), indexed_shapes.alike, _ARITHMETIC),
    # One tensor, element by element.
    *(Op(name, options, _version(name), "input", _POINTWISE, shapes.same, _ARITHMETIC)
      for name, options in (
          ("RELU", None), ("RELU6", None), ("RELU_N1_TO_1", None), ("RELU_0_TO_1", None),
          ("LEAKY_RELU", "LeakyReluOptions"), ("ELU", None), ("HARD_SWISH", "HardSwishOptions"),
          ("GELU", "GeluOptions"), ("ABS", "AbsOptions"), ("NEG", "NegOptions"),
          ("SQUARE", "SquareOptions"), ("SQRT", None), ("RSQRT", None), ("EXP", "ExpOptions"),
          ("LOG", None), ("SIN", None), ("COS", "CosOptions"), ("FLOOR", None), ("CEIL", None),
          ("ROUND", None))),
    Op("LOGICAL_NOT", "LogicalNotOptions", 1, "input", ("bool > bool",), shapes.same),
    Op("LOGISTIC", None, 2, "input", _POINTWISE, shapes.same, _SIGMOID),
    Op("TANH", None, 2, "input", _POINTWISE, shapes.same, _TANH),
    Op("LOG_SOFTMAX", "LogSoftmaxOptions", 2, "input", _POINTWISE, shapes.same, _LOG_SOFTMAX),
    Op("L2_NORMALIZATION", "L2NormOptions", 2, "input", _POINTWISE, shapes.same,
       (*_TANH, rules.no_activation)),
    Op("SOFTMAX", "SoftmaxOptions", 2, "input", (*_POINTWISE, "int8 > int16"),
       shapes.same, _SIGMOID),
    # Between dtypes.
    Op("QUANTIZE", "QuantizeOptions", 2, "input", (_QUANTIZE,), shapes.same, _ARITHMETIC),
    Op("DEQUANTIZE", "DequantizeOptions", 2, "input",
       ("int8|uint8|int16|int4|float16 > float32",), shapes.same, (rules.quantized,)),
    Op("CAST", "CastOptions", 1, "input", ("any > any",), shapes.same, _MOVING),
    # Moving elements.
    Op("CONCATENATION", "ConcatenationOptions", 2, "values*", ("T > T",),
       shapes.concatenation, (*_MOVING, rules.no_activation)),
    Op("PAD", "PadOptions", 2, "input paddings", (f"T {_INDEX} > T",), shapes.padded, _MOVING),
    Op("PADV2", "PadV2Options", 2, "input paddings value", (f"T {_INDEX} T > T",),
       shapes.padded, (*_MOVING, rules.pad_value_single)),
    Op("RESHAPE", "ReshapeOptions", 1, "input shape?", ("T int32 > T",),
       shapes.reshaped, _MOVING),
    Op("SQUEEZE", "SqueezeOptions", 1, "input", ("T > T",), shapes.squeezed, _MOVING),
    Op("EXPAND_DIMS", "ExpandDimsOptions", 1, "input axis", (f"T {_INDEX} > T",),
       shapes.expanded, _MOVING),
    Op("TRANSPOSE", "TransposeOptions", 2, "input perm", ("T int32 > T",),
       shapes.transposed, _MOVING),
    Op("STRIDED_SLICE", "StridedSliceOptions", 2, "input begin end strides",
       ("T int32 int32 int32 > T",), shapes.strided_slice, _MOVING),
    Op("SLICE", "SliceOptions", 2, "input begin size", (f"T {_INDEX} {_INDEX} > T",),
       shapes.sliced, _MOVING),
    Op("PACK", "PackOptions", 2, "values*", ("T > T",), shapes.packed, _MOVING),
    Op("UNPACK", "UnpackOptions", 2, "input", ("T > T",), shapes.unpacked, _MOVING, many=True),
    Op("SPLIT", "SplitOptions", 2, "axis input", ("int32 T > T",),
       shapes.split, _MOVING, many=True),
    Op("SPLIT_V", "SplitVOptions", 2, "input sizes axis", (f"T {_INDEX} int32 > T",),
       indexed_shapes.split_at, _MOVING, many=True),
    Op("GATHER", "GatherOptions", 2, "input indices", (f"T {_INDEX}|int16 > T",),
       indexed_shapes.gathered, _MOVING),
    Op("GATHER_ND", "GatherNdOptions", 2, "input indices", (f"T {_INDEX}|int16 > T",),
       indexed_shapes.gathered_slices, _MOVING),
    Op("DEPTH_TO_SPACE", "DepthToSpaceOptions", 1, "input", ("T > T",),
       spatial_shapes.space_of_depth, _MOVING),
    Op("SPACE_TO_DEPTH", "SpaceToDepthOptions", 2, "input", ("T > T",),
       spatial_shapes.depth_of_space, _MOVING),
    Op("SPACE_TO_BATCH_ND", "SpaceToBatchNDOptions", 2, "input block paddings",
       ("T int32 int32 > T",), spatial_shapes.batches_of_space, _MOVING),
    Op("BATCH_TO_SPACE_ND", "BatchToSpaceNDOptions", 2, "input block crops",
       ("T int32 int32 > T",), spatial_shapes.space_of_batches, _MOVING),
    Op("MIRROR_PAD", "MirrorPadOptions", 2, "input paddings", (f"T {_INDEX} > T",),
       indexed_shapes.mirrored, _MOVING),
    Op("REVERSE_V2", "ReverseV2Options", 2, "input axis", ("T int32 > T",),
       indexed_shapes.reversed_axes, _MOVING),
    Op("BROADCAST_TO", "BroadcastToOptions", 2, "input shape", (f"T {_INDEX} > T",),
       indexed_shapes.repeated, _MOVING),
    Op("FILL", "FillOptions", 2, "shape value", (f"{_INDEX} T > T",),
       indexed_shapes.filled, _MOVING),
    Op("ZEROS_LIKE", "ZerosLikeOptions", 1, "input", ("T > T",), shapes.same, _MOVING),
    Op("SHAPE", "ShapeOptions", 1, "input", (f"any > {_INDEX}",), shapes.shape_of),
    # With state.
    Op("UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions", 3,
       recurrent.LSTM_INPUTS, ("any > any",), recurrent.sequence_shape, (),
       recurrent.sequence_macs),
    Op("SVDF", "SVDFOptions", 3, "input filter time_filter bias? activation_state",
       ("any > any",), recurrent.filter_shape, (), recurrent.filter_macs),
    Op("VAR_HANDLE", "VarHandleOptions", 1, "", (" > resource",), recurrent.as_declared),
    Op("READ_VARIABLE", "ReadVariableOptions", 1, "variable", ("resource > any", "T > T"),
       recurrent.as_declared),
    Op("ASSIGN_VARIABLE", "AssignVariableOptions", 1, "variable value?",
       ("resource any > any", "T > T"), recurrent.as_declared, silent=True),
    Op("CALL_ONCE", "CallOnceOptions", 1, "", (" > any",), recurrent.as_declared, silent=True),
    # Internal.
    Op("BYTE_TABLE", None, 1, "input table", ("int8|uint8 int8|uint8 > int8|uint8",),
       shapes.same, (rules.table_of_bytes,)),
    *(Op(name, None, 1, "input input2 table", ("int8 int8 int8 > int8",), shapes.broadcast,
         (*_ARITHMETIC, rules.table_of_bytes))
      for name in TABLED),
)
# fmt: on

# Operators that the compiler's passes make, and no file can hold.
INTERNAL = frozenset({"BYTE_TABLE", *TABLED})

OPS: dict[str, Op] = {row.name: row for row in _ROWS}
