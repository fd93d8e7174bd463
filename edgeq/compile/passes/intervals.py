"""Interval analysis: between which integers every tensor's elements lie, whatever the input.

Bounds are carried through the exact integer arithmetic, operator by operator. Accumulators are
bounded by interval arithmetic for each output channel; requantisation is monotone, so what it
makes of both ends bounds every output.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import bias_values, weight_values
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.passes.tables import byte_function
from edgeq.graph.ir import DTYPES, Graph, Node, Tensor
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.elementwise import product_factor, sum_factors
from edgeq.graph.oracle.fixed_point import INT32_MAX, INT32_MIN, Integers, quantize_multiplier
from edgeq.graph.oracle.interpreter import prepare
from edgeq.graph.oracle.reductions import mean_factor
from edgeq.graph.oracle.requantization import (
    fused_range,
    quantize_multipliers,
    to_int8,
    zero_point_of,
)
from edgeq.graph.oracle.weighted import output_factors

BYTES = ("int8", "uint8")
_LARGEST_PRODUCT = 255 * 255  # of centred int8


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Bounds of a tensor's elements, inclusive: one pair for each index of the last axis."""

    low: Integers
    high: Integers

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which indices of the last axis have one value only."""
        same: NDArray[np.bool_] = self.low == self.high
        return same

    def over(self, count: int) -> Interval:
        """Return the bounds of the same elements, in the same order, in rows of `count`."""
        channels = len(self.low)
        if count % channels == 0:
            repeats = count // channels
            return Interval(np.tile(self.low, repeats), np.tile(self.high, repeats))
        width = count if channels % count == 0 else 1
        low, high = self.low.reshape(-1, width).min(0), self.high.reshape(-1, width).max(0)
        return Interval(np.resize(low, count), np.resize(high, count))


Intervals = Mapping[int, Interval]
Rule = Callable[[Graph, Node, Intervals], tuple[Interval, ...] | None]


@functools.lru_cache(maxsize=1)  # pass after pass asks, and few of them change a graph
def find_intervals(graph: Graph) -> Intervals:
    """Return the bounds of every tensor of bytes, by tensor index.

    The model's inputs, variables and results of operators without a rule may have any value.
    """
    found = {t.index: _initial(t) for t in graph.tensors if t.dtype in BYTES}
    for node in graph.nodes:
        if all(i in found for i in node.outputs):
            bounds = _byte_function(graph, node, found)
            if bounds is None and node.op in RULES:
                bounds = RULES[node.op](graph, node, found)
            found.update(zip(node.outputs, bounds or (), strict=False))
    return found


def channels_of(tensor: Tensor) -> int:
    """Return the size of the last axis, 1 for a scalar."""
    return tensor.shape[-1] if tensor.shape else 1


def _initial(tensor: Tensor) -> Interval:
    channels = channels_of(tensor)
    if tensor.data is not None and tensor.elements:
        rows = tensor.data.reshape(-1, channels).astype(np.int64)
        return Interval(rows.min(axis=0), rows.max(axis=0))
    limits = np.iinfo(DTYPES[tensor.dtype])
    return Interval(np.full(channels, limits.min), np.full(channels, limits.max))


# --- Operators with weights ----------------------------------------------------------------------


def padded_taps(window: Window) -> NDArray[np.bool_]:
    """Return which taps [kernel height, kernel width] of some window lie outside the input."""
    sides = []
    for axis in range(2):
        first = np.arange(window.kernel[axis]) * window.dilation[axis] - window.pad[axis]
        last = first + (window.output[1 + axis] - 1) * window.stride[axis]
        sides.append((first < 0) | (last >= window.input[1 + axis]))
    return sides[0][:, None] | sides[1][None, :]


def _centred(graph: Graph, node: Node, known: Intervals, channels: int) -> Interval:
    zero = zero_point_of(graph.tensor(node.inputs[0]))
    bounds = known[node.inputs[0]].over(channels)
    return Interval(bounds.low - zero, bounds.high - zero)


def _at_taps(bounds: Interval, outside: NDArray[np.bool_]) -> Interval:
    """Return the bounds [taps, channels] of what each tap reads: nought too where it is padded."""
    padded = outside.reshape(-1, 1)
    return Interval(
        np.where(padded, np.minimum(bounds.low, 0), bounds.low),
        np.where(padded, np.maximum(bounds.high, 0), bounds.high),
    )


def is_constant_weighted(graph: Graph, node: Node) -> bool:
    """Whether a node computes int8 from int8 with constant int8 or int4 weights and bias."""
    x, w, y = (graph.tensor(i) for i in (*node.inputs[:2], node.outputs[0]))
    bias = graph.tensor(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] >= 0 else None
    return (
        x.dtype == y.dtype == "int8"
        and w.dtype in ("int8", "int4")
        and w.is_constant
        and (bias is None or bias.is_constant)
    )


def _convolution(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    window = node_window(graph, node)
    bounds = _at_taps(_centred(graph, node, known, window.input[3]), padded_taps(window))
    weights = weight_values(graph, node)
    return _accumulated(graph, node, bounds, weights.reshape(len(weights), -1))


def _depthwise(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    window = node_window(graph, node)
    copies = window.output[3] // window.input[3]
    once = _centred(graph, node, known, window.input[3])
    each = Interval(np.repeat(once.low, copies), np.repeat(once.high, copies))
    bounds = _at_taps(each, padded_taps(window))
    weights = weight_values(graph, node)[0].reshape(-1, window.output[3])
    return _accumulated(graph, node, Interval(bounds.low.T, bounds.high.T), weights.T)


def _dense(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    weights = weight_values(graph, node)
    return _accumulated(graph, node, _centred(graph, node, known, weights.shape[1]), weights)


def _accumulated(
    graph: Graph, node: Node, bounds: Interval, rows: NDArray[np.int8]
) -> tuple[Interval, ...]:
    """Return the bounds of the outputs of weights [outputs, depth] whose inputs keep `bounds`."""
    low, high = accumulated_bounds(bounds, rows)
    bias = bias_values(graph, node, len(rows))
    call = call_of(graph, node)
    multipliers, shifts = quantize_multipliers(output_factors(call))
    return (
        requantized_bounds(
            Interval(low + bias, high + bias),
            np.broadcast_to(multipliers, len(rows)),
            np.broadcast_to(shifts, len(rows)),
            zero_point_of(call.output),
            fused_range(call),
        ),
    )


def accumulated_bounds(bounds: Interval, rows: NDArray[np.int8]) -> tuple[Integers, Integers]:
    """Return the least and the largest sum of each row's products (exact in float64)."""
    shape = rows.shape
    low, high = (
        np.broadcast_to(end.reshape(1, -1) if end.size == shape[1] else end, shape)
        for end in (bounds.low, bounds.high)
    )
    positive, negative = (f(rows, 0).astype(np.float64) for f in (np.maximum, np.minimum))
    least = (positive * low + negative * high).sum(axis=1)
    most = (positive * high + negative * low).sum(axis=1)
    return least.astype(np.int64), most.astype(np.int64)


