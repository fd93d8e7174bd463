"""Weights of few distinct values with Helium: tiles decoded by gathers for the kernels of int8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.compile.arithmetic import weight_values
from edgeq.compile.layer import SCRATCH, Call, Constant, Layer
from edgeq.compile.lower.codes import (
    Coded,
    decoding_room,
    encode_rows,
    is_coded,
    mark,
    over_codes,
    when_coded,
    without,
)
from edgeq.compile.lower.mve.arithmetic import BYTES, LANES
from edgeq.compile.lower.mve.depthwise import lower_depthwise, takes_lanes
from edgeq.compile.lower.mve.matrix import (
    is_pointwise,
    lower_conv,
    lower_product,
    over_product,
    scales_down,
)
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.codebooks import find_codebook
from edgeq.graph.ir import Graph, Node

_SOURCES = ("eq_mve_codes", "eq_coded_mve")
_INNER = {"eq_mve_pointwise": "product", "eq_mve_conv": "conv"}
_FILLED = 64  # weights that the decoder writes at once
_ROWS, _WINDOWS = 32, 8  # for which weights are decoded at once where memory is short
_DEPTHWISE = "eq_coded_mve_depthwise"
_NONE: Mapping[str, int] = {}


def _encode(plain: Layer) -> Coded | None:
    """Return the codes of a layer's first array: a row for each tile of outputs, or block."""
    fields, weights = plain.calls[0].fields, plain.constants[0].data
    if "matrix" in fields:
        return encode_rows(weights.reshape(-(-int(fields["matrix"]["made"]) // LANES), -1))
    window = fields["window"]
    return encode_rows(weights.reshape(-1, window["kernel_h"] * window["kernel_w"] * 16))


def _lower_product(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower a product of matrices: all weights are decoded at once where there is memory.

    Else those of a tile of outputs are, for some rows at a time, whose place outputs may take.
    """
    plain = lower_product(graph, node, target)
    made, tiles, coded = _chunk(plain, node, target)
    rows = int(plain.calls[0].fields["rows"])
    depth = int(plain.calls[0].fields["matrix"]["depth"])
    room, whole = decoding_room(node, target), tiles * coded.row
    step = rows if made == tiles else min(rows, max(_ROWS, (room - coded.row) // depth))
    layer = _matrix_layer(plain, node, coded, made, {"step": step})
    if made == tiles:
        layer = replace(layer, overlaps=plain.overlaps)
        return mark(node, layer, plain, coded.book, (whole, whole))
    layer = replace(
        layer,
        calls=(replace(layer.calls[0], kernel="eq_coded_mve_steps"),),
        scratch=layer.scratch + step * depth,
        overlaps=over_product(graph, node, rows, step, copied=True),
    )
    return mark(node, layer, plain, coded.book, (whole, coded.row + step * depth))


def _lower_conv(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower any CONV_2D: all weights are decoded at once where there is memory.

    Else those of a tile of outputs are, for the windows of some pixels at a time.
    """
    plain = lower_conv(graph, node, target)
    made, tiles, coded = _chunk(plain, node, target)
    layer = replace(_matrix_layer(plain, node, coded, made), overlaps=plain.overlaps)
    if made < tiles:
        layer = _with_windows(layer, plain)
    return mark(node, layer, plain, coded.book, (tiles * coded.row, made * coded.row))


def _with_windows(layer: Layer, plain: Layer) -> Layer:
    """Return the layer of the kernel that makes windows one batch after the other, larger ones."""
    (call,), conv = layer.calls, plain.calls[0].fields
    columns = max(int(conv["columns"]), min(_WINDOWS, int(conv["window"]["out_w"])))
    fields = {**call.fields, "conv": {**call.fields["conv"], "columns": columns}}
    return replace(
        layer,
        calls=(replace(call, kernel="eq_coded_mve_windows", fields=fields),),
        scratch=layer.scratch + (columns - int(conv["columns"])) * int(conv["matrix"]["depth"]),
    )


def _chunk(plain: Layer, node: Node, target: Target) -> tuple[int, int, Coded]:
    """Return how many tiles of outputs are decoded at once, how many there are, and their codes."""
    coded = _encode(plain)
    assert coded is not None
    tiles = -(-int(plain.calls[0].fields["matrix"]["made"]) // LANES)
    whole = decoding_room(node, target) >= tiles * coded.row
    return tiles if whole else 1, tiles, coded


def _matrix_layer(
    plain: Layer, node: Node, coded: Coded, made: int, more: Mapping[str, int] = _NONE
) -> Layer:
    """Return `plain` with codes, of which `made` rows are decoded at once."""
    (call,) = plain.calls
    fields = {
        "weights": coded.fields,
        "decoded": made * coded.row,
        **more,
        _INNER[call.kernel]: {**call.fields, "matrix": without(call.fields["matrix"], "weights")},
    }
    kernel = call.kernel.replace("eq_", "eq_coded_", 1)
    return Layer(
        (Call(kernel, kernel, fields, _operands(node)),),
        (*_SOURCES, *plain.sources),
        (*coded.constants, *plain.constants[1:]),
        hot=True,
        scratch=made * coded.row + plain.scratch,
    )


def _encode_row(graph: Graph, node: Node) -> Coded | None:
    """Return the codes of FULLY_CONNECTED as eq_coded_mve_row has them, a row for each tile."""
    weights = weight_values(graph, node)
    book = find_codebook(weights)
    if book is None:
        return None
    each = 8 // book.bits
    outputs = max(each, LANES)
    depth = weights.shape[1]
    full = np.pad(weights, ((0, -len(weights) % outputs), (0, -depth % BYTES)), mode="edge")
    tiles = full.reshape(-1, outputs // each, each, full.shape[1] // BYTES, BYTES)
    return encode_rows(tiles.transpose(0, 3, 1, 4, 2).reshape(len(tiles), -1))


def _is_row(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether FULLY_CONNECTED has one row, and its weights are kept as codes."""
    one = graph.tensor(node.outputs[0]).elements == len(weight_values(graph, node))
    coded = is_coded(graph, node, target) and scales_down(graph, node, target)
    return one and coded and _encode_row(graph, node) is not None


def _lower_row(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED of one row: codes are looked up as they are multiplied."""
    plain, coded = lower_product(graph, node, target), _encode_row(graph, node)
    assert coded is not None
    matrix = {"matrix": plain.calls[0].fields["matrix"]}
    return over_codes(node, plain, coded, "eq_coded_mve_row", matrix)


def _lower_depthwise(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEPTHWISE_CONV_2D: all weights are decoded at once where there is memory.

    Else those of a block of channels are, for each row of outputs.
    """
    plain = lower_depthwise(graph, node, target)
    (call,), coded = plain.calls, _encode(plain)
    assert coded is not None
    codes, book = coded.constants
    block, whole = (_filled(n) for n in (coded.row, plain.constants[0].data.size))
    fits = decoding_room(node, target) >= whole
    decoded, kernel = (whole, _DEPTHWISE) if fits else (block, "eq_coded_mve_blocks")
    fields = {
        "weights": coded.fields,
        "decoded": decoded,
        "depthwise": without(call.fields, "weights"),
    }
    layer = Layer(
        (Call(kernel, _DEPTHWISE, fields, _operands(node)),),
        ("eq_mve_codes", kernel, *plain.sources),
        (_in_vectors(codes), book, *plain.constants[1:]),
        hot=True,
        scratch=decoded + plain.scratch,
        overlaps=plain.overlaps,
    )
    return mark(node, layer, plain, coded.book, (whole, decoded))


def _filled(weights: int) -> int:
    """Return the bytes that so many weights take when they are decoded."""
    return weights + -weights % _FILLED


def _in_vectors(codes: Constant) -> Constant:
    """Return codes that can be read in whole vectors."""
    return replace(codes, data=np.pad(codes.data, (0, -codes.data.size % BYTES)))


def _operands(node: Node) -> tuple[int, int, int]:
    return node.inputs[0], node.outputs[0], SCRATCH


ROWS: dict[str, tuple[Variant, ...]] = {
    "FULLY_CONNECTED": (
        Variant("mve-coded-row", _is_row, _lower_row),
        Variant("mve-coded-rows", when_coded(scales_down, lower_product, _encode), _lower_product),
    ),
    "CONV_2D": (
        Variant(
            "mve-coded-pointwise", when_coded(is_pointwise, lower_product, _encode), _lower_product
        ),
        Variant("mve-coded-conv", when_coded(scales_down, lower_conv, _encode), _lower_conv),
    ),
    "DEPTHWISE_CONV_2D": (
        Variant(
            "mve-coded-depthwise",
            when_coded(takes_lanes, lower_depthwise, _encode),
            _lower_depthwise,
        ),
    ),
}
