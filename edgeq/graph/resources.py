"""Resource variables: what a file says with handles, said with tensors that are variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.ir import Graph, Node, Tensor
from edgeq.graph.place import Place
from edgeq.graph.variables import initial_value

_RESOLVED = ("VAR_HANDLE", "CALL_ONCE")  # which are gone afterwards
_HINT = "export the model with a first value and one size for each of its variables"

Prepare = Callable[[Graph, Node], Callable[..., Any]]
Name = tuple[str, str]  # container and shared name


def resolve_variables(graph: Graph, prepare: Prepare) -> Graph:
    """Return the graph with variable tensors in the place of handles.

    READ_VARIABLE then copies from a variable, ASSIGN_VARIABLE to one; VAR_HANDLE and CALL_ONCE are
    gone. What the subgraphs of CALL_ONCE assign are the graph's `initial` values; a variable that
    they leave out begins at the zero point of what is assigned to it first
    (MicroResourceVariables::Allocate in tensorflow/lite/micro/micro_resource_variable.cc).

    Args:
        graph: as it was read.
        prepare: the oracle's, which computes those subgraphs.

    Raises:
        InputError: a handle comes from nowhere, a variable has no assignment or several sizes, or
            CALL_ONCE comes too late.
    """
    if not any(node.op in _RESOLVED for node in graph.nodes):
        return graph
    called = _called(graph)
    handles, variables = _handles(graph), _variables([graph, *called], len(graph.tensors))
    initial = {t.index: initial_value(t) for t in variables.values()}
    for subgraph in called:
        initial |= {variables[n].index: v for n, v in _assigned(subgraph, prepare).items()}
    nodes = (n for n in graph.nodes if n.op not in _RESOLVED)
    return replace(
        graph,
        tensors=(*graph.tensors, *variables.values()),
        nodes=tuple(_resolved(graph, node, handles, variables) for node in nodes),
        subgraphs=(),
        initial=initial,
    )


def _called(graph: Graph) -> list[Graph]:
    """Return the subgraphs that CALL_ONCE runs, which must do so before a variable is used."""
    found, used = [], False
    for node in graph.nodes:
        used = used or node.op in ("READ_VARIABLE", "ASSIGN_VARIABLE")
        if node.op != "CALL_ONCE":
            continue
        index = int(node.options["init_subgraph_index"])  # type: ignore[arg-type]
        if used:
            _at(graph, node).reject("CALL_ONCE comes after an operator with a variable", _HINT)
        if not 1 <= index <= len(graph.subgraphs):
            _at(graph, node).reject(f"there is no subgraph {index} to call", _HINT)
        found.append(graph.subgraphs[index - 1])
    return found


def _handles(graph: Graph) -> dict[int, Name]:
    """Return the variable's name for each tensor that is a handle."""
    return {
        node.outputs[0]: (str(node.options["container"]), str(node.options["shared_name"]))
        for node in graph.nodes
        if node.op == "VAR_HANDLE"
    }


def _name(graph: Graph, node: Node, handles: Mapping[int, Name]) -> Name:
    if node.inputs[0] not in handles:
        _at(graph, node).reject("its variable comes from no VAR_HANDLE", _HINT)
    return handles[node.inputs[0]]


def _variables(graphs: Sequence[Graph], first: int) -> dict[Name, Tensor]:
    """Return a tensor for each variable, as its first assignment says; indices from `first` on."""
    found: dict[Name, Tensor] = {}
    for graph in graphs:
        handles = _handles(graph)
        for node in graph.nodes:
            if node.op == "ASSIGN_VARIABLE":
                name, value = _name(graph, node, handles), graph.tensor(node.inputs[1])
                fresh = replace(value, index=first + len(found), data=None, is_variable=True)
                held = found.setdefault(name, replace(fresh, name=name[1] or fresh.name))
                _check_fit(graph, node, held, value)
    for graph in graphs:
        handles = _handles(graph)
        for node in (n for n in graph.nodes if n.op == "READ_VARIABLE"):
            name = _name(graph, node, handles)
            if name not in found:
                _at(graph, node).reject(f"nothing assigns variable '{name[1]}'", _HINT)
            _check_fit(graph, node, found[name], graph.tensor(node.outputs[0]))
    return found


def _check_fit(graph: Graph, node: Node, held: Tensor, value: Tensor) -> None:
    if (held.dtype, held.shape) != (value.dtype, value.shape):
        what = f"{value.dtype} {list(value.shape)}, the variable {held.dtype} {list(held.shape)}"
        _at(graph, node).reject(f"tensor '{value.name}' is {what}", _HINT)


def _assigned(graph: Graph, prepare: Prepare) -> dict[Name, NDArray[Any]]:
    """Return what a subgraph without inputs assigns to variables."""
    values: dict[int, Any] = {t.index: t.data for t in graph.tensors if t.is_constant}
    handles, found = _handles(graph), {}
    for node in graph.nodes:
        if node.op in ("READ_VARIABLE", "CALL_ONCE"):
            _at(graph, node).reject("first values cannot come from other variables", _HINT)
        if node.op == "ASSIGN_VARIABLE":
            found[_name(graph, node, handles)] = np.array(_value(graph, node, 1, values))
        elif node.op != "VAR_HANDLE":
            arrays = [None if t < 0 else _value(graph, node, i, values)
                      for i, t in enumerate(node.inputs)]  # fmt: skip
            given = prepare(graph, node)(*arrays)
            results = given if isinstance(given, tuple) else (given,)
            values.update(zip(node.outputs, results, strict=True))
    return found


def _value(graph: Graph, node: Node, side: int, values: Mapping[int, Any]) -> Any:
    if node.inputs[side] not in values:
        _at(graph, node).reject("a subgraph of CALL_ONCE cannot have inputs or state", _HINT)
    return values[node.inputs[side]]


def _resolved(
    graph: Graph, node: Node, handles: Mapping[int, Name], variables: Mapping[Name, Tensor]
) -> Node:
    if node.op == "READ_VARIABLE":
        return replace(node, inputs=(variables[_name(graph, node, handles)].index,))
    if node.op == "ASSIGN_VARIABLE":
        variable = variables[_name(graph, node, handles)]
        return replace(node, inputs=(node.inputs[1],), outputs=(variable.index,))
    return node


def _at(graph: Graph, node: Node) -> Place:
    place = Place(graph.name).at("operators", node.index)
    return Place(place.file, f"{place.path} ({node.op})")
