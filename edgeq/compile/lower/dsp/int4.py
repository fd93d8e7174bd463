"""Weights of four bits on cores with SMLAD: unpacked a chunk at a time for the kernels of int8."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import shifts_right, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, constant
from edgeq.compile.lower.dsp.convolution import window_layer
from edgeq.compile.lower.dsp.depthwise import is_any, lower_any
from edgeq.compile.lower.dsp.tiles import pairs_fit
from edgeq.compile.lower.groups import is_packed, weight_multipliers, weight_window
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.core.records import Goal
from edgeq.graph.ir import Graph, Node

_REST = 5  # words of a pair of outputs in the stream of kernels/eq_dsp_tile.h, beside weights
# The memory for unpacked weights.
_CHUNK_BYTES: Mapping[Goal, int] = {"speed": 8192, "balanced": 1024, "flash": 1024, "ram": 512}


def _is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the kernels of int8 can take the weights, chunk by chunk."""
    if not (target.dsp and not target.mve and is_packed(graph, node, target)):
        return False
    rows = weight_values(graph, node)
    return shifts_right(weight_multipliers(graph, node)) and pairs_fit(
        graph, node, rows.reshape(len(rows), -1)
    )


def _lower_tiles(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D or FULLY_CONNECTED: the weights of a chunk of outputs are unpacked at once."""
    window = weight_window(graph, node)
    plain = window_layer(graph, node, window, weight_multipliers(graph, node))
    conv = plain.calls[0].fields
    steps, outputs = int(conv["matrix"]["steps"]), window.output[3]
    stream = plain.constants[0].data.reshape(-1, steps + _REST)
    packed = constant("weights", _pack_words(stream[:, 1 : steps + 1]), np.int8)
    rest = constant("rest", np.delete(stream, np.s_[1 : steps + 1], axis=1), np.int32)
    pair = 4 * (steps + _REST)
    chunk = chunk_outputs(steps, outputs, target.options.goal)
    matrix = {name: v for name, v in conv["matrix"].items() if name != "stream"}
    fields = {
        "weights": packed.ref,
        "rest": rest.ref,
        "chunk": chunk,
        "conv": {**conv, "matrix": matrix},
    }
    operands = (node.inputs[0], SCRATCH, node.outputs[0])
    return Layer(
        (Call("eq_int4_tiles", "eq_int4_tiles", fields, operands),),
        ("eq_int4_tiles", *plain.sources),
        (packed, rest),
        f"{window.describe()}, int4",
        hot=True,
        scratch=chunk // 2 * pair + plain.scratch,
        overlaps=plain.overlaps if chunk >= outputs else (),
    )


def chunk_outputs(steps: int, outputs: int, goal: Goal = "balanced") -> int:
    """Return how many outputs' weights, of so many words each, are unpacked at once."""
    pairs = max(1, _CHUNK_BYTES[goal] // (4 * (steps + _REST)))
    return min(outputs + outputs % 2, 2 * pairs)


def _pack_words(words: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return two bytes for each word, whose halves are a + 256 b: the nibbles a + 8 and b + 8."""
    halves = words.astype("<i4").reshape(-1).view("<i2").astype(np.int64)
    a = (halves + 8 & 0xFF) - 8
    b = (halves - a) >> 8
    return (a + 8 | b + 8 << 4).astype(np.uint8).view(np.int8)


def _is_plane(graph: Graph, node: Node, target: Target) -> bool:
    """Return whether the kernel of int8 for any window can take the weights, chunk by chunk."""
    return not target.mve and is_packed(graph, node, target) and is_any(graph, node, target)


def _lower_plane(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEPTHWISE_CONV_2D: the weights of a chunk of channels are unpacked at once."""
    plain = lower_any(graph, node, target)
    plane, spread = plain.calls[0].fields, plain.constants[0].data.astype(np.int64) + 8
    nibbles = (spread[0::2] | spread[1::2] << 4).astype(np.uint8).view(np.int8)
    packed = constant("weights", nibbles, np.int8)
    channels = int(plane["plane"]["channels"])
    each = spread.size // channels
    chunk = min(channels, max(1, _CHUNK_BYTES[target.options.goal] // 4 // each))
    fields = {
        "weights": packed.ref,
        "chunk": chunk,
        "any": {name: v for name, v in plane.items() if name != "weights"},
    }
    operands = (node.inputs[0], SCRATCH, node.outputs[0])
    return Layer(
        (Call("eq_int4_plane", "eq_int4_plane", fields, operands),),
        ("eq_int4_plane", *plain.sources),
        (packed, *plain.constants[1:]),
        f"{plain.detail}, int4",
        hot=True,
        scratch=-(-chunk * each // 4) * 4 + plain.scratch,
        overlaps=plain.overlaps if graph.tensor(node.inputs[0]).shape[0] == 1 else (),
    )


_TILES = (Variant("int4 tiles", _is_tiled, _lower_tiles),)
ROWS: dict[str, tuple[Variant, ...]] = {
    "CONV_2D": _TILES,
    "DEPTHWISE_CONV_2D": (Variant("int4 plane", _is_plane, _lower_plane),),
    "FULLY_CONNECTED": _TILES,
}
