"""CONV_2D and FULLY_CONNECTED on int16 for cores with SMLAD: tiles of four pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import bias_values
from edgeq.compile.layer import SCRATCH, Call, Constant, Layer, Overlap, constant
from edgeq.compile.lower.convolution import Window
from edgeq.compile.lower.dsp.convolution import first_reads, write_distance
from edgeq.compile.lower.dsp.tiles import PIXELS, factor_words
from edgeq.compile.lower.groups import Grouped, group_node
from edgeq.compile.lower.int16_output import LARGEST, int16_output, sums_fit
from edgeq.compile.lower.overlaps import in_elements
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.fixed_point import quantize_multiplier, reduce_multiplier
from edgeq.graph.oracle.requantization import fused_range
from edgeq.graph.oracle.weighted import has_wide_sums

_T = TypeVar("_T")

ELEMENT_BYTES = 2
# As in kernels/dsp/eq_dsp16_tile.h.
RECTIFIED, TWICE = 1, 2
_PRODUCT = 32  # bits that SMMULR drops
_NOTHING = (1 << 30, -1)  # multiplier and shift of a sum that is always nought


def high_multipliers(factors: list[float]) -> list[int] | None:
    """Return m with (sum * m + 2^31) >> 32 equal to the requantisation of sums of 64 bits, for all
    sums of 32 bits; None where a factor is too large or too small for that.

    TFLite's is (sum * reduced + 2^(right - 1)) >> right with right = 15 - shift and reduced < 2^15:
    both sides of the shift may be multiplied by 2^(32 - right).
    """
    found = []
    for multiplier, shift in map(quantize_multiplier, factors):
        left = _PRODUCT - (15 - shift)
        if multiplier and not 0 <= left <= 16:
            return None
        found.append(reduce_multiplier(multiplier) << left if multiplier else 0)
    return found


def is_int16(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the node is of int16, on a core with SMLAD."""
    return target.dsp and not target.mve and graph.tensor(node.inputs[0]).dtype == "int16"


def _is_walked(window: Window) -> bool:
    """Return whether `struct eq_window` can count the images, and the bytes of a pixel."""
    return max(window.input[0], ELEMENT_BYTES * window.input[3]) < LARGEST


def is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the tiles take a CONV_2D or FULLY_CONNECTED of int16."""
    if not is_int16(graph, node, target):
        return False
    group = group_node(graph, node)
    return (
        _is_walked(group.window)
        and sums_fit(graph, node, group)
        and _factors(graph, node, group) is not None
    )


def _factors(graph: Graph, node: Node, group: Grouped) -> NDArray[np.int64] | None:
    """Return [pairs, 3]: shifts and distance of a pair of outputs, multipliers; None if it has no
    such form."""
    outputs, copies = len(group.rows), len(group.rows) // len(group.multipliers)
    if not has_wide_sums(call_of(graph, node)):
        pairs = [quantize_multiplier(m) for m in group.multipliers]
        if any(m and shift >= 0 for m, shift in pairs):
            return None
        words = factor_words(_filled([p if p[0] else _NOTHING for p in pairs] * copies), outputs)
        words[:, 0] += (words[:, 0] >> 16) << 16  # bytes of the distance
        return words
    high = high_multipliers(group.multipliers)
    if high is None:
        return None
    ends = np.array(_filled(high * copies), np.int64).reshape(-1, 2)
    distance = np.full(len(ends), ELEMENT_BYTES << 16)
    distance[outputs // 2 :] = 0
    return np.stack([distance, ends[:, 1], ends[:, 0]], axis=1)


def _filled(values: Sequence[_T]) -> list[_T]:
    return [*values, *values[: len(values) % 2]]


def order_words(window: Window) -> NDArray[np.int64]:
    """Return the order in which the taps of a window are gathered, in pairs; -1: nothing."""
    (height, width), depth = window.kernel, window.input[3]
    runs, length = (height, width * depth) if window.dilation[1] == 1 else (height * width, depth)
    places = np.arange(runs * length).reshape(runs, length)
    order: NDArray[np.int64] = np.pad(places, ((0, 0), (0, length % 2)), constant_values=-1)
    return order.reshape(-1)


def lower_tiles(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D or FULLY_CONNECTED whose sums fit 32 bits."""
    group = group_node(graph, node)
    factors = _factors(graph, node, group)
    assert factors is not None
    live = np.array([m > 0 for m, _ in map(quantize_multiplier, group.multipliers)])
    words = _weight_words(group.rows * live[:, None], order_words(group.window))
    bias = bias_values(graph, node, len(group.rows)) * live
    biases = np.pad(bias, (0, len(bias) % 2)).reshape(-1, 2)
    stream = constant("stream", np.concatenate([biases, words, factors], axis=1), np.int32)
    low, high = fused_range(call_of(graph, node))
    twice = not has_wide_sums(call_of(graph, node))
    matrix = {
        "stream": stream.ref,
        "steps": words.shape[1],
        "outputs": len(group.rows),
        "finish": RECTIFIED * (low >= 0) + TWICE * twice,
        "min": low,
        "max": high,
    }
    fields = {"window": group.window.fields, "matrix": matrix}
    return _layer(node, group.window, "eq_dsp16_conv", "eq_dsp16_tile", fields, (stream,))


def _weight_words(rows: NDArray[np.int8], order: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return [pairs, steps] of words (a, b, a, b): two taps of two outputs."""
    weights = np.pad(np.where(order >= 0, rows[:, order], 0), ((0, len(rows) % 2), (0, 0)))
    pairs = weights.astype(np.int8).reshape(len(weights) // 2, 2, -1).transpose(0, 2, 1)
    words: NDArray[np.int32] = np.ascontiguousarray(pairs).reshape(len(pairs), -1).view("<i4")
    return words


def is_long(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether sums of 64 bits take a CONV_2D of int16."""
    return is_int16(graph, node, target) and _is_walked(group_node(graph, node).window)


def lower_long(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D of any sums and factors."""
    group = group_node(graph, node)
    output = int16_output(graph, node, group)
    words = _weight_words(group.rows, order_words(group.window))
    weights = constant("weights", words, np.int32)
    fields = {
        "window": group.window.fields,
        "weights": weights.ref,
        "steps": words.shape[1],
        "out": output.fields,
    }
    constants = (weights, *output.constants)
    return _layer(node, group.window, "eq_dsp16_long", "eq_dsp16_long", fields, constants)


def _layer(
    node: Node,
    window: Window,
    kernel: str,
    source: str,
    fields: Mapping[str, Any],
    constants: tuple[Constant, ...],
) -> Layer:
    call = Call(kernel, kernel, fields, (node.inputs[0], SCRATCH, node.outputs[0]))
    distance = write_distance(window.output[3], first_reads(window))
    return Layer(
        (call,),
        (source, "eq_dsp16_windows", "eq_dsp_border"),
        constants,
        f"{window.describe()}, int16",
        hot=True,
        scratch=_tile_bytes(window),
        overlaps=in_elements((Overlap(node.inputs[0], distance),), ELEMENT_BYTES),
    )


def _tile_bytes(window: Window) -> int:
    """Return the bytes of a tile, and of what windows over the border read."""
    columns = (PIXELS - 1) * window.stride[1] + window.reach[1]
    border = ELEMENT_BYTES * window.kernel[0] * columns * window.input[3]
    return PIXELS * ELEMENT_BYTES * len(order_words(window)) + border * window.is_padded
