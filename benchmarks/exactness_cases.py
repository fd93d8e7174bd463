"""Random cases for every operator that the compiler has kernels for.

The strategies of the tests draw them: a new operator with a row in tests/compile/operator_models.py
is taken up here by its name. The ones below are wider, for kernels made for a shape.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from exactness_bundle import Filling
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeq.graph.ir import DTYPES, Graph, Tensor

sys.path.append(str(Path(__file__).resolve().parent.parent))

from tests.compile import helium_models
from tests.compile import test_dsp_int16 as dsp16
from tests.compile import test_dsp_kernels as dsp
from tests.compile.operator_models import MODELS
from tests.graph.oracle.strategies import activations, int8s, paddings, weighted
from tests.support.models import activation, one_op, window_output

# What a byte is at the ends of its range: all at one, at the other, or at either.
ENDS = {
    "int8": (b"\x80\x80", b"\x7f\x7f", b"\x80\x7f"),
    "uint8": (b"\x00\x00", b"\xff\xff", b"\x00\xff"),
}

Strategy = st.SearchStrategy[Graph]
# Small enough that a firmware holds hundreds of cases.
MAX_MACS = 60_000
MAX_WEIGHTS = 3_000
channel_counts = st.integers(1, 12) | st.sampled_from([15, 16, 17, 20, 24, 31, 32, 33, 40, 48])
windows = st.sampled_from([(3, 3), (3, 3), (1, 1), (5, 5), (2, 2), (4, 4), (1, 5), (7, 1), (10, 4)])
strides = st.sampled_from([(1, 1), (1, 1), (2, 2), (2, 1), (1, 2), (3, 3)])


@st.composite
def _geometry(draw: st.DrawFn, pointwise: bool = False) -> dict[str, Any]:
    """Return window, sizes and options of a convolution."""
    padding = draw(paddings)
    kernel, stride = ((1, 1), (1, 1)) if pointwise else (draw(windows), draw(strides))
    size = [draw(st.integers(k if padding == "VALID" else 1, max(k, 14))) for k in kernel]
    output = [window_output(n, k, s, padding) for n, k, s in zip(size, kernel, stride, strict=True)]
    options = {
        "padding": padding, "stride_h": stride[0], "stride_w": stride[1],
        "dilation_h_factor": 1, "dilation_w_factor": 1,
        "fused_activation_function": draw(activations),
    }  # fmt: skip
    return {"kernel": kernel, "size": size, "output": output, "options": options}


@st.composite
def wide_convolutions(draw: st.DrawFn, pointwise: bool = False) -> Graph:
    """A CONV_2D of more channels, without dilation."""
    form = draw(_geometry(pointwise))
    depth, channels = draw(channel_counts), draw(channel_counts)
    weights = math.prod(form["kernel"]) * depth
    most = min(MAX_MACS // math.prod(form["output"]), MAX_WEIGHTS) // weights
    channels = max(1, min(channels, most))
    return draw(
        weighted(
            "CONV_2D", (channels, *form["kernel"], depth), 0,
            x=(1, *form["size"], depth), y=(1, *form["output"], channels),
            options=form["options"],
        )
    )  # fmt: skip


@st.composite
def wide_depthwise(draw: st.DrawFn) -> Graph:
    """A DEPTHWISE_CONV_2D of more channels, mostly one output for each."""
    form, depth = draw(_geometry()), draw(channel_counts)
    copies = draw(st.sampled_from([1, 1, 1, 2, 8])) if depth < 6 else 1
    return draw(
        weighted(
            "DEPTHWISE_CONV_2D", (1, *form["kernel"], depth * copies), 3,
            x=(1, *form["size"], depth), y=(1, *form["output"], depth * copies),
            options=form["options"] | {"depth_multiplier": copies},
        )
    )  # fmt: skip


@st.composite
def wide_dense(draw: st.DrawFn) -> Graph:
    """A FULLY_CONNECTED of more inputs and outputs."""
    rows, depth = draw(st.integers(1, 5)), draw(st.integers(1, 400))
    units = min(draw(channel_counts), MAX_WEIGHTS // depth)
    options = {"fused_activation_function": draw(activations), "keep_num_dims": False}
    shapes = {"x": (rows, depth), "y": (rows, units), "options": options}
    return draw(weighted("FULLY_CONNECTED", (units, depth), 0, **shapes))


@st.composite
def saturated(draw: st.DrawFn) -> Graph:
    """A CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED whose weights are all at an end."""
    graph = draw(wide_convolutions() | wide_depthwise() | wide_dense())
    ends = draw(st.sampled_from([(-128, -128), (127, 127), (-128, 127), (-1, 0)]))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    tensors = tuple(_with_ends(t, ends, rng) for t in graph.tensors)
    return Graph(graph.name, tensors, graph.nodes, graph.inputs, graph.outputs)


def _with_ends(tensor: Tensor, ends: tuple[int, int], rng: np.random.Generator) -> Tensor:
    if tensor.data is None or tensor.dtype != "int8":
        return tensor
    data = rng.choice(np.array(ends, np.int8), tensor.shape)
    return Tensor(tensor.index, tensor.name, tensor.shape, tensor.dtype, tensor.quantization, data)


@st.composite
def wide_pools(draw: st.DrawFn, op: str) -> Graph:
    """A pooling of more channels."""
    form, depth = draw(_geometry()), draw(channel_counts)
    x = draw(int8s((1, *form["size"], depth)))
    assert x.quantization is not None
    q = x.quantization
    y = activation((1, *form["output"], depth), "int8", q.scale, q.zero_point)
    names = ("padding", "stride_h", "stride_w", "fused_activation_function")
    options = {name: form["options"][name] for name in names}
    kernel = dict(zip(("filter_height", "filter_width"), form["kernel"], strict=True))
    return one_op(op, [x], y, options | kernel)


@st.composite
def wide_pairs(draw: st.DrawFn, op: str) -> Graph:
    """Two tensors of one shape, or a row for each pixel."""
    shape = (1, draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(channel_counts))
    other = shape if draw(st.booleans()) else (1, 1, 1, shape[3])
    options = {"fused_activation_function": draw(activations)}
    return one_op(op, [draw(int8s(shape)), draw(int8s(other))], draw(int8s(shape)), options)


def _drawn(build: Callable[[np.random.Generator], Graph]) -> Strategy:
    """Return the strategy of a function that draws for itself."""
    return st.integers(0, 2**32 - 1).map(lambda number: build(np.random.default_rng(number)))


WIDER: dict[str, Strategy] = {
    "conv_2d_wide": wide_convolutions(),
    "conv_2d_pointwise": wide_convolutions(pointwise=True),
    "depthwise_conv_2d_wide": wide_depthwise(),
    "fully_connected_wide": wide_dense(),
    "weights_at_ends": saturated(),
    "average_pool_2d_wide": wide_pools("AVERAGE_POOL_2D"),
    "max_pool_2d_wide": wide_pools("MAX_POOL_2D"),
    "add_wide": wide_pairs("ADD"),
    "sub_wide": wide_pairs("SUB"),
    "mul_wide": wide_pairs("MUL"),
}
CASES: dict[str, Strategy] = {
    **MODELS,
    **WIDER,
    **{f"dsp_{name}": strategy for name, strategy in (dsp.MODELS | dsp16.MODELS).items()},
    **{f"helium_{name}": _drawn(build) for name, build in helium_models.MODELS.items()},
}


def draw_graphs(strategy: Strategy, count: int, number: int) -> list[Graph]:
    """Return `count` graphs of a strategy, the same ones for the same `number`."""
    found: list[Graph] = []

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(graph: Graph) -> None:
        found.append(graph)

    collect()
    return found


def draw_filling(graph: Graph, number: int) -> Filling:
    """Return how a case's inputs are made: the whole range of bytes, each fourth at its ends.

    Dtypes that do not take any bytes get theirs one by one.
    """
    dtypes = {graph.tensor(i).dtype for i in graph.inputs}
    seed_of_case = number * 2_654_435_761 % (1 << 32)
    if not dtypes <= {"int8", "uint8", "int16", "int32"}:
        rng = np.random.default_rng(number)
        arrays = (_draw(graph.tensor(i), rng) for i in graph.inputs)
        return Filling(raw=b"".join(a.tobytes() for a in arrays))
    if number % 4 == 0 and len(dtypes) == 1 and dtypes <= ENDS.keys():
        return Filling(seed_of_case, ENDS[dtypes.pop()][number // 4 % 3])
    return Filling(seed_of_case)


def _draw(tensor: Tensor, rng: np.random.Generator) -> NDArray[Any]:
    if tensor.dtype == "bool":
        return rng.integers(0, 2, tensor.shape).astype(np.bool_)
    if tensor.dtype == "float32":
        return rng.normal(0, 3, tensor.shape).astype(np.float32)
    limits = np.iinfo(DTYPES[tensor.dtype])
    return rng.integers(limits.min, limits.max, tensor.shape, limits.dtype, endpoint=True)


def as_inputs(graph: Graph, data: bytes) -> list[NDArray[Any]]:
    """Return a graph's inputs from their bytes."""
    arrays, at = [], 0
    for index in graph.inputs:
        t = graph.tensor(index)
        flat = np.frombuffer(data, DTYPES[t.dtype], t.elements, at)
        arrays.append(flat.reshape(t.shape))
        at += t.bytes
    return arrays


def missing_operators(operators: Iterable[str], drawn: Iterable[str]) -> list[str]:
    """Return the operators that no case had."""
    return sorted({*operators} - {*drawn})
