"""Small models for the kernels of cores with the DSP extension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from edgeq.graph.ir import Graph, Quantization, Tensor
from tests.graph.oracle.strategies import activations, int8s, weighted
from tests.graph.oracle.test_elementwise import pairs
from tests.support.models import ModelBuilder, activation, constant, one_op, window_output


def with_tensor(graph: Graph, index: int, tensor: Tensor) -> Graph:
    tensors = (*graph.tensors[:index], tensor, *graph.tensors[index + 1 :])
    return replace(graph, tensors=tensors)


def rectified(graph: Graph) -> Graph:
    """Return a model of one operator whose output has the least zero point."""
    y = graph.tensor(graph.outputs[0])
    assert y.quantization is not None
    quantized: Quantization = replace(y.quantization, zero_points=(-128,))
    return with_tensor(graph, y.index, replace(y, quantization=quantized))


def symmetric(graph: Graph) -> Graph:
    """Return a model of one operator whose weights are above -128, as converters make them."""
    w = graph.tensor(graph.nodes[0].inputs[1])
    assert w.data is not None
    return with_tensor(graph, w.index, replace(w, data=np.maximum(w.data, np.int8(-127))))


@st.composite
def usual(draw: st.DrawFn, models: st.SearchStrategy[Graph]) -> Graph:
    """Models as converters make them more often than at random: ReLU, symmetric weights."""
    graph = symmetric(draw(models))
    return rectified(graph) if draw(st.integers(0, 3)) else graph


@st.composite
def depthwise_3x3(draw: st.DrawFn, data: str = "int8") -> Graph:
    stride = draw(st.integers(1, 2))
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    batch, channels = draw(st.integers(1, 2)), draw(st.integers(1, 5))
    size = [draw(st.integers(3 if padding == "VALID" else 1, 14)) for _ in range(2)]
    output = [window_output(n, 3, stride, padding) for n in size]
    options = {
        "padding": padding, "stride_h": stride, "stride_w": stride, "depth_multiplier": 1,
        "fused_activation_function": draw(activations),
    }  # fmt: skip
    return draw(
        weighted(
            "DEPTHWISE_CONV_2D", (1, 3, 3, channels), 3,
            x=(batch, *size, channels), y=(batch, *output, channels), options=options, data=data,
        )
    )  # fmt: skip


@st.composite
def single_rows(draw: st.DrawFn, data: str = "int8") -> Graph:
    """FULLY_CONNECTED of one row, some so deep that their sums are taken in chunks."""
    units = draw(st.integers(1, 9))
    depth = draw(st.integers(1, 70) | st.sampled_from([511, 512, 700, 1400, 2100]))
    options = {"fused_activation_function": draw(activations), "keep_num_dims": False}
    return draw(
        weighted(
            "FULLY_CONNECTED", (units, depth), 0, x=(1, depth), y=(1, units),
            options=options, data=data,
        )
    )  # fmt: skip


@st.composite
def sums(draw: st.DrawFn, op: str) -> Graph:
    """Sums of equal shapes whose scales are within reach of each other."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 40)))
    near = [draw(int8s(shape)) for _ in range(3)]
    power = draw(st.floats(-7, 0, allow_subnormal=False))
    tensors = []
    for tensor in near:
        assert tensor.quantization is not None
        scale = float(np.float32(2.0 ** (power + draw(st.floats(-2, 2, allow_subnormal=False)))))
        tensors.append(replace(tensor, quantization=replace(tensor.quantization, scales=(scale,))))
    fused = {"fused_activation_function": draw(activations)}
    return one_op(op, tensors[:2], tensors[2], fused)


@st.composite
def chains(draw: st.DrawFn, op: str) -> Graph:
    """A sum or a product, with broadcasting at times, and a function of one byte behind it."""
    alike = op != "MUL" and draw(st.integers(0, 3))
    pair = draw(sums(op) if alike else pairs(op))
    middle = pair.tensor(pair.outputs[0])
    function, ends = draw(st.sampled_from([("LOGISTIC", (1 / 256, -128)), ("HARD_SWISH", None)]))
    q = middle.quantization
    assert q is not None
    scale, zero = ends or (q.scale, draw(st.integers(-128, 127)))
    model = ModelBuilder()
    given = [pair.tensor(i) for i in pair.nodes[0].inputs]
    operands = [model.add(t) if t.is_constant else model.input(t) for t in given]
    x = model.op(op, operands, replace(middle, name=""), pair.nodes[0].options)
    return model.build(model.op(function, [x], activation(middle.shape, "int8", scale, zero)))


