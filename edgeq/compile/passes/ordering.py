"""Operators in the order that keeps the fewest bytes alive at once."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from edgeq.compile.memory.lifetimes import RESHAPES, find_storage, live_nodes
from edgeq.compile.passes.rewriting import Rewrite
from edgeq.graph.ir import Graph, Node

_STATES = 4_000  # sets of operators done that are looked at before greedy choices take over


def order_operators(graph: Graph) -> Rewrite:
    """Return the graph with its operators in the best order that the search found.

    The search goes through the sets of operators that can be done, from the one with the lowest
    peak on (a shortest path whose length is its peak), so it is exact where it comes to its end.
    A graph that keeps state stays as it is.
    """
    if any(len(n.outputs) == 0 or _is_stateful(graph, n) for n in graph.nodes):
        return Rewrite(graph)
    work = _Work.of(graph)
    given = tuple(range(len(work.nodes)))
    best = min((_search(work), _greedy(work), given), key=lambda order: _peak(work, order))
    before, after = _peak(work, given), _peak(work, best)
    if after >= before:
        return Rewrite(graph)
    nodes = tuple(work.nodes[i] for i in best)
    changes = sum(a is not b for a, b in zip(nodes, work.nodes, strict=True))
    note = f"at most {after:,} bytes alive at once instead of {before:,}"
    return Rewrite(replace(graph, nodes=nodes), changes, note)


def _is_stateful(graph: Graph, node: Node) -> bool:
    tensors = (graph.tensor(t) for t in (*node.inputs, *node.outputs) if t >= 0)
    return any(t.is_variable or t.dtype == "resource" for t in tensors)


@dataclass(frozen=True, slots=True)
class _Work:
    """The live operators. Sets of them are bits of a number.

    `before[i]` must be done before operator i. A buffer has its bytes, the operators that write
    to it, and those that read it (-1: the application does, at the end).
    """

    nodes: tuple[Node, ...]
    before: tuple[int, ...]
    sizes: tuple[int, ...]
    writers: tuple[int, ...]
    readers: tuple[int, ...]

    @classmethod
    def of(cls, graph: Graph) -> _Work:
        nodes, storage = live_nodes(graph), find_storage(graph)
        made = {t: 1 << i for i, n in enumerate(nodes) for t in n.outputs}
        before = tuple(
            sum({made[t] for t in _read(n) if t in made and made[t] != 1 << i})
            for i, n in enumerate(nodes)
        )
        writers: dict[int, int] = {}
        readers: dict[int, int] = {}
        for i, n in enumerate(nodes):
            for t in n.outputs:
                writers[storage[t]] = writers.get(storage[t], 0) | 1 << i
            for t in (t for t in _read(n) if not graph.tensor(storage[t]).is_constant):
                readers[storage[t]] = readers.get(storage[t], 0) | 1 << i
        for t in graph.outputs:
            readers[storage[t]] = -1
        keys = [t for t in readers if not graph.tensor(t).is_constant]
        return cls(
            nodes,
            before,
            tuple(graph.tensor(t).bytes for t in keys),
            tuple(writers.get(t, 0) for t in keys),
            tuple(readers[t] for t in keys),
        )

    def alive(self, done: int, now: int = 0) -> int:
        """Return the bytes alive after the operators `done`, or while the one `now` works."""
        total = 0
        for size, writer, reader in zip(self.sizes, self.writers, self.readers, strict=True):
            begun = writer == 0 or writer & (done | now)
            if begun and (reader < 0 or reader & ~done):
                total += size
        return total

    def ready(self, done: int) -> Iterator[int]:
        """Yield the operators that can be next."""
        for i, before in enumerate(self.before):
            if not done >> i & 1 and before & ~done == 0:
                yield i


def _read(node: Node) -> Sequence[int]:
    given = node.inputs[:1] if node.op in RESHAPES else node.inputs
    return [t for t in given if t >= 0]


def _peak(work: _Work, order: Sequence[int]) -> int:
    done = peak = 0
    for i in order:
        peak = max(peak, work.alive(done, 1 << i))
        done |= 1 << i
    return peak


def _search(work: _Work) -> tuple[int, ...]:
    """Return the exact order; the greedy one where there are too many sets."""
    everything = (1 << len(work.nodes)) - 1
    waiting: list[tuple[int, int, int, tuple[int, ...]]] = [(0, 0, 0, ())]
    seen: set[int] = set()
    while waiting and len(seen) < _STATES:
        peak, _, done, order = heapq.heappop(waiting)
        if done == everything:
            return order
        if done in seen:
            continue
        seen.add(done)
        for i in work.ready(done):
            height = max(peak, work.alive(done, 1 << i))
            heapq.heappush(waiting, (height, -len(order), done | 1 << i, (*order, i)))
    return _greedy(work)


def _greedy(work: _Work) -> tuple[int, ...]:
    """Return the order that at each turn takes the operator that leaves the fewest bytes alive."""
    done = 0
    order: list[int] = []
    while len(order) < len(work.nodes):
        now = done
        best = min(work.ready(done), key=lambda i: (work.alive(now | 1 << i), i))
        order.append(best)
        done |= 1 << best
    return tuple(order)
