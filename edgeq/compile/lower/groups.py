"""Operators with weights in one form: groups of input channels, windows, a row for each output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import channel_multipliers, weight_values, weighted_output
from edgeq.compile.layer import Constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.dense import dense_multipliers
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of

_LARGEST = (1 << 15) - 1  # of a size in struct eq_window


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """A CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED.

    Attributes:
        rows: the weights as [outputs, taps].
        multipliers: real multipliers, one for each output or a single one.
        depth: input channels that an output reads; the next `copies` outputs read the same.
    """

    window: Window
    rows: NDArray[np.int8]
    multipliers: list[float]
    depth: int
    copies: int

    @property
    def fields(self) -> dict[str, Any]:
        """How the kernels' structures begin."""
        return {"window": self.window.fields, "depth": self.depth, "copies": self.copies}


def group_node(graph: Graph, node: Node) -> Grouped:
    """Return a node with weights in the one form."""
    window, weights = weight_window(graph, node), weight_values(graph, node)
    multipliers = weight_multipliers(graph, node)
    inputs, outputs = window.input[3], window.output[3]
    if node.op == "DEPTHWISE_CONV_2D":
        rows = weights[0].reshape(-1, outputs).T
        return Grouped(window, rows, multipliers, 1, outputs // inputs)
    return Grouped(window, weights.reshape(outputs, -1), multipliers, inputs, outputs)


def weight_window(graph: Graph, node: Node) -> Window:
    """Return the window; of a FULLY_CONNECTED one tap, every row an image of one pixel."""
    if node.op != "FULLY_CONNECTED":
        return node_window(graph, node)
    outputs, depth = graph.tensor(node.inputs[1]).shape
    rows = graph.tensor(node.outputs[0]).elements // outputs
    one = (1, 1)
    return Window((rows, *one, depth), (rows, *one, outputs), one, one, one, same=False)


def weight_multipliers(graph: Graph, node: Node) -> list[float]:
    """Return the real multipliers of a node with weights."""
    dense = node.op == "FULLY_CONNECTED"
    return dense_multipliers(graph, node) if dense else channel_multipliers(graph, node)


def row_fields(
    graph: Graph, node: Node, group: Grouped
) -> tuple[Mapping[str, Any], tuple[Constant, ...]]:
    """Return the initialiser of `struct eq_rows` and its arrays."""
    output = weighted_output(graph, node, group.rows, group.multipliers)
    zero = zero_point_of(graph.tensor(node.inputs[0]))
    return {**group.fields, "in_zero": zero, "out": output.fields}, output.constants


def is_packed(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the filter is int4, after the passes too."""
    weights = graph.tensor(node.inputs[1])
    values = weight_values(graph, node)
    return (
        weights.dtype == "int4"
        and int(values.min(initial=0)) >= -8
        and int(values.max(initial=0)) <= 7
        and fits_window(graph, node)
    )


def fits_window(graph: Graph, node: Node) -> bool:
    """Return whether struct eq_window holds the window of a node with weights."""
    rows = graph.tensor(node.outputs[0]).elements // graph.tensor(node.outputs[0]).shape[-1]
    return node.op != "FULLY_CONNECTED" or rows <= _LARGEST
