"""ADD, SUB and MUL on the DSP extension, and with a table behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.compile.arithmetic import shifts_right
from edgeq.compile.layer import Call, Constant, Layer, Overlap, constant
from edgeq.compile.lower.binary import broadcast_fields, overlaps_of_operands
from edgeq.compile.lower.dsp.sums import add_fields, adds_exactly
from edgeq.compile.lower.sums import sum_plane
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.elementwise import product_factor
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of
from edgeq.graph.tabled import without_table

_BYTES = np.arange(-128, 128)


def _is_plane(graph: Graph, node: Node, target: Target) -> bool:
    return target.dsp and sum_plane(graph, node) is not None


def _lower_sum(graph: Graph, node: Node, target: Target) -> Layer:
    kernel = "eq_dsp_sum"
    call = Call(kernel, kernel, _sum_fields(graph, node), (*node.inputs[:2], node.outputs[0]))
    return Layer((call,), (kernel,), hot=True, overlaps=_over_both(node))


def _sum_fields(graph: Graph, node: Node) -> Mapping[str, Any]:
    plane = sum_plane(graph, node)
    assert plane is not None
    return {
        "count": graph.tensor(node.outputs[0]).elements,
        "a_factor": plane.left,
        "b_factor": plane.right,
        "offset": plane.offset,
    }


def _over_both(node: Node) -> tuple[Overlap, ...]:
    return tuple(Overlap(tensor) for tensor in dict.fromkeys(node.inputs[:2]))


def _is_tabled_plane(graph: Graph, node: Node, target: Target) -> bool:
    return _is_plane(*_unclamped(graph, node), target)


def _lower_tabled_sum(graph: Graph, node: Node, target: Target) -> Layer:
    table, kernel = _table(graph, node), "eq_dsp_sum_table"
    fields = {"sum": _sum_fields(*_unclamped(graph, node)), "table": table.ref}
    call = Call(kernel, kernel, fields, (*node.inputs[:2], node.outputs[0]))
    return Layer((call,), (kernel,), (table,), hot=True, overlaps=_over_both(node))


def _lower_exact_sum(graph: Graph, node: Node, target: Target) -> Layer:
    kernel, (fields, operands) = "eq_dsp_add", add_fields(graph, node)
    call = Call(kernel, kernel, fields, (*operands, node.outputs[0]))
    sources, overlaps = (kernel, "eq_broadcast"), overlaps_of_operands(graph, node)
    return Layer((call,), sources, hot=True, overlaps=overlaps)


def _adds_tabled(graph: Graph, node: Node, target: Target) -> bool:
    return adds_exactly(*_unclamped(graph, node), target)


def _lower_tabled_exact_sum(graph: Graph, node: Node, target: Target) -> Layer:
    inner, pair = _unclamped(graph, node)
    table, (fields, operands) = _table(graph, node), add_fields(inner, pair)
    call = Call(
        "eq_dsp_add_table",
        "eq_dsp_add_table",
        {"add": fields, "table": table.ref},
        (*operands, node.outputs[0]),
    )
    sources, overlaps = ("eq_dsp_add", "eq_broadcast"), overlaps_of_operands(inner, pair)
    return Layer((call,), sources, (table,), hot=True, overlaps=overlaps)


def _is_product(graph: Graph, node: Node, target: Target) -> bool:
    call = call_of(graph, node)
    is_int8 = all(t.dtype == "int8" for _, t in call.named())
    return target.dsp and is_int8 and shifts_right([product_factor(call)])


def _lower_product(graph: Graph, node: Node, target: Target) -> Layer:
    kernel = "eq_dsp_product"
    call = Call(kernel, kernel, _product_fields(graph, node), (*node.inputs, node.outputs[0]))
    sources, overlaps = (kernel, "eq_broadcast"), overlaps_of_operands(graph, node)
    return Layer((call,), sources, hot=True, overlaps=overlaps)


def _product_fields(graph: Graph, node: Node) -> Mapping[str, Any]:
    call = call_of(graph, node)
    multiplier, shift = quantize_multiplier(product_factor(call))
    low, high = fused_range(call)
    return {
        "loops": broadcast_fields(graph, node),
        "multiplier": 2 * multiplier - (1 << 32),
        "shift": -shift,
        "a_zero": zero_point_of(call.input(0)),
        "b_zero": zero_point_of(call.input(1)),
        "zero": zero_point_of(call.output),
        "min": low,
        "max": high,
    }


def _is_tabled_product(graph: Graph, node: Node, target: Target) -> bool:
    return _is_product(*_unclamped(graph, node), target)


def _lower_tabled_product(graph: Graph, node: Node, target: Target) -> Layer:
    inner, pair = _unclamped(graph, node)
    table, kernel = _table(graph, node), "eq_dsp_product"
    fields = {"product": _product_fields(inner, pair), "table": table.ref}
    operands = (*pair.inputs, node.outputs[0])
    call = Call(f"{kernel}_table", f"{kernel}_table", fields, operands)
    overlaps = overlaps_of_operands(inner, pair)
    return Layer((call,), (kernel, "eq_broadcast"), (table,), hot=True, overlaps=overlaps)


def _unclamped(graph: Graph, node: Node) -> tuple[Graph, Node]:
    """Return the operator in front of the table without its activation, which `_table` has."""
    return without_table(graph, node, options={"fused_activation_function": "NONE"})


def _table(graph: Graph, node: Node) -> Constant:
    """Return the table from -128 on, behind the activation of the operator."""
    data = graph.tensor(node.inputs[2]).data
    assert data is not None
    low, high = fused_range(call_of(*without_table(graph, node)))
    clamped = np.clip(_BYTES, low, high).astype(np.int8)
    return constant("table", data[clamped.view(np.uint8)], np.int8)


SUMS = (
    Variant("plane", _is_plane, _lower_sum),
    Variant("exact sum", adds_exactly, _lower_exact_sum),
)
PRODUCTS = (Variant("product", _is_product, _lower_product),)
TABLED_SUMS = (
    Variant("tabled plane", _is_tabled_plane, _lower_tabled_sum),
    Variant("tabled exact sum", _adds_tabled, _lower_tabled_exact_sum),
)
TABLED_PRODUCTS = (Variant("tabled product", _is_tabled_product, _lower_tabled_product),)
