"""The interpreter: runs a graph operator by operator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.core.errors import UsageError
from edgeq.graph import ops
from edgeq.graph.calls import Call
from edgeq.graph.ir import DTYPES, Graph, Node
from edgeq.graph.oracle import (
    comparisons,
    curves16,
    elementwise,
    movement,
    normalization,
    rearrangement,
    recurrent,
    reductions,
    resizing,
    tables,
    weighted,
    windows,
)
from edgeq.graph.oracle.requantization import Run
from edgeq.graph.place import Place
from edgeq.graph.resources import resolve_variables
from edgeq.graph.tabled import TABLED, without_table
from edgeq.graph.variables import initial_values

Array = NDArray[Any]
Prepare = Callable[[Call], Run]

# Operators that compute on int8.
_ARITHMETIC: dict[str, Prepare] = {
    "CONV_2D": weighted.convolution,
    "DEPTHWISE_CONV_2D": weighted.depthwise,
    "FULLY_CONNECTED": weighted.fully_connected,
    "TRANSPOSE_CONV": weighted.transposed_convolution,
    "BATCH_MATMUL": weighted.batch_matmul,
    "AVERAGE_POOL_2D": windows.average_pool,
    "MAX_POOL_2D": windows.max_pool,
    "MEAN": reductions.mean,
    "SUM": reductions.total,
    "REDUCE_MAX": reductions.extreme(np.max),
    "REDUCE_MIN": reductions.extreme(np.min),
    "SOFTMAX": reductions.softmax,
    "LOG_SOFTMAX": normalization.log_softmax,
    "L2_NORMALIZATION": normalization.l2_normalize,
    "RESIZE_BILINEAR": resizing.resize_bilinear,
    "CUMSUM": elementwise.accumulate,
    "ADD": elementwise.add,
    "ADD_N": elementwise.add_many,
    "SUB": elementwise.subtract,
    "MUL": elementwise.multiply,
    "DIV": elementwise.divide,
    "SQUARED_DIFFERENCE": elementwise.squared_difference,
    "PRELU": elementwise.prelu,
    "MAXIMUM": elementwise.extreme(np.maximum),
    "MINIMUM": elementwise.extreme(np.minimum),
    "LOGISTIC": elementwise.unary(tables.logistic_table),
    "TANH": elementwise.unary(tables.tanh_table),
    "HARD_SWISH": elementwise.unary(tables.hard_swish_table),
    "ELU": elementwise.unary(tables.elu_table),
    "ABS": elementwise.unary(tables.abs_table),
    "RSQRT": elementwise.unary(tables.rsqrt_table),
    "RELU": elementwise.relu(0.0, math.inf),
    "RELU6": elementwise.relu(0.0, 6.0),
    "RELU_N1_TO_1": elementwise.relu(-1.0, 1.0),
    "RELU_0_TO_1": elementwise.relu(0.0, 1.0),
    "LEAKY_RELU": elementwise.leaky_relu,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": recurrent.lstm,
    "SVDF": recurrent.svdf,
}

# Operators that go between dtypes, or take any.
_GENERAL: dict[str, Prepare] = {
    "QUANTIZE": elementwise.quantize,
    "DEQUANTIZE": elementwise.dequantize,
    "BYTE_TABLE": elementwise.byte_table,
    "CONCATENATION": movement.concatenate,
    "PAD": movement.pad,
    "PADV2": movement.pad,
    "RESHAPE": movement.reshape,
    "SQUEEZE": movement.reshape,
    "EXPAND_DIMS": movement.reshape,
    "TRANSPOSE": movement.transpose,
    "STRIDED_SLICE": movement.strided_slice,
    "SLICE": movement.slice_out,
    "PACK": movement.pack,
    "UNPACK": movement.unpack,
    "SPLIT": movement.split,
    "SPLIT_V": rearrangement.split_at,
    "GATHER": rearrangement.gather,
    "GATHER_ND": rearrangement.gather_nd,
    "DEPTH_TO_SPACE": rearrangement.space_of_depth,
    "SPACE_TO_DEPTH": rearrangement.depth_of_space,
    "SPACE_TO_BATCH_ND": rearrangement.batches_of_space,
    "BATCH_TO_SPACE_ND": rearrangement.space_of_batches,
    "MIRROR_PAD": rearrangement.mirror_pad,
    "REVERSE_V2": rearrangement.reverse,
    "BROADCAST_TO": rearrangement.broadcast_to,
    "FILL": rearrangement.fill,
    "ZEROS_LIKE": rearrangement.zeros_like,
    "RESIZE_NEAREST_NEIGHBOR": resizing.resize_nearest,
    "SHAPE": movement.shape_of,
    "ARG_MAX": reductions.arg_extreme(np.argmax),
    "ARG_MIN": reductions.arg_extreme(np.argmin),
    "REDUCE_ALL": reductions.extreme(np.min),
    "EQUAL": comparisons.comparison(np.equal),
    "NOT_EQUAL": comparisons.comparison(np.not_equal),
    "LESS": comparisons.comparison(np.less),
    "LESS_EQUAL": comparisons.comparison(np.less_equal),
    "GREATER": comparisons.comparison(np.greater),
    "GREATER_EQUAL": comparisons.comparison(np.greater_equal),
    "LOGICAL_AND": comparisons.logical(np.logical_and),
    "LOGICAL_OR": comparisons.logical(np.logical_or),
    "LOGICAL_NOT": comparisons.logical(np.logical_not),
    "SELECT": comparisons.select,
    "SELECT_V2": comparisons.select,
    "CAST": comparisons.cast,
    "READ_VARIABLE": movement.duplicate,
    "ASSIGN_VARIABLE": movement.duplicate,
}

# Of the first ones, those that compute on int16 too.
_INT16 = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SUB", "MUL",
     "AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN", "SUM", "SOFTMAX", "LOGISTIC", "TANH",
     "TRANSPOSE_CONV", "BATCH_MATMUL", "MAXIMUM", "MINIMUM", "RELU", "RELU6", "LEAKY_RELU"}
)  # fmt: skip

# What goes another way on int16.
_CURVES: dict[str, Prepare] = {
    "SOFTMAX": curves16.softmax,
    "LOGISTIC": curves16.logistic,
    "TANH": curves16.tanh,
}

_HINT = "compare with another oracle, or convert the model to int8 with the supported operators"


@dataclass(frozen=True, slots=True)
class OracleRun:
    """What one inference gave.

    Attributes:
        outputs: the model's outputs in their order.
        tensors: tensor index -> value of every input and computed tensor; empty unless kept.
    """

    outputs: tuple[Array, ...]
    tensors: Mapping[int, Array] = field(default_factory=dict)


class Oracle:
    """An int8 graph, ready to run bit-exactly as TensorFlow Lite Micro does.

    A graph with variables keeps them from one run to the next; `reset` begins anew.

    Raises:
        InputError: an operator, its dtypes or its quantisation have no int8 semantics here; the
            cause names the operator and its index.
    """

    def __init__(self, graph: Graph) -> None:
        graph = resolved(graph)
        self.graph = graph
        self._constants = {t.index: t.data for t in graph.tensors if t.data is not None}
        self._steps = [(node, prepare(graph, node)) for node in graph.nodes]
        self.reset()

    def reset(self) -> None:
        """Give every variable the value that it has before the first run."""
        self._state = initial_values(self.graph)

    def run(self, inputs: Sequence[Array], *, keep: bool = False) -> OracleRun:
        """Run one inference.

        Args:
            inputs: one array for each model input, of its shape and dtype.
            keep: whether to return every computed tensor too.

        Raises:
            UsageError: the inputs do not fit the model's.
        """
        values: dict[int, Array] = self._constants | self._state
        values.update(zip(self.graph.inputs, self._checked(inputs), strict=True))
        for node, step in self._steps:
            given = step(*(values[i] if i >= 0 else None for i in node.inputs))
            results = given if isinstance(given, tuple) else (given,)
            values.update(zip(node.outputs, results, strict=True))
        outputs = tuple(values[i] for i in self.graph.outputs)
        self._state = {i: values[i] for i in self._state}
        kept = {i: values[i].copy() for i in self._state}
        computed = {i: v for i, v in (values | kept).items() if i not in self._constants}
        return OracleRun(outputs, computed if keep else {})

    def _checked(self, inputs: Sequence[Array]) -> Sequence[Array]:
        ports = [self.graph.tensor(i) for i in self.graph.inputs]
        given = [(tuple(np.shape(a)), np.asarray(a).dtype) for a in inputs]
        if given != [(port.shape, DTYPES[port.dtype]) for port in ports]:
            wanted = ", ".join(f"{p.dtype} {list(p.shape)}" for p in ports)
            found = ", ".join(f"{dtype} {list(shape)}" for shape, dtype in given)
            raise UsageError(
                f"the inputs are {found or 'none'} instead of {wanted}",
                hint="give one array for each model input",
            )
        return inputs


def resolved(graph: Graph) -> Graph:
    """Return the graph with variable tensors in the place of handles: see `resolve_variables`."""
    return resolve_variables(graph, prepare)


def prepare(graph: Graph, node: Node) -> Run:
    """Return what `node` does with arrays of its inputs.

    Raises:
        InputError: the operator, its dtypes or its quantisation have no int8 semantics here.
    """
    ops.check(graph, node)
    place = Place(graph.name).at("operators", node.index)
    place = Place(place.file, f"{place.path} ({node.op})")
    if node.op in TABLED:
        return _tabled(graph, node)
    known = _ARITHMETIC.get(node.op) or _GENERAL.get(node.op)
    if known is None:
        place.reject("the oracle does not know this operator", _HINT)
    call = ops.call_of(graph, node)
    data = call.get("input") or call.input(0)
    taken = ("int8", "int16") if node.op in _INT16 else ("int8",)
    if node.op in _ARITHMETIC and {data.dtype, call.output.dtype} not in [{t} for t in taken]:
        place.reject(f"{data.dtype} instead of {' or '.join(taken)}", _HINT)
    try:
        return _CURVES.get(node.op, known)(call) if data.dtype == "int16" else known(call)
    except ValueError as error:  # Unfit is one
        place.reject(str(error), _HINT)


def _tabled(graph: Graph, node: Node) -> Run:
    """An operator of two tensors, and what the table has for each byte that it gives."""
    run, table = prepare(*without_table(graph, node)), graph.tensor(node.inputs[2]).data
    assert table is not None
    return lambda a, b, *_: table[np.ascontiguousarray(run(a, b)).view(np.uint8)]
