"""AVERAGE_POOL_2D and MAX_POOL_2D on the DSP extension."""

from __future__ import annotations

import math
from dataclasses import replace

from edgeq.compile.layer import Layer
from edgeq.compile.lower.pooling import lower_pool, pool_window
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node

_TAPS = 255  # int8 that a sum of int16 holds
_LANES = 4


def _has_lanes(graph: Graph, node: Node, target: Target) -> bool:
    window = pool_window(graph, node)
    taps = math.prod(min(k, n) for k, n in zip(window.kernel, window.input[1:3], strict=True))
    few = node.op == "MAX_POOL_2D" or taps <= _TAPS
    return target.dsp and window.input[3] >= _LANES and few


def _lower(graph: Graph, node: Node, target: Target) -> Layer:
    plain = lower_pool(graph, node, target)
    (call,) = plain.calls
    kernel = call.kernel.replace("eq_", "eq_dsp_")
    return replace(plain, calls=(replace(call, kernel=kernel),), sources=("eq_dsp_pool",), hot=True)


POOLS = (Variant("four channels", _has_lanes, _lower),)
