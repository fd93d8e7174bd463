"""TRANSPOSE_CONV as a convolution with a channel for every place between two inputs.

With stride s, output s * q + r is made of the inputs q, q - 1, ... and of every s-th tap from tap
r on. For all q together that is a convolution, for each r one with a filter of its own, and for
all r together one with s * s times the channels, which DEPTH_TO_SPACE then lays side by side.
Where the outputs begin between two inputs, a SLICE cuts off what comes before them. With stride 1
nothing of that is left: the convolution has the same filter, turned round.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.passes.rewriting import Draft, Rewrite, constant, count_of
from edgeq.compile.passes.tables import keeps_rules
from edgeq.graph.ir import Graph, Node, Quantization, Tensor
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.weighted import transposed_padding
from edgeq.graph.shapes import EXPLICIT

# Filters are filled up with noughts: not more than these times as many products.
_MOST_WORK = 4
_MOST_CHANNELS = 32_767


def turn_transposed(graph: Graph) -> Rewrite:
    """Return the graph with transposed convolutions of stride 1 as convolutions."""
    return _rewrite(graph, lambda stride: stride == 1)


def expand_transposed(graph: Graph) -> Rewrite:
    """Return the graph with transposed convolutions of larger strides as convolutions."""
    return _rewrite(graph, lambda stride: stride > 1)


def _rewrite(graph: Graph, wanted: Callable[[int], bool]) -> Rewrite:
    draft, made = Draft(graph), 0
    for node in graph.nodes:
        plan = _plan(graph, node) if node.op == "TRANSPOSE_CONV" else None
        if plan is not None and wanted(plan[0]):
            _expand(draft, graph, node, plan)
            made += 1
    if not made:
        return Rewrite(graph)
    return Rewrite(draft.finish(), made, f"{count_of(made, 'transposed convolution')} as another")


@dataclass(frozen=True, slots=True)
class _Axis:
    """Height or width: the convolution's taps, outputs and padding, and what is cut off."""

    taps: int
    outputs: int
    pad: int
    cut: int

    @classmethod
    def of(cls, kernel: int, stride: int, size: int, pad: int) -> _Axis:
        taps, first = -(-kernel // stride), pad // stride
        outputs = (pad + size - 1) // stride - first + 1
        return cls(taps, outputs, taps - 1 - first, pad % stride)


def _plan(graph: Graph, node: Node) -> tuple[int, _Axis, _Axis] | None:
    """Return the stride and both axes, None where it is not possible or not worth it."""
    if not keeps_rules(graph, node):
        return None
    call = call_of(graph, node)
    strides = call.number("stride_h"), call.number("stride_w")
    stride, (_, *kernel, _) = strides[0], call.input(1).shape
    rows, columns = (
        _Axis.of(k, stride, size, pad)
        for k, size, pad in zip(
            kernel, call.output.shape[1:3], transposed_padding(call), strict=True
        )
    )
    work = (stride * stride * rows.taps * columns.taps) / math.prod(kernel)
    inside = all(
        0 <= axis.pad < axis.taps and axis.outputs - 1 - axis.pad < size
        for axis, size in zip((rows, columns), call.input(2).shape[1:3], strict=True)
    )
    channels = stride * stride * call.output.shape[3]
    worth = work <= _MOST_WORK and channels <= _MOST_CHANNELS
    if strides != (stride, stride) or not inside or not worth:
        return None
    return stride, rows, columns


def _expand(draft: Draft, graph: Graph, node: Node, plan: tuple[int, _Axis, _Axis]) -> None:
    stride, rows, columns = plan
    x, y = graph.tensor(node.inputs[2]), graph.tensor(node.outputs[0])
    batch, height, width, channels = y.shape
    phases = stride * stride
    middle = replace(y, shape=(batch, rows.outputs, columns.outputs, phases * channels))
    options = {
        "padding": EXPLICIT,
        "pad_top": rows.pad,
        "pad_left": columns.pad,
        "stride_h": 1,
        "stride_w": 1,
        "dilation_h_factor": 1,
        "dilation_w_factor": 1,
        "fused_activation_function": node.options.get("fused_activation_function", "NONE"),
    }
    inputs = [x.index, draft.add(_filters(graph.tensor(node.inputs[1]), plan))]
    if len(node.inputs) > 3 and node.inputs[3] >= 0:
        inputs.append(draft.add(_repeated(graph.tensor(node.inputs[3]), phases)))
    convolved = draft.add(middle) if stride > 1 else y.index
    draft.replace(node, op="CONV_2D", inputs=tuple(inputs), outputs=(convolved,), options=options)
    if stride == 1:
        return
    whole = (batch, rows.outputs * stride, columns.outputs * stride, channels)
    spread = y.index if whole == y.shape else draft.add(replace(y, shape=whole))
    laid = draft.append_node(node, "DEPTH_TO_SPACE", spread)
    draft.replace(laid, inputs=(convolved,), options={"block_size": stride})
    if spread != y.index:
        begin = constant("begin", np.array([0, rows.cut, columns.cut, 0]), "int32")
        size = constant("size", np.array([batch, height, width, channels]), "int32")
        cut = draft.append_node(laid, "SLICE", y.index)
        draft.replace(cut, inputs=(spread, draft.add(begin), draft.add(size)))


def _filters(weights: Tensor, plan: tuple[int, _Axis, _Axis]) -> Tensor:
    """Return the filters of every phase, their taps in the order of a convolution's."""
    stride, rows, columns = plan
    assert weights.data is not None
    channels, height, width, depth = weights.shape
    taps = np.zeros(
        (channels, rows.taps * stride, columns.taps * stride, depth), weights.data.dtype
    )
    taps[:, :height, :width] = weights.data
    split = taps.reshape(channels, rows.taps, stride, columns.taps, stride, depth)
    turned = split[:, ::-1, :, ::-1].transpose(2, 4, 0, 1, 3, 5)
    values = turned.reshape(stride * stride * channels, rows.taps, columns.taps, depth)
    return constant(weights.name, values, weights.dtype, _scales(weights, stride * stride))


def _repeated(bias: Tensor, times: int) -> Tensor:
    assert bias.data is not None
    values: NDArray[np.int32] = np.tile(bias.data.reshape(-1), times)
    return constant(bias.name, values, bias.dtype, _scales(bias, times))


def _scales(tensor: Tensor, times: int) -> Quantization | None:
    q = tensor.quantization
    if q is None or not q.per_channel:
        return q
    return Quantization(q.scales * times, q.zero_points * times, 0)
