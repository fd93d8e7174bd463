"""Which tensors share memory, and how long they live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeq.compile.layer import SCRATCH, Overlap
from edgeq.compile.memory.packing import Buffer, Permit
from edgeq.graph.ir import Graph, Node
from edgeq.graph.rules import RECURRENT

# Operators that change a tensor's shape and leave its bytes alone.
RESHAPES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})

# Inputs that no kernel reads: their own shape is all that counts, or they state a known one.
_UNREAD = {
    "BROADCAST_TO": 1,
    "EXPAND_DIMS": 1,
    "FILL": 0,
    "RESHAPE": 1,
    "RESIZE_BILINEAR": 1,
    "RESIZE_NEAREST_NEIGHBOR": 1,
    "SHAPE": 0,
    "TRANSPOSE_CONV": 0,
    "ZEROS_LIKE": 0,
}


def find_storage(graph: Graph) -> dict[int, int]:
    """Return for each tensor the tensor whose bytes it shares: itself, or a reshape's source."""
    storage = {t.index: t.index for t in graph.tensors}
    for node in graph.nodes:
        if node.op in RESHAPES:
            storage[node.outputs[0]] = storage[node.inputs[0]]
    return storage


def live_nodes(graph: Graph) -> tuple[Node, ...]:
    """Return the nodes that the outputs depend on, and those that keep something for next time;
    what computes a known shape is dead."""
    wanted, live = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if wanted.intersection(node.outputs) or changes_state(graph, node):
            live.append(node)
            wanted.update(read_inputs(node))
    return tuple(reversed(live))


def changes_state(graph: Graph, node: Node) -> bool:
    """Return whether a node writes to a variable: as its output, or as the state it reads."""
    written = node.inputs if node.op in RECURRENT else node.outputs
    return any(t >= 0 and graph.tensor(t).is_variable for t in written)


def read_inputs(node: Node) -> tuple[int, ...]:
    """Return the tensors whose bytes a node reads."""
    unread = _UNREAD.get(node.op)
    return tuple(t for side, t in enumerate(node.inputs) if side != unread and t >= 0)


def computing_nodes(graph: Graph) -> tuple[Node, ...]:
    """Return the nodes that become layers: the live ones but the reshapes."""
    return tuple(n for n in live_nodes(graph) if n.op not in RESHAPES)


def find_lifetimes(
    graph: Graph, nodes: Sequence[Node], storage: Mapping[int, int]
) -> dict[int, Buffer]:
    """Return a buffer for each tensor that needs arena memory, by tensor index.

    An input is alive from layer 0, since it is written before; an output to the last layer, since
    it is read after; a variable always.
    """
    final = max(0, len(nodes) - 1)
    spans: dict[int, tuple[int, int]] = {}

    def touch(tensor: int, layer: int) -> None:
        root = storage[tensor]
        if tensor >= 0 and not graph.tensor(root).is_constant:
            first, last = spans.get(root, (layer, layer))
            spans[root] = (min(first, layer), max(last, layer))

    for tensor in graph.inputs:
        touch(tensor, 0)
    for layer, node in enumerate(nodes):
        for tensor in (*read_inputs(node), *node.outputs):
            touch(tensor, layer)
    for tensor in graph.outputs:
        touch(tensor, final)
    for tensor in [t for t in spans if graph.tensor(t).is_variable]:
        spans[tensor] = (0, final)
    return {t: Buffer(graph.tensor(t).bytes, *spans[t]) for t in sorted(spans)}


def find_permits(
    graph: Graph,
    nodes: Sequence[Node],
    overlaps: Sequence[tuple[Overlap, ...]],
    storage: Mapping[int, int],
    buffers: Mapping[int, Buffer],
) -> tuple[Permit, ...]:
    """Return which buffers may overlap: a layer's output and an input that dies there.

    What the application reads afterwards stays whole, and so do variables.
    """
    positions = {key: i for i, key in enumerate(buffers)}
    states = {t for t in buffers if is_variable(graph, t)}
    kept = {storage[t] for t in graph.outputs} | states
    found = []
    for index, (node, leave) in enumerate(zip(nodes, overlaps, strict=True)):
        output = storage[node.outputs[0]]
        for overlap in leave:
            source = storage[overlap.tensor]
            dies = source in buffers and buffers[source].last == index == buffers[output].first
            if dies and source not in kept and output not in {source, *states}:
                places = positions[output], positions[source]
                found.append(Permit(*places, overlap.distance, overlap.exact))
    return tuple(found)


def is_variable(graph: Graph, key: int) -> bool:
    """Return whether a buffer's key is that of a variable."""
    return key >= 0 and graph.tensor(key).is_variable


def scratch_key(layer: int) -> int:
    """Return the key under which a layer's scratch memory stands among the tensors' buffers."""
    return SCRATCH - layer
