"""The model's operators on the board: which of them XNNPACK runs, and how long each takes."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.core.records import LayerRecord
from edgeq.device.linux.replies import NodeDetail, Reply
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import macs

DELEGATE = "DELEGATE"


def find_delegated(graph: Graph, nodes: Sequence[NodeDetail]) -> frozenset[int]:
    """Return the indices of the operators that a delegate runs.

    The interpreter lists a delegate's partition as one node with the tensors that go in and out.
    Its operators are those on the way back from the outputs to the inputs.
    """
    maker = {index: node for node in graph.nodes for index in node.outputs}
    found: set[int] = set()
    for delegate in (node for node in nodes if node.op == DELEGATE):
        outside, waiting = set(delegate.inputs), list(delegate.outputs)
        while waiting:
            node = maker.get(waiting.pop())
            if node is not None and node.index not in found:
                found.add(node.index)
                waiting += [index for index in node.inputs if index not in outside]
    return frozenset(found)


def traffic_bytes(graph: Graph, node: Node) -> int:
    """Return the bytes that the operator reads and writes: activations, constants, outputs."""
    return sum(graph.tensor(index).bytes for index in (*node.inputs, *node.outputs) if index >= 0)


def operator_times(prefixes: Sequence[float]) -> tuple[float, ...]:
    """Return the seconds of each operator from the times of ever longer prefixes.

    A prefix cannot take less time than a shorter one: where noise says so, both get their mean
    (isotonic regression by pooling adjacent violators; Barlow et al. 1972). The first time
    includes the call of the interpreter itself.
    """
    pools: list[tuple[float, int]] = []
    for value in prefixes:
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (b, n), (a, m) = pools.pop(), pools.pop()
            pools.append(((a * m + b * n) / (m + n), m + n))
    levels = [value for value, count in pools for _ in range(count)]
    return tuple(b - a for a, b in zip([0.0, *levels], levels, strict=False))


def layer_records(graph: Graph, reply: Reply) -> tuple[LayerRecord, ...]:
    """Return a record of each operator, with times where the board measured its prefixes."""
    delegated = None if reply.nodes is None else find_delegated(graph, reply.nodes)
    known = reply.prefixes is not None and len(reply.prefixes) == len(graph.nodes)
    times = operator_times(reply.prefixes or ()) if known else (None,) * len(graph.nodes)
    return tuple(
        LayerRecord(
            index=node.index,
            op=node.op,
            name=graph.tensor(node.outputs[0]).name if node.outputs else "",
            macs=macs(graph, node),
            time_s=time,
            delegated=None if delegated is None else node.index in delegated,
            traffic_bytes=traffic_bytes(graph, node),
        )
        for node, time in zip(graph.nodes, times, strict=True)
    )
