"""Operators that change no byte become reshapes, which take no time; plain ones of them go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgeq.compile.memory.lifetimes import RESHAPES
from edgeq.compile.passes.intervals import Intervals, find_intervals
from edgeq.compile.passes.rewriting import Draft, Rewrite, count_of, find_producers
from edgeq.compile.passes.tables import ByteFunction, byte_function
from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph, Node, Tensor
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier
from edgeq.graph.oracle.interpreter import prepare
from edgeq.graph.oracle.reductions import mean_factor
from edgeq.graph.oracle.requantization import fused_range

# Operators that only move elements: what they do to numbers they do to any bytes.
_MOVEMENTS = frozenset(
    (
        "BATCH_TO_SPACE_ND", "BROADCAST_TO", "CONCATENATION", "DEPTH_TO_SPACE", "MIRROR_PAD",
        "PACK", "PAD", "PADV2", "REDUCE_MAX", "REDUCE_MIN", "RESIZE_NEAREST_NEIGHBOR",
        "REVERSE_V2", "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V",
        "STRIDED_SLICE", "UNPACK",
    )
)  # fmt: skip
_POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")


def remove_no_ops(graph: Graph) -> Rewrite:
    """Return the graph without operators that leave every byte as it is.

    One becomes a reshape, for its result may mean other numbers by its own quantisation. A reshape
    between tensors of one shape and one meaning goes, where it does not join an input to an output.
    """
    draft, changed = Draft(graph), 0
    intervals = find_intervals(graph)
    for node in graph.nodes:
        source = _unchanged_source(graph, node, intervals)
        if source is not None:
            draft.nodes[node.index] = reshape_node(node, source)
            changed += 1
    changed += _remove_reshapes(draft)
    if not changed:
        return Rewrite(graph)
    return Rewrite(draft.finish(), changed, f"{count_of(changed, 'operator')} without an effect")


def reshape_node(node: Node, source: int) -> Node:
    """Return a reshape of `source` in the place of `node`."""
    return replace(node, op="RESHAPE", version=1, inputs=(source,), options={})


def _unchanged_source(graph: Graph, node: Node, intervals: Intervals) -> int | None:
    """Return the input whose bytes a node gives as they are, None where it changes some."""
    computed = [t for t in node.inputs if t >= 0 and not graph.tensor(t).is_constant]
    if node.op in RESHAPES or len(computed) != 1 or len(node.outputs) != 1:
        return None
    x, y = graph.tensor(computed[0]), graph.tensor(node.outputs[0])
    if x.dtype != y.dtype or x.elements != y.elements:
        return None
    rule = _EFFECTS.get(node.op, _keeps_bytes)
    return x.index if rule(graph, node, x, intervals) else None


def _keeps_bytes(graph: Graph, node: Node, x: Tensor, intervals: Intervals) -> bool:
    """Whether a function of one byte gives every byte that can come as it is."""
    function = byte_function(graph, node)
    if function is None:
        return False
    span = byte_span(function, intervals)
    return np.array_equal(function.ascending[span], function.levels[span])


def byte_span(function: ByteFunction, intervals: Intervals) -> slice:
    """Return which of the function's levels can come, by the bounds of its source."""
    bounds = intervals[function.source]
    return slice(
        int(bounds.low.min()) - function.least, int(bounds.high.max()) - function.least + 1
    )


def _keeps_places(graph: Graph, node: Node, x: Tensor, intervals: Intervals) -> bool:
    """Whether the elements keep their order: numbers in their place show it."""
    numbers = np.arange(x.elements).reshape(x.shape)
    try:
        run = prepare(graph, node)
    except InputError:
        return False
    inputs = (numbers if i == x.index else graph.tensor(i).data for i in node.inputs)
    return np.array_equal(np.ravel(run(*inputs)), np.ravel(numbers))


def _takes_single_taps(graph: Graph, node: Node, x: Tensor, intervals: Intervals) -> bool:
    """Whether a pool's windows are single elements, and its clamp lets everything through."""
    call = call_of(graph, node)
    if x.dtype != "int8" or call.number("filter_height") * call.number("filter_width") != 1:
        return False
    low, high = fused_range(call)
    bounds = intervals[x.index]
    return bool(low <= bounds.low.min() and bounds.high.max() <= high)


def _means_single_elements(graph: Graph, node: Node, x: Tensor, intervals: Intervals) -> bool:
    call = call_of(graph, node)
    return (
        x.dtype == "int8"
        and x.quantization == call.output.quantization
        and mean_factor(call) == quantize_multiplier(1.0)
    )


_EFFECTS: dict[str, Callable[[Graph, Node, Tensor, Intervals], bool]] = {
    **dict.fromkeys(_MOVEMENTS, _keeps_places),
    **dict.fromkeys(_POOLS, _takes_single_taps),
    "MEAN": _means_single_elements,
}


# --- Reshapes ------------------------------------------------------------------------------------


def _remove_reshapes(draft: Draft) -> int:
    """Remove reshapes that change nothing, and read through those that feed another."""
    removed = 0
    for index in [n.index for n in draft.nodes.values() if n.op in RESHAPES]:
        node = draft.nodes[index]
        source = find_producers(draft.graph).get(node.inputs[0])
        if source is not None and source.op in RESHAPES:
            node = draft.nodes[index] = reshape_node(node, source.inputs[0])
        removed += _remove_reshape(draft, node)
    return removed


def _remove_reshape(draft: Draft, node: Node) -> bool:
    graph = draft.graph
    x, y = graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])
    if (x.shape, x.dtype, x.quantization) != (y.shape, y.dtype, y.quantization):
        return False
    if x.is_variable or y.is_variable:
        return False
    if y.index not in graph.outputs:
        del draft.nodes[node.index]
        _exchange(draft, y.index, x.index)
        return True
    producer = find_producers(graph).get(x.index)
    if producer is None or x.index in graph.outputs:
        return False
    del draft.nodes[node.index]
    _exchange(draft, x.index, y.index)
    outputs = tuple(y.index if t == x.index else t for t in producer.outputs)
    draft.replace(producer, outputs=outputs)
    return True


def _exchange(draft: Draft, old: int, new: int) -> None:
    """Let every node that reads tensor `old` read `new`."""
    for node in list(draft.nodes.values()):
        if old in node.inputs:
            draft.replace(node, inputs=tuple(new if t == old else t for t in node.inputs))
