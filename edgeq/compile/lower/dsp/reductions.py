"""MEAN and SUM on the DSP extension."""

from __future__ import annotations

from dataclasses import replace

from edgeq.compile.layer import Layer
from edgeq.compile.lower.reductions import lower_mean, mean_loops
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of

_LANES = 4


def _has_lanes(graph: Graph, node: Node, target: Target) -> bool:
    loops = mean_loops(call_of(graph, node))
    return target.dsp and loops is not None and loops[2:4] == (1, 1) and loops[4] >= _LANES


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    plain = lower_mean(graph, node, target)
    (call,) = plain.calls
    kernel = "eq_dsp_mean"
    # The last channels of an odd count are read again when their fellows are written.
    overlaps = () if call.fields["size"][4] % _LANES else plain.overlaps
    return replace(
        plain, calls=(replace(call, kernel=kernel),), sources=(kernel,), hot=True, overlaps=overlaps
    )


MEANS = (Variant("four channels", _has_lanes, _lower),)
