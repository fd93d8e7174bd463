"""A clamp behind an operator that clamps anyway becomes that operator's own."""

from __future__ import annotations

import numpy as np

from edgeq.compile.passes.intervals import Intervals, find_intervals
from edgeq.compile.passes.no_ops import byte_span, reshape_node
from edgeq.compile.passes.rewriting import (
    Draft,
    Rewrite,
    count_of,
    find_consumers,
    find_producers,
)
from edgeq.compile.passes.tables import byte_function
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import fused_range

_CLAMPING = (
    "ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D",
    "MUL", "SUB",
)  # fmt: skip


def fuse_activations(graph: Graph) -> Rewrite:
    """Return the graph with clamps fused into the operators before them.

    What is left of the clamp is a reshape, for its result may be quantised differently.
    """
    draft, fused = Draft(graph), set[int]()
    intervals = find_intervals(graph)
    consumers, producers = find_consumers(graph), find_producers(graph)
    for node in graph.nodes:
        limits = _clamp_of(graph, node, intervals)
        source = next((t for t in node.inputs if t in producers), -1)
        if limits is None or source in graph.outputs or len(consumers.get(source, ())) != 1:
            continue
        producer = producers[source]
        # An operator with a constant scalar may clamp too: once fused, it is a reshape.
        if producer.op not in _CLAMPING or producer.index in fused:
            continue
        # The clamp of a clamp: each end of the first goes through the second.
        low, high = (int(np.clip(end, *limits)) for end in fused_range(call_of(graph, producer)))
        options = {**producer.options, "activation_min": low, "activation_max": high}
        draft.replace(producer, options=options)
        draft.nodes[node.index] = reshape_node(node, source)
        fused.add(node.index)
    if not fused:
        return Rewrite(graph)
    return Rewrite(draft.finish(), len(fused), f"{count_of(len(fused), 'clamp')} fused")


def _clamp_of(graph: Graph, node: Node, intervals: Intervals) -> tuple[int, int] | None:
    """Return the limits of a node that clamps the bytes that can come, None for any other."""
    function = byte_function(graph, node)
    if function is None or {function.dtype, graph.tensor(node.outputs[0]).dtype} != {"int8"}:
        return None
    span = byte_span(function, intervals)
    levels, values = function.levels[span], function.ascending[span]
    low, high = int(values.min()), int(values.max())
    is_clamp = np.array_equal(np.clip(levels, low, high), values)
    return (low, high) if is_clamp and not np.array_equal(levels, values) else None
