"""Operators that are a function of one byte, as tables of 256 entries that the oracle fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.lower.elementwise import lower_quantize, lower_table
from edgeq.compile.support import OPERATORS
from edgeq.graph.ir import DTYPES, Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.interpreter import prepare
from edgeq.graph.rules import first_fault

BYTES = ("int8", "uint8")
# Operators of two tensors, element by element.
PAIRS = (
    "ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SQUARED_DIFFERENCE", "SUB",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ByteFunction:
    """What a node makes of each byte of tensor `source`.

    `table` has the output for every byte, read as unsigned; `dtype` is the source's.
    """

    source: int
    dtype: str
    table: NDArray[Any]

    @property
    def least(self) -> int:
        """The least value of the source's dtype."""
        return int(np.iinfo(DTYPES[self.dtype]).min)

    @property
    def levels(self) -> NDArray[Any]:
        """Every value of the source, in ascending order."""
        return np.arange(self.least, self.least + 256).astype(DTYPES[self.dtype])

    @property
    def ascending(self) -> NDArray[Any]:
        """The outputs for `levels`."""
        return self.table[self.levels.view(np.uint8)]

    def after(self, first: ByteFunction) -> NDArray[Any]:
        """Return the table of this function of what `first` gives."""
        return self.table[first.table.view(np.uint8)]


def byte_function(graph: Graph, node: Node) -> ByteFunction | None:
    """Return a node as a function of the bytes of its one computed input, None for others.

    An operator of two tensors is one where the other is a constant of one element.
    """
    row = OPERATORS.get(node.op)
    place = _computed_input(graph, node)
    if row is None or place is None or not keeps_rules(graph, node):
        return None
    is_unary = row.lower in (lower_table, lower_quantize)
    if not (is_unary and place == 0) and not (node.op in PAIRS and _has_scalar(graph, node)):
        return None
    source = graph.tensor(node.inputs[place])
    if {source.dtype, graph.tensor(node.outputs[0]).dtype} - set(BYTES):
        return None
    given: list[NDArray[Any] | None] = [
        None if i < 0 else graph.tensor(i).data for i in node.inputs
    ]
    if not is_unary:
        given = [None if data is None else data.reshape(-1) for data in given]
    given[place] = np.arange(256, dtype=np.uint8).view(DTYPES[source.dtype])
    table = np.ascontiguousarray(prepare(graph, node)(*given))
    return ByteFunction(source.index, source.dtype, table)


def keeps_rules(graph: Graph, node: Node) -> bool:
    """Whether the compiler takes a node: outside its rules, runtimes differ."""
    row = OPERATORS.get(node.op)
    return row is not None and first_fault(call_of(graph, node), row.rules) is None


def _computed_input(graph: Graph, node: Node) -> int | None:
    """Return the position of the only input that is not constant, None where there is no such."""
    computed = [i for i, t in enumerate(node.inputs) if t >= 0 and not graph.tensor(t).is_constant]
    return computed[0] if len(computed) == 1 else None


def _has_scalar(graph: Graph, node: Node) -> bool:
    """Whether one of two operands is a single constant that changes no shape."""
    place = _computed_input(graph, node)
    if len(node.inputs) != 2 or place is None:
        return False
    x, other = (graph.tensor(node.inputs[i]) for i in (place, 1 - place))
    return other.elements == 1 and x.shape == graph.tensor(node.outputs[0]).shape
