"""Variables: tensors that keep their value from one inference to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.ir import DTYPES, Graph, Tensor


def keeps_state(graph: Graph) -> bool:
    """Return whether an inference depends on those before it."""
    handles = any(node.op == "VAR_HANDLE" for node in graph.nodes)
    return handles or any(tensor.is_variable for tensor in graph.tensors)


def initial_values(graph: Graph) -> dict[int, NDArray[Any]]:
    """Return fresh arrays of what every variable holds before the first inference, by tensor."""
    first = {t.index: initial_value(t) for t in graph.tensors if t.is_variable}
    return first | {index: value.copy() for index, value in graph.initial.items()}


def initial_value(tensor: Tensor) -> NDArray[Any]:
    """Return what a variable holds at first: the zero point in every byte of int8, else noughts.

    Source: ResetTensorData in tensorflow/lite/micro/micro_interpreter_graph.cc.
    """
    value = tensor.quantization.zero_point if tensor.quantization and tensor.dtype == "int8" else 0
    return np.full(tensor.shape, value, DTYPES[tensor.dtype])
