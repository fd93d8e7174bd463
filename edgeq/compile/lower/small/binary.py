"""ADD and SUB of equal shapes as a plane: kernels/small/eq_small_sum.h."""

from __future__ import annotations

from edgeq.compile.layer import Call, Layer, Overlap
from edgeq.compile.lower.small.paired import suits
from edgeq.compile.lower.sums import sum_plane
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

_LOW_BITS = 8  # of a factor, which are multiplied apart


def _is_plane(graph: Graph, node: Node, target: Target) -> bool:
    return suits(target) and sum_plane(graph, node) is not None


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    plane = sum_plane(graph, node)
    assert plane is not None
    fields = {
        "count": graph.tensor(node.outputs[0]).elements,
        "a_high": plane.left >> _LOW_BITS,
        "b_high": plane.right >> _LOW_BITS,
        "offset": plane.offset,
        "a_low": plane.left & (1 << _LOW_BITS) - 1,
        "b_low": plane.right & (1 << _LOW_BITS) - 1,
    }
    kernel = "eq_small_sum"
    call = Call(kernel, kernel, fields, (*node.inputs[:2], node.outputs[0]))
    overlaps = tuple(Overlap(tensor) for tensor in dict.fromkeys(node.inputs[:2]))
    return Layer((call,), (kernel,), hot=True, overlaps=overlaps)


SUM = Variant("plane", _is_plane, _lower)
