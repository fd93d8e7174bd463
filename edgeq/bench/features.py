"""What a layer's cost grows with: a few counts of its shapes, the same for every core.

The cost of a layer is a sum over its features, each times a non-negative coefficient of its
kernel's (`edgeq.bench.costs`). Counts are per inference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from edgeq.compile.lower.convolution import Window, node_window
from edgeq.compile.lower.dsp.int4 import chunk_outputs
from edgeq.compile.lower.movement import COPIES
from edgeq.compile.lower.pooling import pool_window
from edgeq.compile.lower.reductions import mean_loops
from edgeq.core.records import PlannedLayer
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of, macs
from edgeq.graph.oracle.requantization import fused_range
from edgeq.graph.tabled import TABLED

Features = Mapping[str, float]

VECTOR_BYTES = 16  # of an MVE register
WORD_BYTES = 4
UNROLLED = (2, 3)  # pairs of taps of a row
INT8 = (-128, 127)
TILE_PIXELS = 4  # which share each load of a weight
BLOCK = (2, 8)  # rows and columns of output pixels, Winograd's kernel's

# name -> what is counted; the page docs/estimate.md is written from it.
MEANING = {
    "calls": "1 for each layer",
    "outputs": "elements of the output",
    "macs": "multiply-accumulates, where weights serve several pixels",
    "single_macs": "multiply-accumulates of a layer with one output pixel",
    "border_macs": "multiply-accumulates of windows that reach over the border, padding included",
    "runs": "contiguous runs of bytes that the products of all outputs are made of",
    "border_taps": "elements of the windows that reach over the border",
    "split_taps": "elements of the windows whose four of pixels is not of one row",
    "staged_taps": "elements of the rows of windows that reach over the border",
    "staged_cells": "the same without channels",
    "tile_macs": "multiply-accumulates of whole fours of output pixels, channels made even",
    "rest_macs": "multiply-accumulates of the pixels behind the last four, channels made even",
    "tails": "elements behind the last four of each row of a window",
    "rest_channels": "multiply-accumulates of the channels behind the last four",
    "clamped": "outputs of an activation that cuts off some bytes",
    "scaled": "outputs of channels with scales of their own",
    "vectors": "steps of 16 bytes of a window, a row (depthwise: the channels), the last filled up",
    "odd_vectors": "the same of a convolution's last pixel of a row, where their count is odd",
    "blocks": "steps of 16 channels, the last one filled up",
    "block_rows": "rows of taps of all steps of 16 channels",
    "filled_outputs": "outputs, their channels filled up to fours",
    "odd_blocks": "the same where a window takes an odd number of steps, but not one",
    "quads": "multiply-accumulates by fours of output channels, the last four filled up",
    "pixels": "output pixels",
    "lines": "rows of output pixels, for each channel",
    "even_outputs": "outputs, each row of pixels made even",
    "square_outputs": "outputs, rows and columns of pixels made even",
    "tap_pairs": "pairs of taps in the rows of all windows, rows of two or three",
    "looped_pairs": "pairs of taps in the rows of all windows, rows of other lengths",
    "border_outputs": "outputs whose window reaches over the border",
    "block_inputs": "input channels, for each block of 2 x 8 output pixels",
    "border_inputs": "the same of blocks that reach over the border",
    "block_products": "input times output channels, for each block of 2 x 8 output pixels",
    "repeated_taps": "elements of all windows, for each chunk of int4 weights after the first",
    "repeated_rows": "rows of all windows, for each chunk of int4 weights after the first",
    "columns": "columns of output pixels, for each channel",
    "channels": "output channels",
    "weights": "weights",
    "taps": "elements of all windows",
    "inputs": "elements of the input",
    "copies": "copies of an input",
    "scattered": "elements that are copied one by one",
    "rows": "rows, or runs of the innermost loop; of a convolution those of all windows",
}


_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def layer_features(graph: Graph, layer: PlannedLayer) -> Features:
    """Return the features of a planned layer, by name; those of all its nodes added up."""
    found = {"calls": 1.0}
    for node in (node for node in graph.nodes if node.index in layer.nodes):
        features = _node_features(graph, node)
        for more in (features, KERNEL_FEATURES.get(layer.kernel, _nothing)(graph, node, features)):
            for name, value in more.items():
                found[name] = found.get(name, 0.0) + value
    return {name: value for name, value in found.items() if value}


def _node_features(graph: Graph, node: Node) -> Features:
    outputs = float(graph.tensor(node.outputs[0]).elements)
    return {
        "outputs": outputs,
        **(_finishing(graph, node, outputs) if node.op in _WEIGHTED else {}),
        **FEATURES.get(node.op, _elementwise)(graph, node),
    }


def _finishing(graph: Graph, node: Node, outputs: float) -> Features:
    quantization = graph.tensor(node.inputs[1]).quantization
    own = quantization is not None and len(quantization.scales) > 1
    return {
        "clamped": outputs * (fused_range(call_of(graph, node)) != INT8),
        "scaled": outputs * own,
    }


def _convolution(graph: Graph, node: Node) -> Features:
    window = node_window(graph, node)
    depth = math.prod(window.kernel) * window.input[3]
    channels, pixels = window.output[3], math.prod(window.output[:3])
    border = pixels - _inside_pixels(window)
    if window.kernel == window.stride == (1, 1):
        return _product(pixels, depth, channels)
    # Taps that lie side by side in the input are one row of a window.
    rows, run = window.kernel[0], window.kernel[1] * window.input[3]
    if window.dilation[1] > 1:
        rows, run = math.prod(window.kernel), window.input[3]
    return {
        **_product(pixels, depth, channels, line=window.output[2]),
        "macs": float((pixels - border) * depth * channels),
        "border_macs": float(border * depth * channels),
        "border_taps": float(border * depth),
        "split_taps": float(_split_pixels(window) * depth),
        **_staged(window),
        "rows": float(pixels * rows),
        "tails": float(pixels * rows * (run % WORD_BYTES)),
    }


def _split_pixels(window: Window) -> int:
    """Return the pixels whose four, counted through the whole output, is not of one row."""
    width, split = window.output[2], 0
    for row in range(window.output[0] * window.output[1]):
        behind = width - -row * width % TILE_PIXELS
        split += width - max(0, behind // TILE_PIXELS * TILE_PIXELS)
    return split


def _staged(window: Window) -> Features:
    """Return what the rows of windows hold that do not lie side by side in the input.

    A window that reaches over the left or right border has no other rows.
    """
    (height, width), (kh, kw) = window.output[1:3], window.kernel
    top, left = (
        np.arange(size)[:, None] * stride - pad
        for size, stride, pad in zip((height, width), window.stride, window.pad, strict=True)
    )
    row = top + np.arange(kh) * window.dilation[0]
    outside = ((row < 0) | (row >= window.input[1])).sum()
    apart = (left < 0) | (left + window.reach[1] > window.input[2]) | (window.dilation[1] > 1)
    rows = apart.sum() * height * kh + (width - apart.sum()) * outside
    cells = float(window.output[0] * rows * kw)
    return {"staged_cells": cells, "staged_taps": cells * window.input[3]}


def _product(pixels: int, depth: int, channels: int, line: int = 0) -> Features:
    """A product of matrices: [pixels][depth] times [depth][channels]; `line` pixels at a time."""
    rest, line = pixels % TILE_PIXELS, line or pixels
    odd, blocks = pixels // line * (line % 2), -(-depth // VECTOR_BYTES)
    pairs, fours = channels + channels % 2, channels + -channels % 4
    return {
        "macs" if pixels > 1 else "single_macs": float(pixels * depth * channels),
        "tile_macs": float((pixels - rest) * depth * pairs),
        "rest_macs": float(rest * depth * pairs),
        "quads": float(pixels * depth * fours),
        "rest_channels": float(pixels * depth * (channels % 4)),
        "filled_outputs": float(pixels * fours),
        "odd_blocks": float(pixels * fours * (blocks % 2) * (blocks > 1)),
        "vectors": float((pixels - odd) * fours * blocks),
        "odd_vectors": float(odd * fours * blocks),
        "weights": float(channels * depth),
        "taps": float(pixels * depth),
        "pixels": float(pixels),
    }


def _dense(graph: Graph, node: Node) -> Features:
    channels, depth = graph.tensor(node.inputs[1]).shape
    return _product(graph.tensor(node.outputs[0]).elements // channels, depth, channels)


def _depthwise(graph: Graph, node: Node) -> Features:
    window = node_window(graph, node)
    taps, (height, width, channels) = math.prod(window.kernel), window.output[1:]
    words, blocks = (window.reach[1] + 1) // 2, _channel_vectors(window)
    dilated = window.kernel[1] * (window.dilation[1] > 1)
    pixels = math.prod(window.output[:3])
    inside = _inside_pixels(window)
    return {
        "macs": float(inside * channels * taps),
        "border_macs": float((pixels - inside) * channels * taps),
        "border_outputs": float((pixels - inside) * channels),
        "runs": float(pixels * channels * window.kernel[0]),
        "blocks": float(blocks),
        "block_rows": float(blocks * window.kernel[0] * (dilated or 1)),
        "vectors": float(taps * blocks),
        "pixels": float(pixels),
        "lines": float(window.output[1] * channels),
        "columns": float(window.output[2] * channels),
        "even_outputs": float(pixels // width * (width + width % 2) * channels),
        "square_outputs": float(
            window.output[0] * (height + height % 2) * (width + width % 2) * channels
        ),
        "tap_pairs" if words in UNROLLED else "looped_pairs": float(
            pixels * channels * window.kernel[0] * words
        ),
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
    outputs, taps = math.prod(window.output), math.prod(window.kernel)
    pixels = math.prod(window.output[:3])
    return {
        "taps": float(outputs * taps),
        "runs": float(outputs * window.kernel[0]),
        "pixels": float(pixels),
        "blocks": float(pixels * -(-window.output[3] // VECTOR_BYTES)),
        "vectors": float(pixels * taps * -(-window.output[3] // VECTOR_BYTES)),
    }


def _mean(graph: Graph, node: Node) -> Features:
    op = call_of(graph, node)
    inputs, loops = math.prod(op.data), mean_loops(op)
    innermost = loops[3] if loops else 1
    return {"inputs": float(inputs), "runs": inputs / max(1, innermost)}


def _copies(graph: Graph, node: Node) -> Features:
    found = {"outputs": float(graph.tensor(node.outputs[0]).elements) * (node.op in _FILLED)}
    for copy in COPIES[node.op](call_of(graph, node)):
        sizes, *steps = copy.loops
        rows, size = math.prod(sizes[:-1]), sizes[-1]
        whole = all(step[-1] == 1 for step in steps)
        counts = (
            {"inputs": rows * size, "vectors": rows * -(-size // VECTOR_BYTES)}
            if whole
            else {"scattered": rows * size}
        )
        for name, count in {"copies": 1, "rows": rows, **counts}.items():
            found[name] = found.get(name, 0.0) + count
    return found


_FILLED = ("PAD", "PADV2", "SPACE_TO_BATCH_ND")


def _transposed(graph: Graph, node: Node) -> Features:
    """Every stride-th output of a row is made with its like, in fours."""
    call, (batch, height, width, channels) = (
        call_of(graph, node),
        graph.tensor(node.outputs[0]).shape,
    )
    parts = min(width, call.number("stride_w"))
    alike = -(-width // parts)
    tiles = macs(graph, node) * (alike + -alike % TILE_PIXELS) / alike
    return {
        "macs": float(macs(graph, node)),
        "tile_macs": tiles,
        "taps": tiles / channels,
        "lines": float(batch * height * parts),
    }


def _matrices(graph: Graph, node: Node) -> Features:
    inputs = sum(graph.tensor(i).elements for i in node.inputs)
    return {"macs": float(macs(graph, node)), "inputs": float(inputs)}


def _binary(graph: Graph, node: Node) -> Features:
    output = graph.tensor(node.outputs[0])
    sizes = [graph.tensor(i).elements for i in node.inputs[:2]]
    repeated = min(sizes) < output.elements
    return {"rows": output.elements / min(sizes) if repeated else 1.0}


def _resize(graph: Graph, node: Node) -> Features:
    _, height, width, _ = graph.tensor(node.outputs[0]).shape
    return {"pixels": float(height * width), "lines": float(height)}


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
    **dict.fromkeys((*TABLED, *TABLED.values()), _binary),
    "SOFTMAX": _softmax,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "TRANSPOSE_CONV": _transposed,
    "BATCH_MATMUL": _matrices,
    **dict.fromkeys(COPIES, _copies),
}


def _winograd(graph: Graph, node: Node, features: Features) -> Features:
    """Count the blocks that eq_dsp_winograd works on."""
    window = node_window(graph, node)
    (batch, height, width, outputs), depth = window.output, window.input[3]
    blocks = batch * -(-height // BLOCK[0]) * -(-width // BLOCK[1])
    top, left = (
        np.arange(0, size, step) - pad
        for size, step, pad in zip((height, width), BLOCK, window.pad, strict=True)
    )
    inside = [
        ((first >= 0) & (first + step + 2 <= size)).sum()
        for first, step, size in zip((top, left), BLOCK, window.input[1:3], strict=True)
    ]
    border = blocks - batch * int(math.prod(inside))
    return {
        "block_inputs": float(blocks * depth),
        "border_inputs": float(border * depth),
        "block_products": float(blocks * depth * outputs),
        "square_outputs": float(batch * outputs * (height + height % 2) * (width + width % 2)),
    }


def _chunked(graph: Graph, node: Node, features: Features) -> Features:
    """Count what eq_int4_tiles does anew for each chunk of outputs, as large as by default."""
    outputs = graph.tensor(node.outputs[0]).shape[-1]
    steps = -(-graph.tensor(node.inputs[1]).elements // (2 * outputs))
    again = -(-outputs // chunk_outputs(steps, outputs)) - 1
    return {
        "repeated_taps": features["taps"] * again,
        "repeated_rows": features.get("rows", features["pixels"]) * again,
    }


def _nothing(graph: Graph, node: Node, features: Features) -> Features:
    return {}


# Of kernels that work in units of their own.
KERNEL_FEATURES: dict[str, Callable[[Graph, Node, Features], Features]] = {
    "eq_dsp_winograd": _winograd,
    "eq_int4_tiles": _chunked,
}
