"""Weights of few distinct values on cores without SIMD: decoded for the kernels of int8."""

from __future__ import annotations

import numpy as np

from edgeq.compile.arithmetic import weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer
from edgeq.compile.lower.codes import (
    Coded,
    choose_rows,
    decoding_room,
    encode_rows,
    in_words,
    is_coded,
    mark,
    over_codes,
    when_coded,
    without,
)
from edgeq.compile.lower.convolution import node_window
from edgeq.compile.lower.overlaps import over_window
from edgeq.compile.lower.small.dense import OUTPUTS, is_small_dense, lower_small_dense
from edgeq.compile.lower.small.depthwise import is_paired_depthwise, lower_paired_depthwise
from edgeq.compile.lower.small.paired import (
    BIASED,
    TILE,
    is_paired,
    lower_paired,
    paired_weights,
    staged_bytes,
)
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

_WORD, _FILLED = 4, 8  # bytes of a weight that is decoded for pairs, and what they are filled up to
_LEAST_FOURS = 2  # of pixels, for which a weight is decoded once


def _encode(plain: Layer) -> Coded | None:
    """Return the codes of a layer's first array: a row for each channel, or four outputs."""
    fields, weights = plain.calls[0].fields, plain.constants[0].data
    count = -(-int(fields["outputs"]) // OUTPUTS) if "outputs" in fields else int(fields["made"])
    return encode_rows(weights.view("i1").reshape(count, -1))


def _encode_paired(graph: Graph, node: Node) -> Coded | None:
    """Return the codes of CONV_2D: a row for each output, filled up with one of its values."""
    weights = weight_values(graph, node)
    return encode_rows(paired_weights(node_window(graph, node), weights, int(weights.flat[0])))


def _is_paired(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether CONV_2D of int8 would be paired, and its weights are kept as codes."""
    return (
        is_coded(graph, node, target)
        and is_paired(graph, node, target)
        and _encode_paired(graph, node) is not None
    )


def _lower_paired(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D: the weights of an output are decoded for some pixels at a time."""
    plain, coded = lower_paired(graph, node, target), _encode_paired(graph, node)
    assert coded is not None
    window, conv = node_window(graph, node), plain.calls[0].fields
    row = (_WORD if target.core in BIASED else 1) * (coded.row + -coded.row % _FILLED)
    four = 2 * TILE * coded.row
    fours = -(-window.output[1] * window.output[2] // TILE)
    made = min(fours, max(_LEAST_FOURS, (decoding_room(node, target) - row) // four))
    fields = {
        "weights": coded.fields,
        "pixels": TILE * made,
        "conv": without(conv, "weights"),
    }
    layer = Layer(
        (Call("eq_coded_paired", "eq_coded_paired", fields, _operands(node)),),
        ("eq_codes", "eq_coded_paired"),
        (*coded.constants, *plain.constants[1:]),
        plain.detail,
        hot=True,
        scratch=row + made * four + staged_bytes(window),
        overlaps=over_window(node.inputs[0], window, TILE * made, buffered=True),
    )
    return mark(node, layer, plain, coded.book, (row + fours * four, row + made * four))


def _encode_row(graph: Graph, node: Node) -> Coded | None:
    """Return the codes of FULLY_CONNECTED, signed: a row for each four outputs, input by input."""
    weights = weight_values(graph, node)
    full = np.pad(weights, ((0, -len(weights) % OUTPUTS), (0, 0)), mode="edge")
    fours = full.reshape(-1, OUTPUTS, full.shape[1]).transpose(0, 2, 1)
    return encode_rows(fours.reshape(len(fours), -1))


def _is_row(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether FULLY_CONNECTED has one row, and its weights are kept as codes."""
    return (
        is_coded(graph, node, target)
        and is_small_dense(graph, node, target)
        and graph.tensor(node.outputs[0]).elements == len(weight_values(graph, node))
        and _encode_row(graph, node) is not None
    )


def _lower_row(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED of one row: codes are looked up as they are multiplied."""
    plain, coded = lower_small_dense(graph, node, target), _encode_row(graph, node)
    assert coded is not None
    return over_codes(node, plain, coded, "eq_coded_small_row", {"dense": plain.calls[0].fields})


def _lower_dense(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED: the weights of some fours of outputs are decoded at once."""
    plain = lower_small_dense(graph, node, target)
    (call,), coded = plain.calls, _encode(plain)
    assert coded is not None
    fours = -(-int(call.fields["outputs"]) // OUTPUTS)
    made = choose_rows(node, target, fours, coded.row)
    fields = {
        "weights": coded.fields,
        "chunk": OUTPUTS * made,
        "dense": without(call.fields, "weights"),
    }
    layer = Layer(
        (Call("eq_coded_small_dense", "eq_coded_small_dense", fields, _operands(node)),),
        ("eq_codes", "eq_coded_small_dense", *plain.sources),
        (*coded.constants, *plain.constants[1:]),
        hot=True,
        scratch=made * coded.row,
    )
    return mark(node, layer, plain, coded.book, (fours * coded.row, made * coded.row))


def _lower_depthwise(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower a 3x3 DEPTHWISE_CONV_2D: the weights of some channels are decoded at once."""
    plain = lower_paired_depthwise(graph, node, target)
    (call,), coded = plain.calls, _encode(plain)
    assert coded is not None
    channels = int(call.fields["made"])
    chunk = choose_rows(node, target, channels, coded.row)
    fields = {
        "weights": coded.fields,
        "chunk": chunk,
        "depthwise": without(call.fields, "weights"),
    }
    kernel = "eq_coded_paired_depthwise"
    layer = Layer(
        (Call(kernel, kernel, fields, _operands(node)),),
        ("eq_codes", kernel, *plain.sources),
        (*coded.constants, *plain.constants[1:]),
        hot=True,
        scratch=in_words(chunk * coded.row) + plain.scratch,
        overlaps=plain.overlaps,
    )
    return mark(node, layer, plain, coded.book, (channels * coded.row, chunk * coded.row))


def _operands(node: Node) -> tuple[int, int, int]:
    return SCRATCH, node.inputs[0], node.outputs[0]


ROWS: dict[str, tuple[Variant, ...]] = {
    "CONV_2D": (Variant("coded paired", _is_paired, _lower_paired),),
    "FULLY_CONNECTED": (
        Variant("coded row", _is_row, _lower_row),
        Variant(
            "coded interleaved",
            when_coded(is_small_dense, lower_small_dense, _encode),
            _lower_dense,
        ),
    ),
    "DEPTHWISE_CONV_2D": (
        Variant(
            "coded 3x3 in pairs",
            when_coded(is_paired_depthwise, lower_paired_depthwise, _encode),
            _lower_depthwise,
        ),
    ),
}
