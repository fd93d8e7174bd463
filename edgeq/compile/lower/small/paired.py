"""CONV_2D, two pixels to a register: kernels/small/eq_paired.h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import channel_multipliers, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, constant
from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.overlaps import over_window
from edgeq.compile.lower.small.scaling import finishing
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of

CHUNK = 2  # taps whose products two 16-bit lanes can hold
TILE = 4  # pixels that are packed, then computed
UNROLLED = 4  # taps that the inner loop takes at once
CORES = frozenset({"cortex-m0", "cortex-m0plus", "cortex-m3", "rv32imc", "rv32imac"})
BIASED = frozenset({"cortex-m0", "cortex-m0plus"})  # a byte load with an offset has no sign there
LANES = range(-(1 << 15), 1 << 15)


def suits(target: Target) -> bool:
    """Tell whether the core has no SIMD, and speed counts for more than flash."""
    return target.core in CORES and target.options.goal != "flash"


def paired_weights(window: Window, weights: NDArray[np.int8], filling: int = 0) -> NDArray[np.int8]:
    """Return the weights as [outputs, depth], each run of neighbouring taps of even length.

    Args:
        weights: [outputs, kernel height, kernel width, inputs].
        filling: what runs are filled up with, any weight: it is multiplied by nought.
    """
    outputs, height, width, inputs = weights.shape
    runs = weights.reshape(outputs, height, width * inputs)
    even = np.pad(
        runs, ((0, 0), (0, 0), (0, -runs.shape[2] % CHUNK)), constant_values=filling
    ).reshape(outputs, -1)
    return np.pad(even, ((0, 0), (0, -even.shape[1] % UNROLLED)), constant_values=filling)


def lanes_hold(rows: NDArray[np.int8]) -> bool:
    """Tell whether no chunk of taps can leave its lane, whatever the activations are.

    Args:
        rows: [outputs, depth], as `paired_weights` returns them.
    """
    chunks = rows.astype(np.int32).reshape(-1, CHUNK)
    ends = np.stack([chunks * -128, chunks * 127])
    low, high = ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)
    return bool(low.min(initial=0) in LANES and high.max(initial=0) in LANES)


def is_paired(graph: Graph, node: Node, target: Target) -> bool:
    """Tell whether there are pixels to pair, and weights that the lanes hold."""
    window = node_window(graph, node)
    pixels = window.output[1] * window.output[2]
    return (
        suits(target)
        and pixels > 1
        and lanes_hold(paired_weights(window, weight_values(graph, node)))
    )


def staged_bytes(window: Window) -> int:
    """Return what the taps of four pixels take whose windows reach over the border."""
    apart = window.is_padded or window.dilation[1] > 1
    return TILE * window.kernel[1] * window.input[3] if apart else 0


def lower_paired(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D of several output pixels."""
    window = node_window(graph, node)
    weights = weight_values(graph, node)
    rows = paired_weights(window, weights)
    finish, arrays = finishing(
        graph, node, weights.reshape(len(weights), -1), channel_multipliers(graph, node)
    )
    kernel, words = ("eq_paired_biased", 3) if target.core in BIASED else ("eq_paired", 2)
    array = constant("weights", rows ^ np.int8(-128) if target.core in BIASED else rows, np.int8)
    depth = rows.shape[1]
    fields = {
        "window": window.fields,
        "depth": depth,
        "made": len(weights),
        "in_zero": zero_point_of(graph.tensor(node.inputs[0])),
        "weights": array.ref,
        **finish,
    }
    operands = (SCRATCH, node.inputs[0], node.outputs[0])
    call = Call(kernel, "eq_paired", fields, operands)
    return Layer(
        (call,),
        (kernel,),
        (array, *arrays),
        window.describe(),
        hot=True,
        scratch=4 * words * depth + staged_bytes(window),
        overlaps=over_window(node.inputs[0], window, TILE, buffered=True),
    )
