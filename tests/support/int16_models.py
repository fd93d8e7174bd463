"""Small models of int16 for the kernels of cores with the DSP extension."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from edgeq.graph.ir import Graph
from tests.graph.oracle.strategies import activations, weighted
from tests.support.dsp_models import with_tensor
from tests.support.models import window_output

_WINDOWS = ((3, 3), (1, 1), (1, 1), (5, 5), (2, 2), (1, 5), (7, 1), (10, 4))
_STRIDES = ((1, 1), (1, 1), (2, 2), (2, 1), (3, 3))
_CHANNELS = st.integers(1, 12) | st.sampled_from([15, 16, 17, 24, 33])
_MOST_WEIGHTS = 3_000


@st.composite
def convolutions(draw: st.DrawFn) -> Graph:
    """CONV_2D of more channels than the oracle's own strategy, pixels by the dozen."""
    kernel, stride = draw(st.sampled_from(_WINDOWS)), draw(st.sampled_from(_STRIDES))
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    size = [draw(st.integers(k if padding == "VALID" else 1, max(k, 11))) for k in kernel]
    output = [window_output(n, k, s, padding) for n, k, s in zip(size, kernel, stride, strict=True)]
    depth, channels = draw(_CHANNELS), draw(_CHANNELS)
    channels = max(1, min(channels, _MOST_WEIGHTS // (math.prod(kernel) * depth)))
    options = {
        "padding": padding, "stride_h": stride[0], "stride_w": stride[1],
        "dilation_h_factor": 1, "dilation_w_factor": 1,
        "fused_activation_function": draw(activations),
    }  # fmt: skip
    return draw(
        weighted(
            "CONV_2D", (channels, *kernel, depth), 0,
            x=(1, *size, depth), y=(1, *output, channels), options=options, data="int16",
        )
    )  # fmt: skip


@st.composite
def depthwise_without_planes(draw: st.DrawFn) -> Graph:
    """DEPTHWISE_CONV_2D of one pixel, or of windows too large for planes."""
    channels, dilation = draw(st.integers(4, 18)), draw(st.integers(1, 2))
    kernel = draw(st.sampled_from([(1, 1), (2, 3), (5, 5), (7, 3), (11, 12)]))
    padding = draw(st.sampled_from(["SAME", "VALID"])) if kernel[0] > 7 else "VALID"
    more = draw(st.integers(0, 3)) if kernel[0] > 7 else 0
    size = [(k - 1) * dilation + 1 + more for k in kernel]
    output = [window_output(n, k, 1, padding, dilation) for n, k in zip(size, kernel, strict=True)]
    options = {
        "padding": padding, "stride_h": 1, "stride_w": 1, "depth_multiplier": 1,
        "dilation_h_factor": dilation, "dilation_w_factor": dilation,
        "fused_activation_function": draw(activations),
    }  # fmt: skip
    return draw(
        weighted(
            "DEPTHWISE_CONV_2D", (1, *kernel, channels), 3,
            x=(1, *size, channels), y=(1, *output, channels), options=options, data="int16",
        )
    )  # fmt: skip


@st.composite
def large_sums(draw: st.DrawFn, models: st.SearchStrategy[Graph]) -> Graph:
    """Models whose weights are all at an end, and whose biases may go beyond 32 bits."""
    graph = draw(models)
    _, weights, *bias = graph.nodes[0].inputs
    w, rng = graph.tensor(weights), np.random.default_rng(draw(st.integers(0, 1000)))
    ends = draw(st.sampled_from([(-128, -128), (127, 127), (-128, 127)]))
    graph = with_tensor(
        graph, weights, replace(w, data=rng.choice(np.array(ends, np.int8), w.shape))
    )
    b = graph.tensor(bias[0]) if bias and bias[0] >= 0 else None
    if b is None or b.dtype != "int64" or draw(st.booleans()):
        return graph
    most = 1 << draw(st.integers(24, 42))
    return with_tensor(graph, b.index, replace(b, data=rng.integers(-most, most, b.shape)))