@st.composite
def pixel_means(draw: st.DrawFn, op: str) -> Graph:
    """MEAN or SUM over height and width, of more than 255 pixels too."""
    batch, channels = draw(st.integers(1, 2)), draw(st.integers(3, 10))
    height, width = (draw(st.integers(1, 20)) for _ in range(2))
    x = draw(int8s((batch, height, width, channels)))
    axes = constant([1, 2], "int32")
    return one_op(op, [x, axes], draw(int8s((batch, channels))), {"keep_dims": False})


@st.composite
def matrices(draw: st.DrawFn) -> Graph:
    """Products of matrices of more lines than a tile or a block has, either one transposed."""
    rows, columns, depth = (draw(st.integers(1, most)) for most in (13, 37, 30))
    turned = draw(st.booleans()), draw(st.booleans())
    lead = draw(st.sampled_from([(), (2,), (2, 3)]))
    shapes = (
        (*lead, *((depth, rows) if turned[0] else (rows, depth))),
        (*lead[1:], *((columns, depth) if turned[1] else (depth, columns))),
    )
    pair = [draw(int8s(shape)) for shape in shapes]
    if draw(st.integers(0, 3)) == 0:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        shape = (1,) * len(lead[1:]) + shapes[1][-2:]
        pair[1] = constant(rng.integers(-127, 128, shape), "int8", 0.02, draw(st.integers(-1, 1)))
    scales = [q.scale for q in (t.quantization for t in pair) if q is not None]
    scale = math.prod(scales) * math.sqrt(depth) * 2.0 ** draw(st.integers(1, 9))
    y = activation((*lead, rows, columns), "int8", scale, draw(st.integers(-128, 127)))
    return one_op("BATCH_MATMUL", pair, y, {"adj_x": turned[0], "adj_y": turned[1]})


@st.composite
def upsamplings(draw: st.DrawFn) -> Graph:
    """TRANSPOSE_CONV of wide rows, of strides beyond the kernel, and of unlike strides."""
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    kernel, strides = ([draw(st.integers(1, most)) for _ in range(2)] for most in (5, 4))
    if strides == [1, 1]:  # which is a convolution
        strides[draw(st.integers(0, 1))] = 2
    size = [draw(st.integers(1, 6)), draw(st.integers(1, 11))]
    output = [
        n * s if padding == "SAME" else (n - 1) * s + k + draw(st.integers(0, s - 1))
        for n, s, k in zip(size, strides, kernel, strict=True)
    ]
    batch, depth, channels = (draw(st.integers(1, most)) for most in (2, 9, 6))
    options = {
        "padding": padding, "stride_h": strides[0], "stride_w": strides[1],
        "fused_activation_function": draw(activations),
    }  # fmt: skip
    return draw(
        weighted(
            "TRANSPOSE_CONV", (channels, *kernel, depth), 0,
            x=(batch, *size, depth), y=(batch, *output, channels), options=options,
        )
    )  # fmt: skip


def side_by_side(graphs: Sequence[Graph]) -> Graph:
    """Return one model that computes what all of `graphs` do."""
    builder = ModelBuilder()
    outputs: list[int] = []
    for graph in graphs:
        computed = {i for node in graph.nodes for i in node.outputs}
        place = {
            t.index: builder.input(t) if t.index in graph.inputs else builder.add(t)
            for t in graph.tensors
            if t.index not in computed
        }
        for node in graph.nodes:
            sources = [place.get(i, -1) for i in node.inputs]
            result = replace(graph.tensor(node.outputs[0]), name="")
            made = builder.op(node.op, sources, result, node.options, node.version)
            place[node.outputs[0]] = made
        outputs += [place[i] for i in graph.outputs]
    return builder.build(outputs)
