"""Constant folding: what depends on no input is computed once, by the oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from edgeq.compile.passes.rewriting import Draft, Rewrite, count_of
from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph, Node, Tensor, frozen
from edgeq.graph.oracle.interpreter import prepare

# Operators that read the shape of their input alone.
_OF_SHAPES = ("SHAPE", "RANK")


def fold_constants(graph: Graph) -> Rewrite:
    """Return the graph with the results of constants as constants.

    Operators that the oracle does not know stay, and those whose result is the model's.
    """
    draft, folded = Draft(graph), 0
    for node in graph.nodes:
        arrays = _constant_inputs(draft, node)
        if arrays is None or set(node.outputs) & set(graph.outputs):
            continue
        try:
            given = prepare(draft.graph, node)(*arrays)
        except InputError:
            continue
        for index, array in zip(node.outputs, _several(given), strict=True):
            draft.tensors[index] = replace(draft.tensors[index], data=frozen(array))
        del draft.nodes[node.index]
        folded += 1
    if not folded:
        return Rewrite(graph)
    return Rewrite(draft.finish(), folded, f"{count_of(folded, 'operator')} of constants computed")


def _constant_inputs(draft: Draft, node: Node) -> list[NDArray[Any] | None] | None:
    """Return the values of a node's inputs, None where it has none or one is computed."""
    given = [draft.tensors[i] if i >= 0 else None for i in node.inputs]
    if node.op in _OF_SHAPES:
        return [None] * len(given)
    if not given or not all(t is None or _is_known(t) for t in given):
        return None
    return [None if t is None else t.data for t in given]


def _is_known(tensor: Tensor) -> bool:
    return tensor.is_constant and not tensor.is_variable


def _several(given: Any) -> tuple[NDArray[Any], ...]:
    return given if isinstance(given, tuple) else (given,)
