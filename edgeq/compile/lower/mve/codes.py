"""Weights of few distinct values with Helium: tiles decoded by gathers for the kernels of int8."""

from __future__ import annotations

from edgeq.compile.layer import SCRATCH, Call, Layer
from edgeq.compile.lower.codes import (
    Applies,
    Coded,
    choose_rows,
    encode_rows,
    mark,
    when_coded,
    without,
)
from edgeq.compile.lower.mve.arithmetic import LANES
from edgeq.compile.lower.mve.depthwise import lower_depthwise, takes_lanes
from edgeq.compile.lower.mve.matrix import is_pointwise, lower_conv, lower_product, scales_down
from edgeq.compile.lower.variants import Lower, Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

_SOURCES = ("eq_codes", "eq_coded_mve")


def _encode(plain: Layer) -> Coded | None:
    """Return the codes of a layer's first array: a row for each tile of outputs, or block."""
    fields, weights = plain.calls[0].fields, plain.constants[0].data
    if "matrix" in fields:
        return encode_rows(weights.reshape(-(-int(fields["matrix"]["made"]) // LANES), -1))
    window = fields["window"]
    return encode_rows(weights.reshape(-1, window["kernel_h"] * window["kernel_w"] * 16))


def _lower_matrix(lower: Lower, inner: str) -> Lower:
    """Return a lowering to `inner` in parts: the weights of a chunk of outputs are decoded."""

    def lower_coded(graph: Graph, node: Node, target: Target) -> Layer:
        plain = lower(graph, node, target)
        (call,), coded = plain.calls, _encode(plain)
        assert coded is not None
        matrix = call.fields["matrix"]
        tiles = -(-int(matrix["made"]) // LANES)
        made = choose_rows(node, target, tiles, coded.row)
        fields = {
            "weights": coded.fields,
            "chunk": LANES * made,
            inner: {**call.fields, "matrix": without(matrix, "weights")},
        }
        kernel = call.kernel.replace("eq_", "eq_coded_", 1)
        layer = Layer(
            (Call(kernel, kernel, fields, _operands(node)),),
            (*_SOURCES, *plain.sources),
            (*coded.constants, *plain.constants[1:]),
            hot=True,
            scratch=made * coded.row + plain.scratch,
            overlaps=plain.overlaps if made == tiles else (),  # parts read it again
        )
        return mark(node, layer, plain, coded.book, (tiles * coded.row, made * coded.row))

    return lower_coded


def _lower_depthwise(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEPTHWISE_CONV_2D: its few weights are decoded at once."""
    plain = lower_depthwise(graph, node, target)
    (call,), coded = plain.calls, _encode(plain)
    assert coded is not None
    decoded = plain.constants[0].data.size
    fields = {
        "weights": coded.fields,
        "blocks": decoded // coded.row,
        "depthwise": without(call.fields, "weights"),
    }
    kernel = "eq_coded_mve_depthwise"
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
    return node.inputs[0], node.outputs[0], SCRATCH


def _row(name: str, applies: Applies, lower: Lower, inner: str) -> Variant:
    return Variant(name, when_coded(applies, lower, _encode), _lower_matrix(lower, inner))


ROWS: dict[str, tuple[Variant, ...]] = {
    "FULLY_CONNECTED": (_row("mve-coded-rows", scales_down, lower_product, "product"),),
    "CONV_2D": (
        _row("mve-coded-pointwise", is_pointwise, lower_product, "product"),
        _row("mve-coded-conv", scales_down, lower_conv, "conv"),
    ),
    "DEPTHWISE_CONV_2D": (
        Variant(
            "mve-coded-depthwise",
            when_coded(takes_lanes, lower_depthwise, _encode),
            _lower_depthwise,
        ),
    ),
}
