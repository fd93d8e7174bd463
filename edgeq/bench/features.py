"""What a layer's cost grows with: a few counts of its shapes, the same for every core.

The cost of a layer is a sum over its features, each times a non-negative coefficient of its
kernel's (`edgeq.bench.costs`). Counts are per inference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.movement import COPIES
from edgeq.compile.lower.pooling import pool_window
from edgeq.compile.lower.reductions import mean_loops
from edgeq.core.records import PlannedLayer
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of, macs

Features = Mapping[str, float]

VECTOR_BYTES = 16  # of an MVE register

# name -> what is counted; the page docs/estimate.md is written from it.
MEANING = {
    "calls": "1 for each layer",
    "outputs": "elements of the output",
    "macs": "multiply-accumulates, where weights serve several pixels",
    "single_macs": "multiply-accumulates of a layer with one output pixel",
    "border_macs": "multiply-accumulates of windows that reach over the border, padding included",
    "runs": "contiguous runs of bytes that the products of all outputs are made of",
    "vectors": "steps of 16 bytes over a window, a row (depthwise: the channels), the last filled up",
    "quads": "multiply-accumulates by fours of outputs, the last four filled up",
    "pixels": "output pixels",
    "lines": "rows of output pixels, for each channel",
    "border_outputs": "outputs whose window reaches over the border",
    "columns": "columns of output pixels, for each channel",
    "channels": "output channels",
    "weights": "weights",
    "taps": "elements of all windows",
    "inputs": "elements of the input",
    "rows": "rows, or runs of the innermost loop; of a convolution those of all windows",
}


def layer_features(graph: Graph, layer: PlannedLayer) -> Features:
    """Return the features of a planned layer, by name; those of all its nodes added up."""
    found = {"calls": 1.0}
    for node in (node for node in graph.nodes if node.index in layer.nodes):
        for name, value in _node_features(graph, node).items():
            found[name] = found.get(name, 0.0) + value
    return {name: value for name, value in found.items() if value}


def _node_features(graph: Graph, node: Node) -> Features:
    outputs = float(graph.tensor(node.outputs[0]).elements)
    return {"outputs": outputs, **FEATURES.get(node.op, _elementwise)(graph, node)}


def _convolution(graph: Graph, node: Node) -> Features:
    window = node_window(graph, node)
    weights = float(graph.tensor(node.inputs[1]).elements)
    outputs, channels = math.prod(window.output), window.input[3]
    depth = math.prod(window.kernel) * channels
    if window.kernel == window.stride == (1, 1):
        return _product(outputs, depth, weights / depth)
    inside = _inside_pixels(window) * window.output[3]
    rows = window.kernel[0] * (1 if window.dilation[1] == 1 else window.kernel[1])
    product = _product(outputs, depth, weights / depth)
    return {
        **product,
        "macs": float(inside * depth),
        "border_macs": float((outputs - inside) * depth),
        "runs": float(outputs * rows),
        "rows": product["pixels"] * rows,
        "lines": float(window.output[1] * window.output[3]),
    }


def _product(outputs: int, depth: int, channels: float) -> Features:
    """A product of matrices: [pixels][depth] times [depth][channels]."""
    pixels = outputs / channels
    macs = float(outputs * depth)
    return {
        "macs" if pixels > 1 else "single_macs": macs,
        "vectors": _vectors(outputs * depth, outputs),
        "quads": 4.0 * pixels * depth * -(-channels // 4),
        "weights": channels * depth,
        "taps": pixels * depth,
        "pixels": pixels,
    }


def _vectors(macs: int, runs: int) -> float:
    return float(runs * -(-macs // (runs * VECTOR_BYTES)))


def _dense(graph: Graph, node: Node) -> Features:
    channels, depth = graph.tensor(node.inputs[1]).shape
    return _product(graph.tensor(node.outputs[0]).elements, depth, float(channels))


def _depthwise(graph: Graph, node: Node) -> Features:
    window = node_window(graph, node)
    taps, channels = math.prod(window.kernel), window.output[3]
    pixels = math.prod(window.output[:3])
    inside = _inside_pixels(window)
    return {
        "macs": float(inside * channels * taps),
        "border_macs": float((pixels - inside) * channels * taps),
        "border_outputs": float((pixels - inside) * channels),
        "runs": float(pixels * channels * window.kernel[0]),
        "vectors": float(taps * _channel_vectors(window)),
        "pixels": float(pixels),
        "lines": float(window.output[1] * channels),
        "columns": float(window.output[2] * channels),
        "inputs": float(math.prod(window.input)),
        "channels": float(channels),
    }


def _channel_vectors(window: Window) -> int:
    """Return steps of 16 channels, or of neighbouring pixels whose channels fill 16 bytes."""
    height, width, channels = window.output[1:]
    if window.stride[1] == 1 and VECTOR_BYTES % channels == 0:
        return height * -(-width * channels // VECTOR_BYTES)
    return height * width * -(-channels // VECTOR_BYTES)


def _inside_pixels(window: Window) -> int:
    """Return how many output pixels have windows wholly inside the input."""
    axes = zip(
        window.output[1:3], window.stride, window.pad, window.reach, window.input[1:3], strict=True
    )
    spans = [
        sum(i * stride - pad >= 0 and i * stride - pad + reach <= size for i in range(out))
        for out, stride, pad, reach, size in axes
    ]
    return window.output[0] * math.prod(spans)


def _pool(graph: Graph, node: Node) -> Features:
    window = pool_window(graph, node)
    outputs = math.prod(window.output)
    return {
        "taps": float(outputs * math.prod(window.kernel)),
        "runs": float(outputs * window.kernel[0]),
        "pixels": float(math.prod(window.output[:3])),
    }


def _mean(graph: Graph, node: Node) -> Features:
    op = call_of(graph, node)
    inputs, loops = math.prod(op.data), mean_loops(op)
    innermost = loops[3] if loops else 1
    return {"inputs": float(inputs), "runs": inputs / max(1, innermost)}


def _copies(graph: Graph, node: Node) -> Features:
    loops = [copy.loops[0] for copy in COPIES[node.op](call_of(graph, node))]
    copied = sum(math.prod(sizes) for sizes in loops)
    return {
        "inputs": float(copied),
        "rows": float(sum(math.prod(sizes[:-1]) for sizes in loops)),
        "vectors": float(sum(math.prod(sizes[:-1]) * -(-sizes[-1] // VECTOR_BYTES) for sizes in loops)),
        "outputs": float(graph.tensor(node.outputs[0]).elements) * (node.op in _FILLED),
    }


_FILLED = ("PAD", "PADV2", "SPACE_TO_BATCH_ND")


def _products(graph: Graph, node: Node) -> Features:
    return {"macs": float(macs(graph, node))}


def _binary(graph: Graph, node: Node) -> Features:
    output = graph.tensor(node.outputs[0])
    sizes = [graph.tensor(i).elements for i in node.inputs[:2]]
    repeated = min(sizes) < output.elements
    return {"rows": output.elements / min(sizes) if repeated else 1.0}


def _softmax(graph: Graph, node: Node) -> Features:
    shape = graph.tensor(node.outputs[0]).shape
    return {"rows": math.prod(shape) / shape[-1]}


def _elementwise(graph: Graph, node: Node) -> Features:
    return {}


FEATURES: dict[str, Callable[[Graph, Node], Features]] = {
    "CONV_2D": _convolution,
    "FULLY_CONNECTED": _dense,
    "DEPTHWISE_CONV_2D": _depthwise,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "MEAN": _mean,
    "ADD": _binary,
    "SUB": _binary,
    "MUL": _binary,
    "SOFTMAX": _softmax,
    "TRANSPOSE_CONV": _products,
    "BATCH_MATMUL": _products,
    **dict.fromkeys(COPIES, _copies),
}
