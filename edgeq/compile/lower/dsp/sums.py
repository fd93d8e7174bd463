"""ADD and SUB on the DSP extension, of any shapes: kernels/dsp/eq_dsp_add.h."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeq.compile.arithmetic import shifts_right
from edgeq.compile.lower.binary import broadcast_fields
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.elementwise import SUM_SHIFT, sum_factors
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.requantization import fused_range, zero_point_of

_ONE_HALF = (1 << 30, 0)


def adds_exactly(graph: Graph, node: Node, target: Target) -> bool:
    """Whether an operand is on half the common scale, and all else is scaled down."""
    call = call_of(graph, node)
    is_int8 = all(t.dtype == "int8" for t in (call.input(0), call.input(1), call.output))
    *sources, result = sum_factors(call)
    pairs = [quantize_multiplier(factor) for factor in sources]
    return (
        target.dsp
        and is_int8
        and _ONE_HALF in pairs
        and all(p == _ONE_HALF or (p[0] > 0 and p[1] < 0) for p in pairs)
        and result > 0
        and shifts_right([result])
    )


def add_fields(graph: Graph, node: Node) -> tuple[Mapping[str, Any], tuple[int, int]]:
    """Return the initialiser of `struct eq_dsp_add`, and its operands: the plain one first."""
    call = call_of(graph, node)
    *sources, result = sum_factors(call)
    pairs = [quantize_multiplier(factor) for factor in sources]
    plain = pairs.index(_ONE_HALF)
    scaled = 1 - plain
    signs = (1, 1 if node.op == "ADD" else -1)
    zeros = [zero_point_of(call.input(i)) for i in range(2)]
    factor = signs[plain] << (SUM_SHIFT - 1)
    multiplier, shift = pairs[scaled]
    up = SUM_SHIFT + (shift == 0)  # a half of what is a bit further up, which loses nothing
    loops = broadcast_fields(graph, node)
    if plain == 1:
        loops = {"size": loops["size"], "a_step": loops["b_step"], "b_step": loops["a_step"]}
    out, down = quantize_multiplier(result)
    low, high = fused_range(call)
    fields = {
        "loops": loops,
        "plain_factor": factor,
        "plain_offset": -zeros[plain] * factor,
        "scaled_factor": 1 << up,
        "scaled_offset": -zeros[scaled] << up,
        "scaled_multiplier": _word(multiplier),
        "multiplier": _word(out),
        "scaled_shift": max(-shift, 1),
        "shift": -down,
        "sign": signs[scaled],
        "zero": zero_point_of(call.output),
        "min": low,
        "max": high,
    }
    return fields, (node.inputs[plain], node.inputs[scaled])


def _word(multiplier: int) -> int:
    """Return a multiplier as the kernels take it: twice, less 2^32."""
    return 2 * multiplier - (1 << 32)
