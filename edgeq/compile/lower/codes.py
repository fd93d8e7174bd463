"""Weights kept as codes of few bits (kernels/plain/eq_codes.h), where that saves flash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import weight_values
from edgeq.compile.layer import Call, Coding, Constant, Layer, constant
from edgeq.compile.lower.variants import Lower
from edgeq.compile.target import Target
from edgeq.core.records import Goal
from edgeq.graph.codebooks import Codebook, find_codebook
from edgeq.graph.ir import Graph, Node

Applies = Callable[[Graph, Node, Target], bool]
NAME = "codebooks"
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_GOALS: tuple[Goal, ...] = ("flash", "balanced")  # which flash counts for more than memory
CODE = 1280  # bytes of flash that the kernels which decode take, about
# The memory for decoded weights of a layer, where the arena has no more.
CHUNK_BYTES = 1024
_LEAST_BYTES = 256  # where the arena is to be as small as it gets


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """The initialiser of `struct eq_codes`, its arrays, the codebook, and the weights of a row."""

    fields: Mapping[str, Any]
    constants: tuple[Constant, ...]
    book: Codebook
    row: int


def is_coded(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether weights of few distinct values are kept as codes.

    The graph's savings have to outweigh the code that decodes.
    """
    options = target.options
    return options.goal in _GOALS and NAME not in options.omitted_passes and pays(graph, node)


def when_coded(applies: Applies, lower: Lower, encode: Callable[[Layer], Coded | None]) -> Applies:
    """Return whether `lower` takes a node whose weights are kept as codes, those of its layer."""

    def takes(graph: Graph, node: Node, target: Target) -> bool:
        if not (is_coded(graph, node, target) and applies(graph, node, target)):
            return False
        return encode(lower(graph, node, target)) is not None

    return takes


def pays(graph: Graph, node: Node) -> bool:
    """Return whether codes of a node's weights save flash, and those of all nodes enough of it."""
    return _saving(graph, node) > 0 and sum(_saving(graph, n) for n in graph.nodes) > CODE


def _saving(graph: Graph, node: Node) -> int:
    """Return the bytes of flash that codes save of a node's weights."""
    if node.op not in WEIGHTED:
        return 0
    weights = graph.tensor(node.inputs[1])
    if weights.data is None or weights.dtype != "int8":
        return 0
    book = find_codebook(weight_values(graph, node))
    return weights.elements - book.row_bytes(weights.elements) - book.table().size if book else 0


def encode_rows(rows: NDArray[np.int8], *, paired: bool = False) -> Coded | None:
    """Return the codes of weights as a kernel reads them, None where their values are too many.

    Args:
        rows: [rows, count], of which the kernel decodes some rows at a time.
        paired: the kernel reads pairs (a, b) as int16 a + 256 b.
    """
    book = find_codebook(rows)
    if book is None:
        return None
    name, values = (
        (f"pairs_{book.name}", book.pair_table()) if paired else (book.name, book.table())
    )
    table = constant(name, values, np.int8, shared=True)
    codes = constant("codes", book.encode(rows), np.uint8)
    each = 8 // book.bits
    fields = {
        "codes": codes.ref,
        "book": table.ref,
        "bytes": rows.shape[1] // each,
        "tail": rows.shape[1] % each,
        "each": each,
    }
    return Coded(fields, (codes, table), book, rows.shape[1])


def choose_rows(node: Node, target: Target, rows: int, row_bytes: int) -> int:
    """Return how many rows of decoded weights are in memory at once, one at least.

    Args:
        rows: of all decoded weights.
        row_bytes: of each.
    """
    return min(rows, max(1, decoding_room(node, target) // row_bytes))


def decoding_room(node: Node, target: Target) -> int:
    """Return the bytes of memory that a layer has for decoded weights."""
    return dict(target.decoding).get(node.index, CHUNK_BYTES) or _LEAST_BYTES


def decodes_least(node: Node, target: Target) -> bool:
    """Return whether a layer is to do without memory for decoded weights, if it can."""
    return dict(target.decoding).get(node.index) == 0


def mark(node: Node, layer: Layer, plain: Layer, book: Codebook, decoded: tuple[int, int]) -> Layer:
    """Return a layer that says how its weights are kept, and what that saves against `plain`.

    Args:
        decoded: bytes of memory that all its weights would take at once, and those that it has.
    """
    saved = _bytes(plain) - _bytes(layer)
    words = f"weights {book.bits} bits, {len(book.values)} values"
    return replace(
        layer,
        detail=", ".join(filter(None, (plain.detail, words))),
        codings=(Coding(node.index, book.bits, len(book.values), saved, *decoded),),
    )


def over_codes(
    node: Node, plain: Layer, coded: Coded, kernel: str, inner: Mapping[str, Mapping[str, Any]]
) -> Layer:
    """Return the layer that looks codes up as it multiplies, and needs no memory for weights.

    Args:
        inner: the name and the initialiser of what `plain` has besides its weights.
    """
    ((name, rest),) = inner.items()
    fields = {"weights": coded.fields, name: without(rest, "weights")}
    call = Call(kernel, kernel, fields, (node.inputs[0], node.outputs[0]))
    layer = Layer((call,), (kernel,), (*coded.constants, *plain.constants[1:]), hot=True)
    return mark(node, layer, plain, coded.book, (0, 0))


def in_words(count: int) -> int:
    """Return so many bytes filled up to whole words."""
    return -(-count // 4) * 4


def without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an initialiser without the constant that codes replace."""
    return {key: value for key, value in fields.items() if key != name}


def _bytes(layer: Layer) -> int:
    return sum(c.data.nbytes for c in layer.constants if not c.shared)
