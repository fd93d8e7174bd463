"""Weights of few distinct values on cores with SMLAD: decoded a chunk at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import shifts_right, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, Ref, constant
from edgeq.compile.lower.codes import (
    Coded,
    choose_rows,
    decodes_least,
    encode_rows,
    in_words,
    is_coded,
    mark,
    without,
)
from edgeq.compile.lower.dsp.coded_convolution import is_multiplied, lower_multiplied
from edgeq.compile.lower.dsp.convolution import window_layer
from edgeq.compile.lower.dsp.dense import is_quads, is_shared, lower_quads
from edgeq.compile.lower.dsp.depthwise import is_3x3, is_any, lower_3x3, lower_any
from edgeq.compile.lower.dsp.tiles import pairs_fit
from edgeq.compile.lower.groups import weight_multipliers, weight_window
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.codebooks import find_codebook
from edgeq.graph.ir import Graph, Node

_REST = 5  # words of a pair of outputs in the stream of kernels/dsp/eq_dsp_tile.h, beside weights
_CHANNEL, _TAPS = 5, 3  # words of a channel in kernels/dsp/eq_plane.h, and those of its weights
_QUAD = 4
_EIGHT, _MANY = 8, 32  # outputs made at once, and those whose last eight may stay empty
_HALVES = {4: 1, 2: 2}  # outputs that half a byte of codes stands for
_DEEPEST = (1 << 15) - _QUAD  # taps
_WORDS = 1024  # bytes of the table of kernels/dsp/eq_coded_dense.h
_PAIRS = 512  # bytes of the table of pairs that kernels/dsp/eq_coded_quads.h tells of


def _is_dsp(graph: Graph, node: Node, target: Target) -> bool:
    return target.dsp and not target.mve and is_coded(graph, node, target)


def _is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the tiles of int8 take the weights, which are kept as codes."""
    if not _is_dsp(graph, node, target):
        return False
    rows = weight_values(graph, node)
    fits = pairs_fit(graph, node, rows.reshape(len(rows), -1))
    if not (fits and shifts_right(weight_multipliers(graph, node))):
        return False
    return _encode_stream(_plain_tiles(graph, node)) is not None


def _plain_tiles(graph: Graph, node: Node) -> Layer:
    window = weight_window(graph, node)
    return window_layer(graph, node, window, weight_multipliers(graph, node))


def _stream(plain: Layer) -> tuple[int, NDArray[np.int32]]:
    """Return the steps of a layer of tiles, and its stream as [pairs, words]."""
    steps = int(plain.calls[0].fields["matrix"]["steps"])
    return steps, plain.constants[0].data.reshape(-1, steps + _REST)


def _encode_stream(plain: Layer) -> Coded | None:
    steps, stream = _stream(plain)
    return encode_rows(_bytes_of_words(stream[:, 1 : steps + 1]), paired=True)


