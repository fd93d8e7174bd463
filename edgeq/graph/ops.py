"""The op table: one row for each operator that edgeq knows."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.graph.ir import Graph, Node
from edgeq.graph.place import Place


@dataclass(frozen=True, slots=True)
class Op:
    """What edgeq knows of an operator: its options table in the schema, its version for int8."""

    name: str
    options: str | None
    version: int = 1


_ROWS = (
    Op("CONV_2D", "Conv2DOptions", 3),
    Op("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", 3),
    Op("FULLY_CONNECTED", "FullyConnectedOptions", 4),
    Op("AVERAGE_POOL_2D", "Pool2DOptions", 2),
    Op("MAX_POOL_2D", "Pool2DOptions", 2),
    Op("ADD", "AddOptions", 2),
    Op("SUB", "SubOptions", 2),
    Op("MUL", "MulOptions", 2),
    Op("CONCATENATION", "ConcatenationOptions", 2),
    Op("PAD", "PadOptions", 2),
    Op("PADV2", "PadV2Options", 2),
    Op("MEAN", "ReducerOptions", 2),
    Op("SOFTMAX", "SoftmaxOptions", 2),
    Op("LOGISTIC", None, 2),
    Op("TANH", None, 2),
    Op("RELU", None, 2),
    Op("RELU6", None, 2),
    Op("RELU_N1_TO_1", None, 1),
    Op("LEAKY_RELU", "LeakyReluOptions", 2),
    Op("RESHAPE", "ReshapeOptions", 1),
    Op("SQUEEZE", "SqueezeOptions", 1),
    Op("EXPAND_DIMS", "ExpandDimsOptions", 1),
    Op("QUANTIZE", "QuantizeOptions", 2),
    Op("DEQUANTIZE", "DequantizeOptions", 2),
    Op("STRIDED_SLICE", "StridedSliceOptions", 2),
    Op("TRANSPOSE", "TransposeOptions", 2),
)

OPS: dict[str, Op] = {row.name: row for row in _ROWS}


def check(graph: Graph, node: Node, place: Place | None = None) -> None:
    """Check `node` against its row."""


def macs(graph: Graph, node: Node) -> int:
    """Return the multiply-accumulates of `node`."""
    return 0
