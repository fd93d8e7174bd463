"""Tables, pools, means and copies: the plain layers, with kernels for vectors in their calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgeq.compile.layer import Call, Layer
from edgeq.compile.lower.elementwise import lower_quantize, lower_table
from edgeq.compile.lower.movement import lower_movement, lower_pad
from edgeq.compile.lower.mve.arithmetic import LANES
from edgeq.compile.lower.pooling import lower_pool, pool_window
from edgeq.compile.lower.reductions import lower_mean, mean_loops
from edgeq.compile.lower.variants import Lower, Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.reductions import mean_factor

_MOST_TAPS = 4095  # of an average whose division is one multiplication
_BYTE = ("int8", "uint8")


def has_vectors(graph: Graph, node: Node, target: Target) -> bool:
    """Whether the target has Helium."""
    return target.mve


def maps_bytes(graph: Graph, node: Node, target: Target) -> bool:
    """Whether input and output are bytes."""
    ends = (node.inputs[0], node.outputs[0])
    return target.mve and all(graph.tensor(t).dtype in _BYTE for t in ends)


def has_channels(graph: Graph, node: Node, target: Target) -> bool:
    """Whether a pool has channels for a vector, and windows of few enough taps."""
    height, width = pool_window(graph, node).kernel
    wide = graph.tensor(node.outputs[0]).shape[-1] >= LANES
    return target.mve and wide and height * width <= _MOST_TAPS


def keeps_channels(graph: Graph, node: Node, target: Target) -> bool:
    """Whether a mean keeps the last axis, enough of it for a vector, and shrinks."""
    op = call_of(graph, node)
    loops = mean_loops(op)
    if not target.mve or loops is None or loops[-1] < LANES:
        return False
    multiplier, shift = mean_factor(op)
    return multiplier == 0 or shift < 0


def with_kernels(lower: Lower, kernels: Mapping[str, tuple[str, str]]) -> Lower:
    """Return `lower` with other kernels of the same parameters: name -> (name, source).

    They read earlier and write later than those they replace: what may lie in place still may.
    """

    def lower_vectors(graph: Graph, node: Node, target: Target) -> Layer:
        layer = lower(graph, node, target)
        chosen = [kernels.get(c.kernel) if _has_rows(c) else None for c in layer.calls]
        calls = [
            replace(c, kernel=row[0]) if row else c
            for c, row in zip(layer.calls, chosen, strict=True)
        ]
        plain = layer.sources if None in chosen else ()
        sources = (*plain, *sorted({row[1] for row in chosen if row}))
        return replace(layer, calls=tuple(calls), sources=sources, hot=True)

    return lower_vectors


def _has_rows(call: Call) -> bool:
    """Whether a copy moves rows of bytes; any other call does."""
    if "to_step" not in call.fields:
        return True
    steps = (call.fields["from_step"][-1], call.fields["to_step"][-1])
    return steps == (1, 1) and call.fields["size"][-1] >= LANES


def lower_mean_rows(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower MEAN over axes before the last one."""
    layer = lower_mean(graph, node, target)
    (call,) = layer.calls
    multiplier, shift = mean_factor(call_of(graph, node))
    fields = {**call.fields, "shift": shift if multiplier else -1}
    return replace(
        layer,
        calls=(replace(call, kernel="eq_mve_mean", fields=fields),),
        sources=("eq_mve_pool",),
        hot=True,
    )


_MOVES = {
    "eq_copy": ("eq_mve_move", "eq_mve_move"),
    "eq_fill": ("eq_mve_fill", "eq_mve_move"),
}
_POOLS = {
    "eq_average_pool": ("eq_mve_average_pool", "eq_mve_pool"),
    "eq_max_pool": ("eq_mve_max_pool", "eq_mve_pool"),
}
_TABLES = {"eq_lut": ("eq_mve_lut", "eq_mve_lut")}

_UNARY = (
    "LOGISTIC", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "HARD_SWISH",
    "ELU", "ABS", "RSQRT", "LOGICAL_NOT", "BYTE_TABLE",
)  # fmt: skip
_MOVEMENTS = (
    "CONCATENATION", "PACK", "UNPACK", "SPLIT", "SPLIT_V", "SLICE", "STRIDED_SLICE", "TRANSPOSE",
    "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "BATCH_TO_SPACE_ND", "BROADCAST_TO",
)  # fmt: skip

_POOL = (Variant("mve-pool", has_channels, with_kernels(lower_pool, _POOLS)),)
_MOVE = (Variant("mve-move", has_vectors, with_kernels(lower_movement, _MOVES)),)
_PAD = (Variant("mve-move", has_vectors, with_kernels(lower_pad, _MOVES)),)
_TABLE = (Variant("mve-lut", has_vectors, with_kernels(lower_table, _TABLES)),)

ELEMENTWISE_ROWS: dict[str, tuple[Variant, ...]] = {
    "AVERAGE_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "MEAN": (Variant("mve-mean", keeps_channels, lower_mean_rows),),
    **dict.fromkeys(_MOVEMENTS, _MOVE),
    **dict.fromkeys(("PAD", "PADV2", "SPACE_TO_BATCH_ND"), _PAD),
    **dict.fromkeys(_UNARY, _TABLE),
    "QUANTIZE": (Variant("mve-lut", maps_bytes, with_kernels(lower_quantize, _TABLES)),),
}
