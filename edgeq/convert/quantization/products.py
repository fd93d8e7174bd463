"""Operators with weights as matrix products: what recovery computes with.

Every convolution, depthwise convolution and dense layer is, group by group, rows (P, K) of input
values times a matrix (M, K) of weights. Rows and matrices have a leading axis of groups: a plain
convolution or a dense layer is one group, a depthwise convolution one for each input channel.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.draft import Draft, QuantizedWeights
from edgeq.graph.ir import Graph, Node, Tensor, frozen
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.windows import Windows

Floats = NDArray[np.float32]

# Operators taken here, and the axis of the output channels in their weights.
CHANNEL_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """One operator with weights, seen as a product.

    Attributes:
        node: index of the operator.
        name: of the Keras layer, or of the output tensor where there is none.
        input, weights, bias, output: tensors; bias is -1 where there is none.
        activation: the fused one.
        groups: number of groups G; every group has `channels` // G outputs.
        channels: output channels.
        windows: how it slides over NHWC; None for a dense layer.
        taps: rows and columns of the filter; (1, 1) for a dense layer.
        length: of a row: K.
    """

    node: int
    op: str
    name: str
    input: int
    weights: int
    bias: int
    output: int
    activation: str
    groups: int
    channels: int
    windows: Windows | None
    taps: tuple[int, int]
    length: int

    @property
    def axis(self) -> int:
        """The axis of the output channels in the weights."""
        return CHANNEL_AXES[self.op]

    def matrix(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Return weights of the operator's layout as (G, M, K); K runs over taps, then inputs."""
        if self.op == "DEPTHWISE_CONV_2D":
            taps = weights.reshape(math.prod(self.taps), self.groups, -1)
            return np.ascontiguousarray(taps.transpose(1, 2, 0))
        return weights.reshape(self.groups, self.channels // self.groups, -1)

    def layout(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """Return (G, M, K) in the layout of the operator's weights: the inverse of `matrix`."""
        if self.op == "DEPTHWISE_CONV_2D":
            taps = matrix.transpose(2, 0, 1)
            return np.ascontiguousarray(taps.reshape(1, *self.taps, self.channels))
        if self.op == "FULLY_CONNECTED":
            return matrix.reshape(self.channels, -1)
        return matrix.reshape(self.channels, *self.taps, -1)

    def positions(self, x: Floats) -> int:
        """Return how many rows input x (N, ...) gives."""
        if self.windows is None:
            return x.size // self.length
        return len(x) * self.windows.rows.count * self.windows.columns.count

    def rows(self, x: Floats, chosen: NDArray[np.int64] | None = None) -> Floats:
        """Return the rows (G, P, K) of input x (N, ...): all in order, or those `chosen` (P,)."""
        if self.windows is None:
            flat = x.reshape(1, -1, self.length)
            return flat if chosen is None else flat[:, chosen]
        places = np.arange(self.positions(x)) if chosen is None else chosen
        taps = _gather(self.windows, x, places)
        count, size, depth = taps.shape
        grouped = taps.reshape(count, size, self.groups, depth // self.groups)
        rows = grouped.transpose(2, 0, 1, 3).reshape(self.groups, count, -1)
        return np.ascontiguousarray(rows, np.float32)


def products_of(draft: Draft, layers: str = ".*") -> tuple[Product, ...]:
    """Return the operators with constant float weights of their own, in order.

    Args:
        layers: a regular expression that the whole name of the layer must match.
    """
    graph = draft.graph
    readers = Counter(i for node in graph.nodes for i in set(node.inputs))
    found = (
        product_of(graph, node, draft.layers.get(node.index, ""))
        for node in graph.nodes
        if node.op in CHANNEL_AXES
        and graph.tensor(node.inputs[1]).is_constant
        and graph.tensor(node.inputs[1]).dtype == "float32"
        and readers[node.inputs[1]] == 1
    )
    return tuple(product for product in found if re.fullmatch(layers, product.name))


def product_of(graph: Graph, node: Node, name: str = "") -> Product:
    """Return `node`, whose operator is in `CHANNEL_AXES`, as a product."""
    call, dense = call_of(graph, node), node.op == "FULLY_CONNECTED"
    shape = graph.tensor(node.inputs[1]).shape
    taps = (1, 1) if dense else (shape[1], shape[2])
    depth = graph.tensor(node.inputs[0]).shape[-1]
    depthwise = node.op == "DEPTHWISE_CONV_2D"
    groups = 1 if dense else depth if depthwise else depth // shape[3]
    return Product(
        node=node.index,
        op=node.op,
        name=name or graph.tensor(node.outputs[0]).name,
        input=node.inputs[0],
        weights=node.inputs[1],
        bias=node.inputs[2] if len(node.inputs) > 2 else -1,
        output=node.outputs[0],
        activation=str(node.options.get("fused_activation_function", "NONE")),
        groups=groups,
        channels=shape[CHANNEL_AXES[node.op]],
        windows=None if dense else Windows.of(call, *taps),
        taps=taps,
        length=math.prod(shape) // shape[CHANNEL_AXES[node.op]],
    )


def float_weights(draft: Draft, product: Product) -> Floats:
    """Return the float weights as (G, M, K)."""
    data = draft.graph.tensor(product.weights).data
    assert data is not None
    return np.asarray(product.matrix(data), np.float32)


def float_bias(draft: Draft, product: Product) -> Floats:
    """Return the bias (channels,) as the draft has it now; zeros where there is none."""
    if product.bias in draft.biases:
        return draft.biases[product.bias]
    data = draft.graph.tensor(product.bias).data if product.bias >= 0 else None
    return np.zeros(product.channels, np.float32) if data is None else data


def give_biases(draft: Draft, nodes: Sequence[int]) -> Draft:
    """Return the draft with a bias of its own for each operator of `nodes`, zeros where new."""
    graph = draft.graph
    readers = Counter(i for node in graph.nodes for i in node.inputs)
    tensors, changed, biases = list(graph.tensors), list(graph.nodes), dict(draft.biases)
    for product in products_of(draft):
        if product.node not in nodes or (product.bias >= 0 and readers[product.bias] == 1):
            continue
        made, place = len(tensors), [n.index for n in changed].index(product.node)
        data = frozen(np.array(float_bias(draft, product), np.float32))
        biases |= {made: data} if product.bias in biases else {}
        name = f"{graph.tensor(product.output).name}/bias"
        tensors.append(Tensor(made, name, data.shape, "float32", None, data))
        inputs = (*changed[place].inputs[:2], made)
        changed[place] = replace(changed[place], inputs=inputs)
    if len(tensors) == len(graph.tensors):
        return draft
    graph = replace(graph, tensors=tuple(tensors), nodes=tuple(changed))
    return replace(draft, graph=graph, biases=biases)


def row_scales(product: Product, fixed: QuantizedWeights) -> Floats:
    """Return the scales of `fixed` as (G, M, 1), or (1, 1, 1) per tensor."""
    if fixed.scales.size == 1:
        return fixed.scales.reshape(1, 1, 1)
    return fixed.scales.reshape(product.groups, -1, 1)


def dequantized(product: Product, fixed: QuantizedWeights) -> Floats:
    """Return what `fixed` stands for, as (G, M, K)."""
    return product.matrix(fixed.values).astype(np.float32) * row_scales(product, fixed)


def packed(product: Product, integers: NDArray[Any], scales: Floats) -> QuantizedWeights:
    """Return integers (G, M, K) with scales (G, M, 1) or (1, 1, 1) for the draft."""
    values = product.layout(np.asarray(integers).astype(np.int8))
    flat = np.ascontiguousarray(scales, np.float32).reshape(-1)
    return QuantizedWeights(values, flat, product.axis if flat.size > 1 else 0)


def multiply(rows: Floats, matrix: Floats) -> Floats:
    """Return rows (G, P, K) times matrix (G, M, K) as (P, G * M): the order of the channels."""
    result = rows @ matrix.transpose(0, 2, 1)
    return np.ascontiguousarray(result.transpose(1, 0, 2).reshape(rows.shape[1], -1))


def _gather(windows: Windows, x: Floats, places: NDArray[np.int64]) -> Floats:
    """Return the taps (P, taps, C) of x (N, H, W, C) at `places` in the order of the output."""
    lines, columns = windows.rows, windows.columns
    sample, place = np.divmod(places, lines.count * columns.count)
    line, column = np.divmod(place, columns.count)
    tap_line, tap_column = np.divmod(np.arange(lines.size * columns.size), columns.size)
    y = line[:, None] * lines.stride + tap_line * lines.dilation
    z = column[:, None] * columns.stride + tap_column * columns.dilation
    return np.asarray(windows.pad(x, 0.0)[sample[:, None], y, z])
