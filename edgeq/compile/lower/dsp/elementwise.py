"""Tables of 256 bytes that are a clamp, on the DSP extension."""

from __future__ import annotations

import numpy as np

from edgeq.compile.layer import Call, Layer
from edgeq.compile.lower.overlaps import in_order
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.interpreter import prepare

_BYTES = np.arange(-128, 128).astype(np.int8)


def _limits(graph: Graph, node: Node) -> tuple[int, int]:
    """Return the least and the greatest output."""
    values = np.asarray(prepare(graph, node)(_BYTES))
    return int(values.min()), int(values.max())


def _is_clamp(graph: Graph, node: Node, target: Target) -> bool:
    tensors = (graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0]))
    if not target.dsp or any(t.dtype != "int8" for t in tensors):
        return False
    values = np.asarray(prepare(graph, node)(_BYTES))
    return bool(np.array_equal(values, np.clip(_BYTES, *_limits(graph, node))))


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    low, high = _limits(graph, node)
    fields = {"count": graph.tensor(node.outputs[0]).elements, "min": low, "max": high}
    operands = (node.inputs[0], node.outputs[0])
    call = Call("eq_dsp_clamp_bytes", "eq_dsp_clamp", fields, operands)
    return Layer((call,), ("eq_dsp_clamp",), hot=True, overlaps=in_order(graph, node))


CLAMPS = (Variant("clamp", _is_clamp, _lower),)
