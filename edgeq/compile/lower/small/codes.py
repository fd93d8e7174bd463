"""Weights of few distinct values on cores without SIMD: decoded for the kernels of int8."""

from __future__ import annotations

from edgeq.compile.layer import SCRATCH, Call, Layer, Ref
from edgeq.compile.lower.codes import (
    Coded,
    choose_rows,
    encode_rows,
    in_words,
    mark,
    when_coded,
    without,
)
from edgeq.compile.lower.small.dense import OUTPUTS, is_small_dense, lower_small_dense
from edgeq.compile.lower.small.depthwise import is_paired_depthwise, lower_paired_depthwise
from edgeq.compile.lower.small.paired import is_paired, lower_paired
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node


def _encode(plain: Layer) -> Coded | None:
    """Return the codes of a layer's first array: a row for each output, four or one."""
    fields, weights = plain.calls[0].fields, plain.constants[0].data
    if "outputs" in fields:
        count = -(-int(fields["outputs"]) // OUTPUTS)
    else:
        count = int(fields.get("made", fields["window"]["out_c"]))
    return encode_rows(weights.view("i1").reshape(count, -1))


def _lower_paired(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D: the weights of a chunk of outputs are decoded at once."""
    plain = lower_paired(graph, node, target)
    (call,), coded = plain.calls, _encode(plain)
    assert coded is not None
    outputs = int(call.fields["made"])
    chunk = choose_rows(node, target, outputs, coded.row)
    fields = {
        "weights": coded.fields,
        "chunk": chunk,
        "kernel": Ref(call.kernel, shared=True),
        "conv": without(call.fields, "weights"),
    }
    layer = Layer(
        (Call("eq_coded_paired", "eq_coded_paired", fields, _operands(node)),),
        ("eq_codes", "eq_coded_paired", *plain.sources),
        (*coded.constants, *plain.constants[1:]),
        hot=True,
        scratch=chunk * coded.row + plain.scratch,
        overlaps=plain.overlaps if chunk == outputs else (),  # parts read it again
    )
    return mark(node, layer, plain, coded.book, (outputs * coded.row, chunk * coded.row))


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
    """Lower a 3x3 DEPTHWISE_CONV_2D: its few weights are decoded at once."""
    plain = lower_paired_depthwise(graph, node, target)
    (call,), coded = plain.calls, _encode(plain)
    assert coded is not None
    decoded = in_words(plain.constants[0].data.size)
    fields = {"weights": coded.fields, "depthwise": without(call.fields, "weights")}
    kernel = "eq_coded_paired_depthwise"
    layer = Layer(
        (Call(kernel, kernel, fields, _operands(node)),),
        ("eq_codes", kernel, *plain.sources),
        (*coded.constants, *plain.constants[1:]),
        hot=True,
        scratch=decoded + plain.scratch,
        overlaps=plain.overlaps,
    )
    return mark(node, layer, plain, coded.book, (decoded, decoded))


def _operands(node: Node) -> tuple[int, int, int]:
    return SCRATCH, node.inputs[0], node.outputs[0]


ROWS: dict[str, tuple[Variant, ...]] = {
    "CONV_2D": (
        Variant("coded paired", when_coded(is_paired, lower_paired, _encode), _lower_paired),
    ),
    "FULLY_CONNECTED": (
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
