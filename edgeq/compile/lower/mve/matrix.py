"""FULLY_CONNECTED and CONV_2D: rows of bytes by a matrix of weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import channel_multipliers, shifts_right, weight_values
from edgeq.compile.layer import SCRATCH, Call, Constant, Layer, Overlap, constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.dense import dense_multipliers
from edgeq.compile.lower.mve.arithmetic import BYTES, LANES, quantize_factors, vector_output
from edgeq.compile.lower.mve.order import in_bytes, line_distance, line_scratch
from edgeq.compile.lower.variants import Variant
from edgeq.compile.memory.inplace import least_distance
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of

PAIR = 2  # rows that share each load of weights
_TILE_ORDER = (0, 2, 1, 3)
_SOURCES = ("eq_mve_conv", "eq_mve_lines", "eq_mve_matrix", "eq_mve_windows")
_WINDOW_BYTES, _MOST_WINDOWS = 640, 8


def scales_down(graph: Graph, node: Node, target: Target) -> bool:
    """Whether the target has Helium and all factors of the node are below a half."""
    return target.mve and shifts_right(_multipliers(graph, node))


def is_vector(graph: Graph, node: Node, target: Target) -> bool:
    """Whether a FULLY_CONNECTED has one row, and outputs for a vector."""
    output = graph.tensor(node.outputs[0])
    one = output.elements == output.shape[-1] >= LANES
    return one and scales_down(graph, node, target)


def is_pointwise(graph: Graph, node: Node, target: Target) -> bool:
    """Whether a CONV_2D is a product of matrices."""
    return is_product(node_window(graph, node)) and scales_down(graph, node, target)


def is_product(window: Window) -> bool:
    """Whether a convolution is a product of matrices."""
    return window.kernel == window.stride == (1, 1) and not window.is_padded


def lower_vector(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED of one row."""
    rows = weight_values(graph, node)
    outputs, depth = rows.shape
    output = vector_output(graph, node, rows, quantize_factors(_multipliers(graph, node)))
    array = constant("weights", rows, np.int8)
    fields = {"depth": depth, "outputs": outputs, "weights": array.ref, "out": output.fields}
    call = Call("eq_mve_dense", "eq_mve_dense", fields, (node.inputs[0], node.outputs[0]))
    return Layer((call,), ("eq_mve_dense",), (array, *output.constants), hot=True)


def lower_product(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED of several rows, or a 1x1 CONV_2D."""
    return product_layer(graph, node, *_matrix(graph, node))


def lower_conv(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower any CONV_2D: windows of some pixels are gathered, then multiplied like rows."""
    return conv_layer(graph, node, *_matrix(graph, node))


def product_layer(
    graph: Graph, node: Node, matrix: Mapping[str, Any], arrays: tuple[Constant, ...]
) -> Layer:
    """Return the layer of a product with `struct eq_mve_matrix`, of elements of any size."""
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    count = y.elements // matrix["outputs"]
    fields = {"rows": count, "matrix": matrix}
    return Layer(
        (Call("eq_mve_pointwise", "eq_mve_pointwise", fields, (x.index, y.index)),),
        _SOURCES,
        arrays,
        "1x1" if node.op == "CONV_2D" else "",
        hot=True,
        overlaps=over_product(graph, node, count, PAIR),
    )


def over_product(
    graph: Graph, node: Node, count: int, step: int, *, copied: bool = False
) -> tuple[Overlap, ...]:
    """Return the overlap of a product of `count` rows, of which `step` are under way at once.

    Args:
        copied: they are copied before any of their outputs is written.
    """
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    read, written = x.bytes // count, y.bytes // count
    starts = range(step if copied else 0, count, step)
    ends = [(r if copied else min(r + step, count)) * written for r in starts]
    return (Overlap(x.index, least_distance([r * read for r in starts], ends)),)


def conv_layer(
    graph: Graph, node: Node, matrix: Mapping[str, Any], arrays: tuple[Constant, ...]
) -> Layer:
    """Return the layer of any CONV_2D by `struct eq_mve_matrix`, of elements of any size."""
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    plain = node_window(graph, node)
    window = in_bytes(plain, x.bytes // x.elements)
    size = plain.kernel[0] * plain.kernel[1] * window.input[3]
    columns = int(np.clip(_WINDOW_BYTES // size // PAIR * PAIR, PAIR, _MOST_WINDOWS))
    fields = {
        "window": window.fields,
        "in_zero": zero_point_of(x),
        "columns": columns,
        "matrix": matrix,
    }
    return Layer(
        (Call("eq_mve_conv", "eq_mve_conv", fields, (x.index, y.index, SCRATCH)),),
        _SOURCES,
        arrays,
        window.describe(),
        hot=True,
        scratch=line_scratch(window) + columns * size + BYTES,
        overlaps=(Overlap(x.index, line_distance(window)),),
    )


def _matrix(graph: Graph, node: Node) -> tuple[Mapping[str, Any], tuple[Constant, ...]]:
    """Return the initialiser of `struct eq_mve_matrix` and its arrays."""
    weights = weight_values(graph, node)
    rows = weights.reshape(len(weights), -1)
    output = vector_output(graph, node, rows, quantize_factors(_multipliers(graph, node)))
    array = constant("weights", tile_weights(rows), np.int8)
    fields = {
        "depth": rows.shape[1],
        "outputs": len(rows),
        "made": len(rows),
        "weights": array.ref,
        "out": output.fields,
    }
    return fields, (array, *output.constants)


def tile_weights(rows: NDArray[np.int8], block: int = BYTES) -> NDArray[np.int8]:
    """Return [outputs][depth] as [tiles][2][blocks][2][`block`], see eq_mve_matrix.h."""
    outputs, depth = rows.shape
    padded = np.pad(rows, ((0, -outputs % LANES), (0, -depth % block)))
    tiles = padded.reshape(-1, LANES, padded.shape[1] // block, block)[:, _TILE_ORDER]
    return tiles.reshape(len(tiles), 2, 2, -1, block).swapaxes(2, 3)


def _multipliers(graph: Graph, node: Node) -> list[float]:
    return (
        dense_multipliers(graph, node)
        if node.op == "FULLY_CONNECTED"
        else channel_multipliers(graph, node)
    )


MATRIX_ROWS: dict[str, tuple[Variant, ...]] = {
    "FULLY_CONNECTED": (
        Variant("mve-dense", is_vector, lower_vector),
        Variant("mve-rows", scales_down, lower_product),
    ),
    "CONV_2D": (
        Variant("mve-pointwise", is_pointwise, lower_product),
        Variant("mve-conv", scales_down, lower_conv),
    ),
}