def requantized_bounds(
    bounds: Interval,
    multipliers: Integers,
    shifts: Integers,
    zero: int,
    limits: tuple[int, int] = (-128, 127),
) -> Interval:
    """Return what requantisation makes of both ends; any int8 where 32 bits may wrap."""
    left = np.maximum(shifts, 0)
    least, most = (np.clip(end, INT32_MIN - 1, INT32_MAX + 1) for end in (bounds.low, bounds.high))
    fits = (least << left >= INT32_MIN) & (most << left <= INT32_MAX)
    ends = (to_int8(np.where(fits, x, 0), multipliers, shifts, zero, limits) for x in (least, most))
    low, high = (end.astype(np.int64) for end in ends)
    return Interval(np.where(fits, low, limits[0]), np.where(fits, high, limits[1]))


# --- Operators that keep an order, or have a table -----------------------------------------------


def _at_both_ends(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    """Return what the oracle computes of the least and of the largest inputs."""
    run = prepare(graph, node)
    ends = []
    for end in ("low", "high"):
        given = run(*(_filled(graph, i, known, end) for i in node.inputs))
        results = given if isinstance(given, tuple) else (given,)
        rows = [r.reshape(-1, r.shape[-1] if r.ndim else 1).astype(np.int64) for r in results]
        ends.append(rows)
    return tuple(
        Interval(low.min(axis=0), high.max(axis=0)) for low, high in zip(*ends, strict=True)
    )


def _filled(graph: Graph, index: int, known: Intervals, end: str) -> NDArray[Any] | None:
    if index < 0:
        return None
    tensor = graph.tensor(index)
    if tensor.is_constant or index not in known:
        return tensor.data
    row = getattr(known[index], end).astype(DTYPES[tensor.dtype])
    return np.broadcast_to(row, tensor.shape)


def _sum(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    """ADD, and SUB with the ends of its second operand exchanged."""
    call = call_of(graph, node)
    if not _is_int8(graph, node) or quantize_multiplier(sum_factors(call)[2])[1] > 0:
        return None
    if node.op == "ADD":
        return _at_both_ends(graph, node, known)
    right = known[node.inputs[1]]
    if node.inputs[0] == node.inputs[1] or call.input(1).is_constant:
        return None
    exchanged = {**known, node.inputs[1]: Interval(right.high, right.low)}
    return _at_both_ends(graph, node, exchanged)


def _product(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    """MUL: the extremes of a product lie at the ends of its factors."""
    call = call_of(graph, node)
    _, shift = quantize_multiplier(product_factor(call))
    if not _is_int8(graph, node) or _LARGEST_PRODUCT << max(shift, 0) > INT32_MAX:
        return None
    run, channels = prepare(graph, node), channels_of(call.output)
    ends = [known[i].over(channels) for i in node.inputs]
    corners = [
        run(a.astype(np.int8), b.astype(np.int8)).astype(np.int64)
        for a in (ends[0].low, ends[0].high)
        for b in (ends[1].low, ends[1].high)
    ]
    return (Interval(np.min(corners, axis=0), np.max(corners, axis=0)),)


def _channel_function(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    """An operator with a constant row: a function of one byte for each channel."""
    x, row = (graph.tensor(i) for i in node.inputs[:2])
    is_row = row.data is not None and row.elements == channels_of(row)
    if not (is_row and _is_int8(graph, node) and x.shape == graph.tensor(node.outputs[0]).shape):
        return None
    assert row.data is not None
    levels = np.arange(-128, 128, dtype=np.int8)[:, None]
    values = prepare(graph, node)(levels, row.data.reshape(1, -1)).astype(np.int64)
    bounds, channels = known[x.index], channels_of(x)
    values = np.broadcast_to(values, (256, channels))
    spans = zip(values.T, bounds.low + 128, bounds.high + 129, strict=True)
    ends = np.array([(v[a:b].min(), v[a:b].max()) for v, a, b in spans])
    return (Interval(ends[:, 0], ends[:, 1]),)


def _either(*rules: Rule) -> Rule:
    """Return the first rule that says something."""
    return lambda graph, node, known: next(
        (bounds for rule in rules if (bounds := rule(graph, node, known)) is not None), None
    )


def _mean(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    if not _is_int8(graph, node) or mean_factor(call_of(graph, node))[1] > 0:
        return None
    return _at_both_ends(graph, node, known)


def _ordered(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    return _at_both_ends(graph, node, known) if _is_int8(graph, node) else None


def _moved(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    return _at_both_ends(graph, node, known)


def _byte_function(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
    function = byte_function(graph, node)
    if function is None:
        return None
    bounds, values = known[function.source], function.ascending
    spans = np.stack([bounds.low, bounds.high], axis=1) - function.least
    distinct, which = np.unique(spans, axis=0, return_inverse=True)
    parts = [values[a : b + 1].astype(np.int64) for a, b in distinct]
    ends = np.array([(part.min(), part.max()) for part in parts])[which.reshape(-1)]
    return (Interval(ends[:, 0], ends[:, 1]).over(channels_of(graph.tensor(node.outputs[0]))),)


def _is_int8(graph: Graph, node: Node) -> bool:
    computed = (graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0]))
    return all(t.dtype == "int8" for t in computed)


def _weighted(rule: Rule) -> Rule:
    def checked(graph: Graph, node: Node, known: Intervals) -> tuple[Interval, ...] | None:
        return rule(graph, node, known) if is_constant_weighted(graph, node) else None

    return checked


RULES: dict[str, Rule] = {
    "CONV_2D": _weighted(_convolution),
    "DEPTHWISE_CONV_2D": _weighted(_depthwise),
    "FULLY_CONNECTED": _weighted(_dense),
    "ADD": _either(_channel_function, _sum),
    "SUB": _either(_channel_function, _sum),
    "MUL": _either(_channel_function, _product),
    **dict.fromkeys(("DIV", "PRELU", "SQUARED_DIFFERENCE"), _channel_function),
    "MEAN": _mean,
    **dict.fromkeys(
        (
            "AVERAGE_POOL_2D", "MAX_POOL_2D", "MAXIMUM", "MINIMUM", "REDUCE_MAX", "REDUCE_MIN",
            "RESIZE_BILINEAR",
        ),
        _ordered,
    ),
    **dict.fromkeys(
        (
            "BATCH_TO_SPACE_ND", "BROADCAST_TO", "CONCATENATION", "DEPTH_TO_SPACE", "EXPAND_DIMS",
            "MIRROR_PAD", "PACK", "PAD", "PADV2", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR",
            "REVERSE_V2", "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V",
            "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE", "UNPACK",
        ),
        _moved,
    ),
}  # fmt: skip
