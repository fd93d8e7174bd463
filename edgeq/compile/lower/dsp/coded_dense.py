"""FULLY_CONNECTED of one row with weights of few distinct values, on cores with SMLAD."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, constant
from edgeq.compile.lower.codes import Coded, choose_rows, encode_rows, is_coded, mark, without
from edgeq.compile.lower.dsp.dense import is_quads, is_shared, lower_quads
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.codebooks import find_codebook
from edgeq.graph.ir import Graph, Node

_QUAD = 4
_EIGHT, _MANY = 8, 32  # outputs made at once, and those whose last eight may stay empty
_HALVES = {4: 1, 2: 2}  # outputs that half a byte of codes stands for
_DEEPEST = (1 << 15) - _QUAD  # taps
_WORDS = 1024  # bytes of the table of kernels/dsp/eq_coded_dense.h
_PAIRS = 512  # bytes of the table of pairs that kernels/dsp/eq_coded_quads.h tells of
_SUMS = 8  # bytes for each tap of the tables that kernels/dsp/eq_coded_bits.h tells of
_WHOLE, _CHUNK = 128, 64  # taps whose tables are made at once, and those of a chunk of more


def is_decoded(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether a node has weights of few distinct values, and the core SMLAD alone."""
    return target.dsp and not target.mve and is_coded(graph, node, target)


def bytes_of_words(words: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return (a, b) for each half a + 256 b of the words: [pairs, 4 * steps]."""
    halves = np.ascontiguousarray(words).astype("<i4").view("<i2").astype(np.int64)
    a = (halves + 128 & 0xFF) - 128
    pairs: NDArray[np.int8] = np.stack([a, halves - a >> 8], axis=-1).astype(np.int8)
    return pairs.reshape(len(words), -1)


def _is_row(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether a FULLY_CONNECTED has one row, and enough to do for a kernel of its own."""
    output = graph.tensor(node.outputs[0])
    one = output.elements == output.shape[-1]
    return is_decoded(graph, node, target) and one and not is_shared(graph, node, target)


def _is_quads(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the words of int8 hold the weights of one row."""
    return (
        _is_row(graph, node, target)
        and is_quads(graph, node, target)
        and _encode_quads(lower_quads(graph, node, target)) is not None
    )


def _encode_quads(plain: Layer) -> Coded | None:
    outputs, words = int(plain.calls[0].fields["outputs"]), plain.constants[0].data
    rows = bytes_of_words(words.reshape(-(-outputs // 2), -1))
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


def _is_bits(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether weights of one row are those of two values."""
    depth = graph.tensor(node.inputs[1]).shape[1]
    book = find_codebook(weight_values(graph, node))
    few = book is not None and book.bits == 1 and 0 < depth <= _DEEPEST
    return few and _is_row(graph, node, target)


def _lower_bits(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower FULLY_CONNECTED of one row: outputs look up sums of some of four inputs."""
    plain, weights = lower_quads(graph, node, target), weight_values(graph, node)
    dense, book = plain.calls[0].fields, find_codebook(weights)
    assert book is not None
    clear, set_ = book.values[0], book.values[-1]
    outputs, depth = weights.shape
    chunk = -(-depth // 8) * 8 if depth <= _WHOLE else _CHUNK
    codes = constant("codes", _pack_bits(weights == set_, chunk), np.int32)
    fields = {
        "codes": codes.ref,
        "clear": clear,
        "step": set_ - clear,
        "depth": depth,
        "chunk": chunk,
        "outputs": outputs,
        "out": dense["out"],
    }
    scratch = _SUMS * chunk + (4 * (outputs + -outputs % _EIGHT) if depth > chunk else 0)
    kernel = "eq_coded_bits"
    layer = Layer(
        (Call(kernel, kernel, fields, _operands(node)),),
        (kernel,),
        (codes, *plain.constants[1:]),
        hot=True,
        scratch=scratch,
    )
    return mark(node, layer, plain, book, (scratch, scratch))


def _pack_bits(bits: NDArray[np.bool_], chunk: int) -> NDArray[np.int32]:
    """Return the words of eq_coded_bits.h.

    Args:
        bits: [outputs, depth].
        chunk: taps of a chunk, a multiple of eight.
    """
    full = np.pad(bits, ((0, -len(bits) % _EIGHT), (0, -bits.shape[1] % 8))).astype(np.uint32)
    eights = full.reshape(-1, _EIGHT, full.shape[1])
    shifts = np.arange(4 * _EIGHT, dtype=np.uint32).reshape(_EIGHT, 1, 4)
    parts = [eights[:, :, k : k + chunk] for k in range(0, full.shape[1], chunk)]
    words = [
        (part.reshape(len(part), _EIGHT, -1, 4) << shifts).sum(axis=(1, 3)).reshape(-1)
        for part in parts
    ]
    return np.concatenate(words).astype(np.uint32).view(np.int32)


def _operands(node: Node) -> tuple[int, int, int]:
    return node.inputs[0], SCRATCH, node.outputs[0]


SINGLE_ROWS = (
    Variant("coded bits", _is_bits, _lower_bits),
    Variant("coded eights", _is_dense, _lower_dense),
    Variant("coded quads", _is_quads, _lower_quads),
)
