"""DEPTHWISE_CONV_2D, two rows of outputs to a register: kernels/small/eq_paired_depthwise.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import channel_multipliers, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, Overlap, constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.small.paired import lanes_hold, suits
from edgeq.compile.lower.small.scaling import finishing
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of


def channel_columns(graph: Graph, node: Node) -> NDArray[np.int8]:
    """Return the weights as [outputs, taps], the columns of the kernel one after the other."""
    weights = weight_values(graph, node)[0]
    columns: NDArray[np.int8] = weights.transpose(2, 1, 0).reshape(weights.shape[2], -1)
    return columns


def is_paired_depthwise(graph: Graph, node: Node, target: Target) -> bool:
    """Tell whether the kernel is 3x3 over single channels, with weights that the lanes hold."""
    window = node_window(graph, node)
    taps = np.pad(channel_columns(graph, node), ((0, 0), (0, 1)))
    return (
        suits(target)
        and window.kernel == (3, 3)
        and window.dilation == (1, 1)
        and window.stride in ((1, 1), (2, 2))
        and window.input[3] == window.output[3]
        and lanes_hold(taps)
    )


def scratch_bytes(window: Window) -> int:
    """Return what the kernel takes: the columns that it sees and a pair of rows of sums."""
    width = window.output[2]
    columns = max((width - 1) * window.stride[1] + 3, window.pad[1] + window.input[2])
    return 12 * columns + 16 * ((width + 1) // 2)


def lower_paired_depthwise(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower a 3x3 DEPTHWISE_CONV_2D."""
    window = node_window(graph, node)
    rows = channel_columns(graph, node)
    finish, arrays = finishing(graph, node, rows, channel_multipliers(graph, node))
    array = constant("weights", rows, np.int8)
    fields = {
        "window": window.fields,
        "made": window.output[3],
        "in_zero": zero_point_of(graph.tensor(node.inputs[0])),
        "weights": array.ref,
        **finish,
    }
    operands = (SCRATCH, node.inputs[0], node.outputs[0])
    call = Call("eq_paired_depthwise", "eq_paired_depthwise", fields, operands)
    in_place = window.output[2] <= window.input[2] and window.input[0] == 1
    return Layer(
        (call,),
        ("eq_paired_depthwise",),
        (array, *arrays),
        window.describe(),
        hot=True,
        scratch=scratch_bytes(window),
        overlaps=(Overlap(node.inputs[0], exact=True),) if in_place else (),
    )
