"""What each kernel of TensorFlow Lite Micro asks of the arena in Init and Prepare.

Source: micro/kernels/*.cc and micro/kernels/cmsis_nn/*.cc of tensorflow/tflite-micro at 90b983c,
built for speed (KERNELS_OPTIMIZED_FOR_SPEED, the default). CMSIS-NN's rows stand beside the
reference kernels'; an operator that CMSIS-NN leaves alone has the reference row for both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from edgeq.compile.micro import cmsis_nn, structs
from edgeq.compile.micro.cmsis_nn import Simd, Window
from edgeq.graph.ir import Graph, Node, Tensor

Pool = Literal["persistent", "scratch"]


class Request(NamedTuple):
    """Bytes that a kernel asks for: until the end (`persistent`) or while it runs (`scratch`)."""

    pool: Pool
    bytes: int
    what: str


@dataclass(frozen=True, slots=True)
class Site:
    """A node of a graph, and the kernels that run it: CMSIS-NN's for `simd`, or reference."""

    graph: Graph
    node: Node
    simd: Simd | None

    def input(self, index: int) -> Tensor | None:
        """Return input `index`, None where it is absent."""
        given = index < len(self.node.inputs) and self.node.inputs[index] >= 0
        return self.graph.tensor(self.node.inputs[index]) if given else None

    def source(self, index: int) -> Tensor:
        """Return input `index`, which the operator cannot do without."""
        tensor = self.input(index)
        if tensor is None:
            raise ValueError(f"input {index} is absent")
        return tensor

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.graph.tensor(self.node.outputs[0])

    def pair(self, height: str, width: str) -> tuple[int, int]:
        """Return two options of one number each; 1 where the file leaves them out."""
        return int(self.option(height, 1)), int(self.option(width, 1))

    def option(self, name: str, default: int = 0) -> int:
        """Return option `name` as a number."""
        value = self.node.options.get(name, default)
        return int(value) if isinstance(value, int | float) else default


Requests = Iterator[Request]
Prepare = Callable[[Site], Requests]


def kernel_requests(site: Site) -> Requests | None:
    """Return what Prepare asks for, in its order; None for an operator without a row."""
    op = name_of(site.node)
    known = op in structs.PLAIN or op in structs.OP_DATA or op in PREPARE
    return PREPARE.get(op, _nothing)(site) if known else None


def init_bytes(site: Site) -> int:
    """Return the bytes of the OpData that Init allocates, 0 for none."""
    op = name_of(site.node)
    if op == ETHOS_U:
        return structs.ETHOS_U_DATA
    own = structs.OP_DATA.get(op, 0)
    return own if site.simd is None else structs.CMSIS_NN_OP_DATA.get(op, own)


def name_of(node: Node) -> str:
    """Return an operator's name, a custom one's own."""
    return str(node.options.get("custom_code", node.op)) if node.op == "CUSTOM" else node.op


ETHOS_U = "ethos-u"


def _nothing(site: Site) -> Requests:
    return iter(())


def _persistent(size: int, what: str) -> Request:
    return Request("persistent", size, what)


def _scratch(size: int, what: str) -> Request:
    return Request("scratch", size, what)


def _channel_tables(channels: int) -> Requests:
    yield _persistent(4 * channels, "multipliers of channels")
    yield _persistent(4 * channels, "shifts of channels")


def _unpacked(weights: Tensor) -> Requests:
    """Reference kernels unpack int4 weights while they run."""
    if weights.dtype == "int4":
        yield _scratch(weights.elements, "unpacked int4 weights")


def _needed(size: int, what: str) -> Requests:
    if size > 0:
        yield _scratch(size, what)


# --- convolutions ---------------------------------------------------------------------------------


def window_of(site: Site, *, depthwise: bool = False) -> Window:
    """Return the geometry of a convolution (padding: kernels/padding.h of TensorFlow Lite)."""
    data, weights, out = site.source(0).shape, site.source(1).shape, site.output.shape
    stride, dilation = (
        site.pair("stride_h", "stride_w"),
        site.pair("dilation_h_factor", "dilation_w_factor"),
    )
    before = [
        max((out[i] - 1) * stride[i - 1] + (weights[i] - 1) * dilation[i - 1] + 1 - data[i], 0) // 2
        for i in (1, 2)
    ]
    return Window(
        input=(data[1], data[2]),
        channels=data[3],
        filter=(weights[1], weights[2]),
        filter_channels=weights[3],
        output=(out[1], out[2]),
        outputs=weights[3] if depthwise else weights[0],
        stride=stride,
        dilation=dilation,
        padding=(before[0], before[1]),
        batches=data[0],
    )


