"""ADD and SUB on the DSP extension."""

from __future__ import annotations

from edgeq.compile.layer import Call, Layer, Overlap
from edgeq.compile.lower.sums import sum_plane
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node


def _is_plane(graph: Graph, node: Node, target: Target) -> bool:
    return target.dsp and sum_plane(graph, node) is not None


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    plane = sum_plane(graph, node)
    assert plane is not None
    fields = {
        "count": graph.tensor(node.outputs[0]).elements,
        "a_factor": plane.left,
        "b_factor": plane.right,
        "offset": plane.offset,
    }
    kernel = "eq_dsp_sum"
    call = Call(kernel, kernel, fields, (*node.inputs[:2], node.outputs[0]))
    overlaps = tuple(Overlap(tensor) for tensor in dict.fromkeys(node.inputs[:2]))
    return Layer((call,), (kernel,), hot=True, overlaps=overlaps)


SUMS = (Variant("plane", _is_plane, _lower),)