def _bytes_of_words(words: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return (a, b) for each half a + 256 b of the words: [pairs, 4 * steps]."""
    halves = np.ascontiguousarray(words).astype("<i4").view("<i2").astype(np.int64)
    a = (halves + 128 & 0xFF) - 128
    pairs: NDArray[np.int8] = np.stack([a, halves - a >> 8], axis=-1).astype(np.int8)
    return pairs.reshape(len(words), -1)


def _lower_tiles(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D or FULLY_CONNECTED: the weights of a chunk of outputs are decoded at once."""
    plain = _plain_tiles(graph, node)
    if decodes_least(node, target) and is_multiplied(graph, node):
        return lower_multiplied(graph, node, plain)
    conv, coded = plain.calls[0].fields, _encode_stream(plain)
    assert coded is not None
    steps, stream = _stream(plain)
    rest = constant("rest", np.delete(stream, np.s_[1 : steps + 1], axis=1), np.int32)
    pair_bytes = 4 * stream.shape[1]
    made = choose_rows(node, target, len(stream), pair_bytes)
    fields = {
        "weights": coded.fields,
        "rest": rest.ref,
        "chunk": 2 * made,
        "conv": {**conv, "matrix": without(conv["matrix"], "stream")},
    }
    layer = Layer(
        (Call("eq_coded_tiles", "eq_coded_tiles", fields, _operands(node)),),
        ("eq_codes", "eq_coded_tiles", *plain.sources),
        (*coded.constants, rest),
        hot=True,
        scratch=made * pair_bytes + plain.scratch,
        overlaps=plain.overlaps if made == len(stream) else (),  # parts read it again
    )
    return mark(node, layer, plain, coded.book, (len(stream) * pair_bytes, made * pair_bytes))


def _is_row(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether a FULLY_CONNECTED has one row, and enough to do for a kernel of its own."""
    output = graph.tensor(node.outputs[0])
    one = output.elements == output.shape[-1]
    return _is_dsp(graph, node, target) and one and not is_shared(graph, node, target)


def _is_quads(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the words of int8 hold the weights of one row."""
    return (
        _is_row(graph, node, target)
        and is_quads(graph, node, target)
        and _encode_quads(lower_quads(graph, node, target)) is not None
    )


def _encode_quads(plain: Layer) -> Coded | None:
    outputs, words = int(plain.calls[0].fields["outputs"]), plain.constants[0].data
    rows = _bytes_of_words(words.reshape(-(-outputs // 2), -1))
    return encode_rows(rows, paired=True)


def _lower_quads(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED of one row: the weights of some fours of outputs are decoded."""
    plain = lower_quads(graph, node, target)
    coded, dense = _encode_quads(plain), plain.calls[0].fields
    assert coded is not None
    row = coded.row
    outputs = int(dense["outputs"])
    quads = -(-outputs // _QUAD)
    chunk = _QUAD * choose_rows(node, target, quads, 2 * row)
    fields = {"weights": coded.fields, "chunk": chunk, "dense": without(dense, "weights")}
    layer = Layer(
        (Call("eq_coded_quads", "eq_coded_quads", fields, _operands(node)),),
        ("eq_codes", "eq_coded_quads", *plain.sources),
        (*coded.constants, *plain.constants[1:]),
        hot=True,
        scratch=chunk // 2 * row + _PAIRS * (coded.book.bits == 4),
    )
    return mark(node, layer, plain, coded.book, (2 * row * quads, chunk // 2 * row))


def _is_dense(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether weights of one row are multiplied as their codes of two or four bits."""
    if not _is_row(graph, node, target):
        return False
    outputs, depth = graph.tensor(node.inputs[1]).shape
    book = find_codebook(weight_values(graph, node))
    if book is None or not 0 < depth <= _DEEPEST:
        return False
    full = outputs % _EIGHT == 0 or outputs >= _MANY
    return full and (book.bits == 4 or (book.bits == 2 and is_quads(graph, node, target)))


def _order_eights(weights: NDArray[np.int8], unit: int) -> NDArray[np.int8]:
    """Return weights [outputs, depth] in the order of eq_coded_dense.h, a row for each eight.

    Args:
        unit: the outputs of a byte.
    """
    outputs, depth = weights.shape
    full = np.pad(weights, ((0, -outputs % _EIGHT), (0, -depth % _QUAD)), mode="edge")
    taps = full.reshape(-1, _EIGHT // unit, unit, full.shape[1] // _QUAD, 2, 2)
    return taps.transpose(0, 3, 5, 1, 4, 2).reshape(len(full) // _EIGHT, -1)


def _lower_dense(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED of one row: a table tells what each byte of codes stands for."""
    plain, weights = lower_quads(graph, node, target), weight_values(graph, node)
    dense, book = plain.calls[0].fields, find_codebook(weights)
    assert book is not None
    coded = encode_rows(_order_eights(weights, _HALVES[book.bits]))
    assert coded is not None
    chunk = dense["chunk"] if book.bits == 2 else dense["depth"]
    fields = {
        "weights": coded.fields,
        "depth": dense["depth"],
        "chunk": chunk,
        "outputs": dense["outputs"],
        "out": dense["out"],
    }
    layer = Layer(
        (Call("eq_coded_dense", "eq_coded_dense", fields, _operands(node)),),
        ("eq_coded_dense",),
        (*coded.constants, *plain.constants[1:]),
        hot=True,
        scratch=_WORDS,
    )
    return mark(node, layer, plain, coded.book, (_WORDS, _WORDS))


def _is_plane(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the windows are 3x3 as eq_plane.h takes them."""
    return _is_dsp(graph, node, target) and is_3x3(graph, node, target)


def _lower_plane(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEPTHWISE_CONV_2D 3x3: the weights of a chunk of channels are decoded at once."""
    plain = lower_3x3(graph, node, target)
    (call,), words = plain.calls, plain.constants[0].data.reshape(-1, _CHANNEL)
    taps = np.ascontiguousarray(words[:, :_TAPS]).view(np.int8)
    coded = encode_rows(taps.reshape(len(words), -1))
    assert coded is not None  # the taps are weights and no others
    rest = constant("rest", words[:, _TAPS:], np.int32)
    chunk = 2 * choose_rows(node, target, -(-len(words) // 2), 8 * _CHANNEL)
    fields = {
        "weights": coded.fields,
        "rest": rest.ref,
        "chunk": chunk,
        "kernel": Ref(call.kernel, shared=True),
        "plane": without(call.fields, "channel"),
    }
    layer = Layer(
        (Call("eq_coded_plane", "eq_coded_plane", fields, _operands(node)),),
        ("eq_codes", "eq_coded_plane", *plain.sources),
        (*coded.constants, rest, *plain.constants[1:]),
        hot=True,
        scratch=4 * _CHANNEL * chunk + plain.scratch,
        overlaps=plain.overlaps if graph.tensor(node.inputs[0]).shape[0] == 1 else (),
    )
    return mark(node, layer, plain, coded.book, (4 * _CHANNEL * len(words), 4 * _CHANNEL * chunk))


def _is_plane_any(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the kernel of int8 for any window takes the weights."""
    return (
        _is_dsp(graph, node, target)
        and is_any(graph, node, target)
        and _encode_any(lower_any(graph, node, target)) is not None
    )


def _encode_any(plain: Layer) -> Coded | None:
    channels = int(plain.calls[0].fields["plane"]["channels"])
    return encode_rows(plain.constants[0].data.reshape(channels, -1))


def _lower_plane_any(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower any DEPTHWISE_CONV_2D: the weights of a chunk of channels are decoded at once."""
    plain = lower_any(graph, node, target)
    coded, plane = _encode_any(plain), plain.calls[0].fields
    assert coded is not None
    row = coded.row
    channels = int(plane["plane"]["channels"])
    chunk = choose_rows(node, target, channels, row)
    fields = {"weights": coded.fields, "chunk": chunk, "any": without(plane, "weights")}
    layer = Layer(
        (Call("eq_coded_plane_any", "eq_coded_plane_any", fields, _operands(node)),),
        ("eq_codes", "eq_coded_plane_any", *plain.sources),
        (*coded.constants, *plain.constants[1:]),
        hot=True,
        scratch=in_words(chunk * row) + plain.scratch,
        overlaps=plain.overlaps if graph.tensor(node.inputs[0]).shape[0] == 1 else (),
    )
    return mark(node, layer, plain, coded.book, (channels * row, chunk * row))


def _operands(node: Node) -> tuple[int, int, int]:
    return node.inputs[0], SCRATCH, node.outputs[0]


_TILES = Variant("coded tiles", _is_tiled, _lower_tiles)
ROWS: dict[str, tuple[Variant, ...]] = {
    "CONV_2D": (_TILES,),
    "FULLY_CONNECTED": (
        Variant("coded eights", _is_dense, _lower_dense),
        Variant("coded quads", _is_quads, _lower_quads),
        _TILES,
    ),
    "DEPTHWISE_CONV_2D": (
        Variant("coded 3x3", _is_plane, _lower_plane),
        Variant("coded plane", _is_plane_any, _lower_plane_any),
    ),
}