def _convolution(site: Site) -> Requests:
    data, weights = site.source(0), site.source(1)
    if site.simd is None or data.dtype != "float32":
        yield from _channel_tables(weights.shape[0])
    if site.simd is None:
        yield from _unpacked(weights)
        return
    window, bias = window_of(site), site.input(2)
    if data.dtype == "int8":
        yield from _needed(cmsis_nn.convolution_s8(window, site.simd), "columns")
    elif data.dtype == "int16" and (bias is None or bias.dtype == "int64"):
        yield from _needed(cmsis_nn.convolution_s16(window, site.simd), "columns")


def _depthwise(site: Site) -> Requests:
    data, weights = site.source(0), site.source(1)
    if site.simd is None or data.dtype != "float32":
        yield from _channel_tables(weights.shape[3])
    if site.simd is None:
        yield from _unpacked(weights)
    elif data.dtype == "int8":
        size = cmsis_nn.depthwise_s4 if weights.dtype == "int4" else cmsis_nn.depthwise_s8
        yield from _needed(size(window_of(site, depthwise=True), site.simd), "columns")


def _transposed(site: Site) -> Requests:
    weights, data, out = site.source(1), site.source(2), site.output
    yield from _channel_tables(weights.shape[0])
    if data.dtype == "int8" and site.simd is None:
        yield _scratch(4 * out.elements, "accumulators")
    elif data.dtype == "int8" and site.simd is not None:
        window = Window(
            input=(data.shape[1], data.shape[2]),
            channels=data.shape[3],
            filter=(weights.shape[1], weights.shape[2]),
            filter_channels=weights.shape[3],
            output=(out.shape[1], out.shape[2]),
            outputs=weights.shape[0],
            stride=site.pair("stride_h", "stride_w"),
        )
        columns, reversed_filter = cmsis_nn.transpose_convolution_s8(window, site.simd)
        yield _scratch(columns, "columns")
        yield _scratch(reversed_filter, "reversed filter")
    elif data.dtype == "int16":
        yield _scratch(8 * out.elements, "accumulators")
        bias = site.input(3)
        if bias is not None and bias.dtype == "int16":
            yield _scratch(8 * bias.elements, "bias as int64")


# --- products ----------------------------------------------------------------------------------


def _fully_connected(site: Site) -> Requests:
    data, weights = site.source(0), site.source(1)
    if site.simd is None:
        yield from _unpacked(weights)
    per_channel = weights.quantization is not None and weights.quantization.per_channel
    if per_channel and data.dtype != "float32":
        yield from _channel_tables(weights.shape[0])
    if site.simd is not None and data.dtype == "int8" and weights.dtype != "int4":
        yield from _fully_connected_s8(site, site.simd, per_channel=per_channel)


def _fully_connected_s8(site: Site, simd: Simd, *, per_channel: bool) -> Requests:
    weights, bias, out = site.source(1), site.input(2), site.output.shape
    if len(out) > 2 and weights.shape[-1] % 4 == 0:  # runs as a 1x1 convolution
        if not per_channel:
            yield _scratch(8 * out[-1], "multipliers and shifts of channels")
        return
    sums = cmsis_nn.fully_connected_s8(out[-1], simd)
    if sums and weights.is_constant and (bias is None or bias.is_constant):
        yield _persistent(sums, "sums of rows of weights")
    else:
        yield from _needed(sums, "sums of rows of weights")


def _batch_matmul(site: Site) -> Requests:
    sides = (("adj_x", True, site.source(0)), ("adj_y", False, site.source(1)))
    quantized = site.source(0).dtype != "float32"
    table = _persistent(structs.BATCH_MATMUL_QUANTIZATION, "quantisation")
    if quantized and site.simd is None:
        yield table
    for option, transposes, tensor in sides:
        if bool(site.option(option)) is transposes:
            yield _persistent(structs.EVAL_TENSOR, "transposed operand")
            yield _persistent(structs.int_array(len(tensor.shape)), "transposed operand")
            yield _persistent(tensor.bytes, "transposed operand")
    yield from _copied_shape(site)
    if quantized and site.simd is not None:
        yield table
        if site.source(0).dtype == "int8":
            rank = max(len(site.source(0).shape), len(site.source(1).shape))
            # The library reads the last of four dimensions.
            sums = cmsis_nn.fully_connected_s8(site.output.shape[rank - 1], site.simd)
            yield from _needed(sums, "sums of rows")


