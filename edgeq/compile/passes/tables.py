"""Operators that are a function of one byte, as tables of 256 entries."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.lower.elementwise import lower_quantize, lower_table
from edgeq.compile.support import OPERATORS
from edgeq.graph.ir import DTYPES, Graph, Node
from edgeq.graph.oracle.interpreter import prepare

_BYTES = ("int8", "uint8")


def is_byte_function(graph: Graph, node: Node) -> bool:
    """Whether a node gives for each byte of its one computed input a byte that depends on it."""
    row = OPERATORS.get(node.op)
    ends = (graph.tensor(node.inputs[0]), graph.tensor(node.outputs[0])) if node.inputs else ()
    return (
        row is not None
        and row.lower in (lower_table, lower_quantize)
        and all(t.dtype in _BYTES for t in ends)
    )


def byte_table(graph: Graph, node: Node) -> NDArray[Any] | None:
    """Return a byte function's values for its input's bytes in ascending order, None for others."""
    if not is_byte_function(graph, node):
        return None
    limits = np.iinfo(DTYPES[graph.tensor(node.inputs[0]).dtype])
    levels = np.arange(limits.min, limits.max + 1).astype(limits.dtype)
    return np.asarray(prepare(graph, node)(levels))
