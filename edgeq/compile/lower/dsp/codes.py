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
    mark,
    without,
)
from edgeq.compile.lower.dsp.coded_convolution import is_multiplied, lower_multiplied
from edgeq.compile.lower.dsp.coded_dense import SINGLE_ROWS, bytes_of_words, is_decoded
from edgeq.compile.lower.dsp.convolution import window_layer
from edgeq.compile.lower.dsp.depthwise import is_3x3, is_any, lower_3x3, lower_any
from edgeq.compile.lower.dsp.tiles import pairs_fit
from edgeq.compile.lower.groups import weight_multipliers, weight_window
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

_REST = 5  # words of a pair of outputs in the stream of kernels/dsp/eq_dsp_tile.h, beside weights
_CHANNEL, _TAPS = 5, 3  # words of a channel in kernels/dsp/eq_plane.h, and those of its weights


def _is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the tiles of int8 take the weights, which are kept as codes."""
    if not is_decoded(graph, node, target):
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
    return encode_rows(bytes_of_words(stream[:, 1 : steps + 1]), paired=True)


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


def _is_plane(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the windows are 3x3 as eq_plane.h takes them."""
    return is_decoded(graph, node, target) and is_3x3(graph, node, target)


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
        is_decoded(graph, node, target)
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
    "FULLY_CONNECTED": (*SINGLE_ROWS, _TILES),
    "DEPTHWISE_CONV_2D": (
        Variant("coded 3x3", _is_plane, _lower_plane),
        Variant("coded plane", _is_plane_any, _lower_plane_any),
    ),
}
