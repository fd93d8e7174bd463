"""Common subexpressions: what two operators compute alike is computed once."""

from __future__ import annotations

from collections.abc import Hashable

from edgeq.compile.passes.rewriting import Draft, Rewrite, count_of
from edgeq.graph.ir import Graph, Node, Tensor
from edgeq.graph.ops import OPS

_STATEFUL = ("READ_VARIABLE", "ASSIGN_VARIABLE", "VAR_HANDLE")


def share_common(graph: Graph) -> Rewrite:
    """Return the graph with one operator in the place of several that compute the same.

    The model's outputs keep an operator each.
    """
    draft, shared = Draft(graph), 0
    constants = _first_alike(graph)
    first: dict[Hashable, Node] = {}
    same = dict(constants)
    for node in graph.nodes:
        inputs = tuple(same.get(t, t) for t in node.inputs)
        if not _is_pure(graph, node):
            continue
        key = (node.op, inputs, _options(node), tuple(_form(graph.tensor(t)) for t in node.outputs))
        known = first.setdefault(key, node)
        if known is node or set(node.outputs) & set(graph.outputs):
            continue
        same.update(zip(node.outputs, known.outputs, strict=True))
        del draft.nodes[node.index]
        shared += 1
    if not shared:
        return Rewrite(graph)
    for node in list(draft.nodes.values()):
        draft.replace(node, inputs=tuple(_computed(same, constants, t) for t in node.inputs))
    return Rewrite(draft.finish(), shared, f"{count_of(shared, 'operator')} computed already")


def _computed(same: dict[int, int], constants: dict[int, int], tensor: int) -> int:
    return tensor if tensor in constants else same.get(tensor, tensor)


def _is_pure(graph: Graph, node: Node) -> bool:
    """Whether a node's results depend on its inputs alone."""
    tensors = [graph.tensor(t) for t in (*node.inputs, *node.outputs) if t >= 0]
    known = node.op in OPS and node.op not in _STATEFUL and bool(node.inputs)
    return known and not any(t.is_variable or t.dtype == "resource" for t in tensors)


def _options(node: Node) -> Hashable:
    return tuple(sorted(node.options.items()))


def _form(tensor: Tensor) -> Hashable:
    return tensor.shape, tensor.dtype, tensor.quantization


def _first_alike(graph: Graph) -> dict[int, int]:
    """Return for each constant the first one of the same bytes and the same meaning."""
    first: dict[Hashable, int] = {}
    return {
        t.index: first.setdefault((_form(t), t.data.tobytes()), t.index)
        for t in graph.tensors
        if t.data is not None
    }
