"""Graphs made by hand for benchmarks: tensors, constants and operators, random numbers seeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from edgeq.graph.ir import DTYPES, Graph, Node, OptionValue, Quantization, Tensor

Shape = tuple[int, ...]


class Builder:
    """A model in the making. `rng` is seeded: the same calls make the same model."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []

    def add(
        self, shape: Shape, dtype: str = "int8", quantization: Quantization | None = None
    ) -> int:
        """Add an activation and return its index."""
        index = len(self.tensors)
        q = quantization if dtype != "float32" else None
        self.tensors.append(Tensor(index, f"t{index}", shape, dtype, q))
        return index

    def variable(self, shape: Shape, dtype: str, quantization: Quantization) -> int:
        """Add a variable, which keeps its value from one inference to the next."""
        index = self.add(shape, dtype, quantization)
        self.tensors[index] = replace(self.tensors[index], is_variable=True)
        return index

    def constant(
        self, values: ArrayLike, dtype: str = "int32", quantization: Quantization | None = None
    ) -> int:
        """Add a constant and return its index."""
        index, data = len(self.tensors), np.array(values, DTYPES[dtype])
        self.tensors.append(Tensor(index, f"t{index}", data.shape, dtype, quantization, data))
        return index

    def op(
        self, op: str, inputs: Sequence[int], output: int, version: int, **options: OptionValue
    ) -> int:
        """Add an operator and return its output."""
        self.nodes.append(Node(len(self.nodes), op, version, tuple(inputs), (output,), options))
        return output

    def build(self, name: str, inputs: Sequence[int], outputs: Sequence[int]) -> Graph:
        """Return the graph."""
        return Graph(name, tuple(self.tensors), tuple(self.nodes), tuple(inputs), tuple(outputs))


def window_output(
    shape: Shape, kernel: Shape, stride: Shape, padding: str, dilation: Shape = (1, 1)
) -> Shape:
    """Return height and width of what a window operator makes of a tensor NHWC."""
    sizes = []
    for size, k, s, d in zip(shape[1:3], kernel, stride, dilation, strict=True):
        reach = (k - 1) * d + 1
        sizes.append(-(-size // s) if padding == "SAME" else (size - reach) // s + 1)
    return tuple(sizes)
