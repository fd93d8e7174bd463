"""The intermediate representation: a verified .tflite subgraph as frozen records.

Nodes are in topological order. Tensor and node indices are those of the file, so that every
later report can name what the user sees in other tools.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

# dtype name -> numpy dtype. INT4 constants are unpacked to int8 by the reader; a resource is the
# handle of a variable.
DTYPES: dict[str, np.dtype[Any]] = {
    "int8": np.dtype(np.int8),
    "uint8": np.dtype(np.uint8),
    "int16": np.dtype(np.int16),
    "int32": np.dtype(np.int32),
    "int64": np.dtype(np.int64),
    "uint16": np.dtype(np.uint16),
    "uint32": np.dtype(np.uint32),
    "uint64": np.dtype(np.uint64),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(np.uint16),
    "bool": np.dtype(np.bool_),
    "int4": np.dtype(np.int8),
    "resource": np.dtype(np.int32),
}

OptionValue = int | float | bool | str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quantization:
    """Affine quantisation: real = scale * (q - zero_point).

    `scales` and `zero_points` have one entry (per-tensor) or one for each index of `axis`
    (per-channel).
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        """The single scale of a per-tensor quantisation (the first one of per-channel)."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The single zero point of a per-tensor quantisation."""
        return self.zero_points[0]

    @property
    def per_channel(self) -> bool:
        """Whether there is more than one scale."""
        return len(self.scales) > 1


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor. `data` is a read-only array of `shape` for a constant, else None."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    data: NDArray[Any] | None = None
    is_variable: bool = False

    @property
    def elements(self) -> int:
        """Number of elements (1 for a scalar)."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size of the unpacked tensor in bytes."""
        return self.elements * DTYPES[self.dtype].itemsize

    @property
    def is_constant(self) -> bool:
        """Whether the file holds its value."""
        return self.data is not None


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An operator. `op` is the schema's BuiltinOperator name; an absent input is -1.

    `options` holds the fields of the builtin options table in snake_case as the schema names
    them (enums as their names: padding='SAME', fused_activation_function='RELU6').
    """

    index: int
    op: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A verified model. `sha256` and `file_bytes` identify the file it came from.

    `subgraphs` are the file's others, which only CALL_ONCE runs. `initial` holds what variables are
    before the first inference where that is not what their quantisation says, by tensor.
    """

    name: str
    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sha256: str = ""
    file_bytes: int = 0
    description: str = ""
    subgraphs: tuple[Graph, ...] = ()
    initial: Mapping[int, NDArray[Any]] = field(default_factory=dict)

    def tensor(self, index: int) -> Tensor:
        """Return tensor `index`."""
        return self.tensors[index]


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as a contiguous array that nobody can write to."""
    data = np.ascontiguousarray(values).reshape(np.shape(values))  # a scalar stays one
    data.flags.writeable = False
    return data
