"""AVERAGE_POOL_2D and MAX_POOL_2D on int16 for cores with the DSP extension."""

from __future__ import annotations

from dataclasses import replace

from edgeq.compile.layer import Layer
from edgeq.compile.lower.dsp.int16_tiles import is_int16
from edgeq.compile.lower.int16_elementwise import lower_pool
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node


def has_pairs(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether there are two channels."""
    return is_int16(graph, node, target) and graph.tensor(node.inputs[0]).shape[3] > 1


def lower_pairs(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower AVERAGE_POOL_2D or MAX_POOL_2D, two channels at once."""
    plain = lower_pool(graph, node, target)
    (call,) = plain.calls
    kernel = call.kernel.replace("eq_int16_", "eq_dsp16_")
    return replace(
        plain, calls=(replace(call, kernel=kernel),), sources=("eq_dsp16_pool",), hot=True
    )
