"""ADD and SUB on the DSP extension."""

from __future__ import annotations

import numpy as np

from edgeq.compile.layer import Call, Layer, Overlap
from edgeq.compile.lower.variants import Variant
from edgeq.compile.sums import Plane, fit_plane
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.interpreter import prepare
from edgeq.graph.oracle.requantization import scale_of

_SIGNS = {"ADD": 1, "SUB": -1}


def sum_plane(graph: Graph, node: Node) -> Plane | None:
    """Return ADD or SUB of equal shapes as a plane, None where the shapes differ or none fits."""
    a, b, y = (graph.tensor(i) for i in (*node.inputs[:2], node.outputs[0]))
    if not a.elements == b.elements == y.elements:
        return None
    bytes_ = np.arange(-128, 128).astype(np.int8)
    outputs = np.asarray(prepare(graph, node)(bytes_[:, None], bytes_[None, :]))
    left, right, unit = (float(scale_of(t)) for t in (a, b, y))
    return fit_plane(outputs, left / unit, _SIGNS[node.op] * right / unit)


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