# --- recurrent ---------------------------------------------------------------------------------

_SVDF_DATA, _SVDF_FEATURES, _SVDF_STATE = 0, 1, 4


def _svdf(site: Site) -> Requests:
    batches, filters = site.source(_SVDF_DATA).shape[0], site.source(_SVDF_FEATURES).shape[0]
    yield _scratch(4 * batches * filters, "state")
    if site.source(_SVDF_DATA).dtype == "int8":
        yield _scratch(4 * batches * site.output.shape[-1], "output")
        sums = cmsis_nn.svdf_s8(filters, site.simd) if site.simd is not None else 0
        if sums:
            yield _persistent(sums, "sums of rows of weights")


_LSTM_HIDDEN, _LSTM_CELL, _LSTM_GATES = 18, 19, 8


def _lstm(site: Site) -> Requests:
    hidden, cell = site.source(_LSTM_HIDDEN).shape, site.source(_LSTM_CELL)
    ported = site.simd is not None and cell.dtype == "int16"
    if ported:
        width = 8 if site.source(0).dtype == "int16" else 4
        for _ in range(_LSTM_GATES):
            yield _persistent(width * hidden[1], "sums of gates")
    for _ in range(3 if ported else 4):
        yield _scratch(math.prod(hidden[:2]) * cell.bytes // cell.elements, "gates")


# --- the rest ----------------------------------------------------------------------------------


def _average_pool(site: Site) -> Requests:
    if site.simd is not None and site.source(0).dtype in ("int8", "int16"):
        yield from _needed(cmsis_nn.average_pool(site.source(0).shape[3], site.simd), "sums")


def _softmax(site: Site) -> Requests:
    if site.source(0).dtype == "int16":
        yield _persistent(structs.SOFTMAX_TABLE, "table of exponentials")
        yield _persistent(structs.SOFTMAX_TABLE, "table of reciprocals")


def _mean_or_sum(site: Site) -> Requests:
    if site.source(0).dtype in ("int8", "int16"):
        yield _scratch(4 * site.output.elements, "sums")
    yield from _extremum(site)


def _extremum(site: Site) -> Requests:
    yield _scratch(4 * len(site.source(0).shape), "position")
    yield _scratch(4 * site.source(1).elements, "axes")


def _mirror_pad(site: Site) -> Requests:
    for what in ("output's strides", "input's strides"):
        yield _scratch(4 * len(site.source(0).shape), what)


def _add_n(site: Site) -> Requests:
    if site.output.dtype == "int8":
        yield _persistent(structs.ADD_N_DATA, "OpData")
    yield _scratch(structs.POINTER * len(site.node.inputs), "pointers")


def _int8_data(size: int) -> Prepare:
    def prepare(site: Site) -> Requests:
        if site.source(0).dtype == "int8":
            yield _persistent(size, "OpData")

    return prepare


def _copied_shape(site: Site) -> Requests:
    yield _persistent(structs.int_array(len(site.output.shape)), "shape of the output")


def _ethos_u(site: Site) -> Requests:
    bases = len(site.node.inputs) + len(site.node.outputs)
    yield _scratch(8 * bases, "base addresses")
    yield _scratch(4 * bases, "sizes of base addresses")


PREPARE: dict[str, Prepare] = {
    "ADD_N": _add_n,
    "AVERAGE_POOL_2D": _average_pool,
    "BATCH_MATMUL": _batch_matmul,
    "CONV_2D": _convolution,
    "CUMSUM": _int8_data(structs.CUMSUM_DATA),
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEPTH_TO_SPACE": _copied_shape,
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": _copied_shape,
    "GATHER_ND": _copied_shape,
    "L2_POOL_2D": _copied_shape,
    "LOG_SOFTMAX": _int8_data(structs.LOG_SOFTMAX_DATA),
    "MEAN": _mean_or_sum,
    "MIRROR_PAD": _mirror_pad,
    "REDUCE_ALL": _extremum,
    "REDUCE_MAX": _extremum,
    "REDUCE_MIN": _extremum,
    "SOFTMAX": _softmax,
    "SPACE_TO_DEPTH": _copied_shape,
    "SUM": _mean_or_sum,
    "SVDF": _svdf,
    "TRANSPOSE_CONV": _transposed,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
    ETHOS_U: _ethos_u,
}
