"""Small models for tests, built as graphs: `write_graph` turns them into .tflite bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edgeq.graph.ir import DTYPES, Graph, Node, OptionValue, Quantization, Tensor
from edgeq.graph.ops import OPS

Scales = float | Sequence[float] | None


def quantization(scale: Scales, zero_point: int = 0, axis: int = 0) -> Quantization | None:
    """Return per-tensor quantisation for a number, per-channel for a sequence of scales."""
    if scale is None:
        return None
    scales = [scale] if isinstance(scale, int | float) else list(scale)
    exact = tuple(float(np.float32(s)) for s in scales)
    return Quantization(exact, (zero_point,) * len(exact), axis)


def activation(
    shape: Sequence[int],
    dtype: str = "int8",
    scale: Scales = 0.05,
    zero_point: int = 0,
    name: str = "",
) -> Tensor:
    """Return an activation (or input) tensor; it gets its index from the model it goes into."""
    quantized = None if dtype.startswith(("float", "bool")) else scale
    return Tensor(-1, name, tuple(shape), dtype, quantization(quantized, zero_point))


def constant(
    values: ArrayLike,
    dtype: str = "int8",
    scale: Scales = None,
    zero_point: int = 0,
    axis: int = 0,
    name: str = "",
) -> Tensor:
    """Return a constant tensor."""
    data = np.array(values, DTYPES[dtype])
    data.flags.writeable = False
    return Tensor(-1, name, data.shape, dtype, quantization(scale, zero_point, axis), data)


def variable(
    shape: Sequence[int], dtype: str = "int8", scale: Scales = 0.05, zero_point: int = 0
) -> Tensor:
    """Return a tensor that keeps its value from one inference to the next."""
    return replace(activation(shape, dtype, scale, zero_point), is_variable=True)


class ModelBuilder:
    """Builds a graph of several operators: `add` tensors, connect them with `op`, then `build`."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        self.inputs: list[int] = []

    def add(self, tensor: Tensor) -> int:
        """Add a tensor and return its index."""
        index = len(self.tensors)
        self.tensors.append(replace(tensor, index=index, name=tensor.name or f"t{index}"))
        return index

    def input(self, tensor: Tensor) -> int:
        """Add an input of the model and return its index."""
        index = self.add(tensor)
        self.inputs.append(index)
        return index

    def op(
        self,
        op: str,
        inputs: Sequence[int | Tensor],
        output: Tensor | Sequence[Tensor],
        options: Mapping[str, OptionValue] | None = None,
        version: int | None = None,
    ) -> int:
        """Add an operator and return the index of its (first) output, -1 where it has none.

        `inputs` are indices (-1: absent) or tensors to add; `version` defaults to the op table's.
        """
        outputs = [output] if isinstance(output, Tensor) else list(output)
        sources = tuple(i if isinstance(i, int) else self.add(i) for i in inputs)
        results = tuple(self.add(t) for t in outputs)
        row = OPS.get(op)
        number = version or (row.version if row else 1)
        self.nodes.append(Node(len(self.nodes), op, number, sources, results, dict(options or {})))
        return results[0] if results else -1

    def build(self, outputs: int | Sequence[int], name: str = "model") -> Graph:
        """Return the graph."""
        results = (outputs,) if isinstance(outputs, int) else tuple(outputs)
        return Graph(name, tuple(self.tensors), tuple(self.nodes), tuple(self.inputs), results)


def one_op(
    op: str,
    inputs: Sequence[Tensor | None],
    output: Tensor | Sequence[Tensor],
    options: Mapping[str, OptionValue] | None = None,
    version: int | None = None,
) -> Graph:
    """Return a model of one operator; inputs without data are the model's, None is absent."""
    builder = ModelBuilder()
    sources = [
        -1 if t is None else builder.add(t) if t.is_constant else builder.input(t) for t in inputs
    ]
    builder.op(op, sources, output, options, version)
    return builder.build(builder.nodes[0].outputs)


def window_output(size: int, window: int, stride: int, padding: str, dilation: int = 1) -> int:
    """Return the output size of a convolution or pooling along one axis."""
    effective = (window - 1) * dilation + 1
    return -(-size // stride) if padding == "SAME" else (size - effective) // stride + 1


def conv_model(
    height: int = 6,
    width: int = 6,
    in_channels: int = 3,
    out_channels: int = 4,
    kernel: tuple[int, int] = (3, 3),
    strides: tuple[int, int] = (1, 1),
    dilations: tuple[int, int] = (1, 1),
    padding: str = "SAME",
    activation_function: str = "NONE",
    per_channel: bool = True,
    bias: bool = True,
    seed: int = 0,
    **tensors: Any,
) -> Graph:
    """Return an int8 CONV_2D with random weights; strides and dilations are (h, w).

    `tensors` may give `in_scale`, `in_zero_point`, `out_scale`, `out_zero_point`.
    """
    rng = np.random.default_rng(seed)
    in_scale = tensors.get("in_scale", 0.05)
    scales = rng.uniform(0.002, 0.02, out_channels) if per_channel else np.array([0.01])
    weights = rng.integers(-127, 128, (out_channels, *kernel, in_channels))
    biases = rng.integers(-2000, 2001, out_channels)
    shape = [1]
    for size, window, stride, dilation in zip(
        (height, width), kernel, strides, dilations, strict=True
    ):
        shape.append(window_output(size, window, stride, padding, dilation))
    options: dict[str, OptionValue] = {
        "padding": padding,
        "stride_h": strides[0],
        "stride_w": strides[1],
        "dilation_h_factor": dilations[0],
        "dilation_w_factor": dilations[1],
        "fused_activation_function": activation_function,
    }
    return one_op(
        "CONV_2D",
        [
            activation(
                (1, height, width, in_channels), "int8", in_scale, tensors.get("in_zero_point", -3)
            ),
            constant(weights, "int8", list(scales)),
            constant(biases, "int32", list(scales * in_scale)) if bias else None,
        ],
        activation(
            (*shape, out_channels),
            "int8",
            tensors.get("out_scale", 0.1),
            tensors.get("out_zero_point", 5),
        ),
        options,
    )
