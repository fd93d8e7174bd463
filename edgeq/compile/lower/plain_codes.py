"""Weights of few distinct values in plain C: those of one output are decoded at a time."""

from __future__ import annotations

from edgeq.compile.arithmetic import weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, constant
from edgeq.compile.lower.codes import WEIGHTED, encode_rows, is_coded, mark
from edgeq.compile.lower.groups import fits_window, group_node, row_fields
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.codebooks import find_codebook
from edgeq.graph.ir import Graph, Node


def _is_coded(graph: Graph, node: Node, target: Target) -> bool:
    if not (is_coded(graph, node, target) and fits_window(graph, node)):
        return False
    if (target.dsp or target.mve) and target.options.goal != "flash":
        return False  # what vectors cannot take as codes they take as bytes
    return find_codebook(weight_values(graph, node)) is not None


def _lower_rows(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower an operator with weights: those of one output are decoded at a time."""
    group = group_node(graph, node)
    shape, arrays = row_fields(graph, node, group)
    coded = encode_rows(group.rows)
    assert coded is not None  # which _is_coded has seen
    fields = {"weights": coded.fields, "rows": shape}
    kernel = "eq_coded_rows"
    layer = Layer(
        (Call(kernel, kernel, fields, (node.inputs[0], SCRATCH, node.outputs[0])),),
        (kernel, "eq_codes", "eq_rows"),
        (*coded.constants, *arrays),
        hot=True,
        scratch=coded.row,
    )
    # The kernel of a byte for each weight has the same arrays beside them.
    wide = Layer((), (), (constant("weights", group.rows, group.rows.dtype.type), *arrays))
    return mark(node, layer, wide, coded.book, (coded.row, coded.row))


ROWS: dict[str, tuple[Variant, ...]] = dict.fromkeys(
    WEIGHTED, (Variant("coded rows", _is_coded, _lower_rows),)
)
