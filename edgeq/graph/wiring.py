"""How operators are wired: one producer each, in topological order, no cycle, no loose end."""

from __future__ import annotations

from edgeq.graph.ir import Graph, Node
from edgeq.graph.place import Place

_HINT = "the operators of a .tflite file must stand in the order in which they run"


def check_wiring(graph: Graph, place: Place, *, main: bool = True) -> None:
    """Raise InputError unless every tensor has its value before an operator reads it.

    Inputs, constants and variables have theirs from the start, every other tensor from the one
    operator that produces it. Operators in file order that way cannot form a cycle. A custom
    operator may have tensors of its own, which nothing produces; a subgraph that is not the `main`
    one may have no output.
    """
    ready = _initial(graph, place, main)
    producers: dict[int, int] = {}
    for node in graph.nodes:
        at = place.at("operators", node.index)
        _check_inputs(graph, node, ready, at)
        for i, tensor in enumerate(node.outputs):
            if tensor in producers:
                at.at("outputs", i).reject(
                    f"tensor {tensor} is produced already by operators[{producers[tensor]}]"
                )
            if tensor in ready:
                at.at("outputs", i).reject(
                    f"tensor {tensor} is an input, a constant or a variable: it cannot be produced"
                )
            producers[tensor] = node.index
        ready.update(node.outputs)
    for i, tensor in enumerate(graph.outputs):
        if tensor not in ready:
            place.at("outputs", i).reject(f"no operator produces tensor {tensor}")


def _initial(graph: Graph, place: Place, main: bool) -> set[int]:
    """Return the tensors that have a value before the first operator runs."""
    if main and not graph.outputs:
        place.at("outputs").reject("the graph has no output")
    ready = {t.index for t in graph.tensors if t.is_constant or t.is_variable}
    for i, tensor in enumerate(graph.inputs):
        if tensor in ready:
            place.at("inputs", i).reject(
                f"tensor {tensor} is an input twice, or a constant or variable at the same time"
            )
        ready.add(tensor)
    return ready


def _check_inputs(graph: Graph, node: Node, ready: set[int], place: Place) -> None:
    for i, tensor in enumerate(node.inputs):
        if tensor >= 0 and tensor not in ready:
            later = next((n.index for n in graph.nodes if tensor in n.outputs), None)
            if later is None and node.op == "CUSTOM":
                continue  # memory that the operator works in, like the scratch tensor of Ethos-U
            why = "nothing produces it" if later is None else f"operators[{later}] produces it"
            order = "" if later is None else ", not earlier: a cycle or a wrong order"
            place.at("inputs", i).reject(f"tensor {tensor}: {why}{order}", hint=_HINT)
