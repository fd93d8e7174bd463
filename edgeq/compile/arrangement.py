"""From a graph to layers in an arena: what runs when, what lies where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgeq.compile.layer import Layer
from edgeq.compile.memory.lifetimes import computing_nodes, find_permits, find_storage
from edgeq.compile.memory.packing import Buffer, Permit, arena_bytes
from edgeq.compile.memory.planner import check_plan, plan_exactly
from edgeq.compile.passes import total_macs
from edgeq.compile.streaming.group import lower_group, note
from edgeq.compile.streaming.selection import Step, Wish, plain_step, step_buffers, stream
from edgeq.compile.support import lower
from edgeq.compile.target import Target
from edgeq.core.records import Goal
from edgeq.graph.ir import Graph, Node

# How much the goals let stripes cost, as a share of the multiply-accumulates; goals that are not
# here stream for a budget alone.
_STREAMS: Mapping[Goal, float] = {"ram": float("inf"), "balanced": 0.04}

# Weights that stripes may decode again, as a share of the same.
_REPEATS = 0.04

# The share of the arena that weights have to save by being decoded as they are multiplied.
_SLOWER = 0.06

_ROOMS = (1.0, 0.9, 0.75, 0.0)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Layers with the nodes that each computes, and the plan of the arena.

    `offsets` has the offset of each buffer by its tensor, or by its layer's scratch key.
    """

    nodes: tuple[Node, ...]
    computed: tuple[tuple[Node, ...], ...]
    layers: tuple[Layer, ...]
    storage: Mapping[int, int]
    buffers: Mapping[int, Buffer]
    offsets: Mapping[int, int]
    permits: tuple[Permit, ...]
    arena: int
    notes: tuple[str, ...] = ()

    @property
    def places(self) -> dict[int, int]:
        """The offset of each tensor that lies in the arena."""
        return {t: self.offsets[root] for t, root in self.storage.items() if root in self.offsets}


def arrange(graph: Graph, target: Target) -> Arrangement:
    """Lower a graph and plan its arena; decode weights in what memory that leaves."""
    made = _arrange(graph, target)
    codings = [c for layer in made.layers for c in layer.codings]
    if not codings:
        return made
    # A layer that decodes all its weights at once may write upon its input.
    dying = _dying_inputs(graph)
    whole = {c.node: c.decoded for c in codings if c.node in dying}
    both = (made, _arrange(graph, _decoding(target, whole)))
    made = min(both, key=lambda a: (_repeats(graph, a) > _REPEATS, a.arena))
    least = _arrange(graph, _decoding(target, {c.node: 0 for c in codings}))
    if least.arena < (1 - _SLOWER) * made.arena and _repeats(graph, least) <= _REPEATS:
        made = least
    filled = _arrange(graph, _decoding(target, _spare_bytes(made)))
    return filled if filled.arena <= made.arena else made


def _repeats(graph: Graph, made: Arrangement) -> float:
    """Return the weights that are decoded more than once, as a share of multiply-accumulates."""
    again = 0
    for layer in made.layers:
        runs = sum(loop.rounds * len(loop.runs) for loop in layer.program)
        each = runs // len(layer.kernels) - 1 if layer.kernels else 0
        again += each * sum(c.decoded for c in layer.codings)
    return again / max(1, total_macs(graph))


def _decoding(target: Target, room: Mapping[int, int]) -> Target:
    return replace(target, decoding=tuple(sorted(room.items())))


def _dying_inputs(graph: Graph) -> frozenset[int]:
    """Return the nodes after which nothing reads their first input."""
    last = {t: n.index for n in graph.nodes for t in n.inputs}
    return frozenset(n.index for n in graph.nodes if n.inputs and last[n.inputs[0]] == n.index)


def _spare_bytes(made: Arrangement) -> dict[int, int]:
    """Return what the arena has for decoded weights, by node, beside all else in their layer."""
    room = {}
    for index, layer in enumerate(made.layers):
        alive = sum(b.size for b in made.buffers.values() if b.first <= index <= b.last)
        for coding in layer.codings:
            spare = coding.held + max(0, made.arena - alive)
            room[coding.node] = spare if coding.held or spare >= coding.decoded else 0
    return room


def _arrange(graph: Graph, target: Target) -> Arrangement:
    """Lower a graph and plan its arena; stream rows where goal or budget ask for it."""
    storage = find_storage(graph)
    plain = [plain_step(n, lower(graph, n, target)) for n in computing_nodes(graph)]
    best = _settle(graph, plain, storage, target)
    for wish in _wishes(graph, target):
        if best.arena <= wish.enough:
            continue
        steps = stream(graph, plain, storage, wish)
        if any(s.group for s in steps):
            streamed = _settle(graph, steps, storage, target)
            best = min(best, streamed, key=lambda a: a.arena)
    return best


def _wishes(graph: Graph, target: Target) -> list[Wish]:
    """Return the ways to stream, in the order in which they are tried.

    An arena can be larger than its layers need one by one: a budget is asked for with room.
    """
    goal, budget = target.options.goal, target.options.ram_bytes
    if budget is None and target.room is not None:
        budget = target.room - sum(graph.tensor(t).bytes for t in graph.inputs)
    free = [Wish(dearest=_STREAMS[goal])] if goal in _STREAMS else []
    if budget is None:
        return free
    rooms = (int(budget * share) for share in _ROOMS)
    return [*free, *(Wish(budget, enough) for enough in rooms)]


def _settle(
    graph: Graph, steps: Sequence[Step], storage: Mapping[int, int], target: Target
) -> Arrangement:
    """Return the arrangement of steps, after an independent check of what overlaps in it."""
    layers = tuple(_layer(graph, s, target) for s in steps)
    nodes = tuple(s.node for s in steps)
    final = [
        Step(s.node, s.nodes, layer.scratch, layer.overlaps)
        for s, layer in zip(steps, layers, strict=True)
    ]
    buffers = step_buffers(graph, final, storage)
    permits = find_permits(graph, nodes, [x.overlaps for x in layers], storage, buffers)
    sizes = tuple(buffers.values())
    offsets = plan_exactly(sizes, permits)
    size = arena_bytes(sizes, offsets)
    check_plan(sizes, offsets, size, permits)
    return Arrangement(
        nodes=nodes,
        computed=tuple(s.nodes for s in steps),
        layers=layers,
        storage=storage,
        buffers=buffers,
        offsets=dict(zip(buffers, offsets, strict=True)),
        permits=permits,
        arena=size,
        notes=tuple(note(graph, s.group) for s in steps if s.group),
    )


def _layer(graph: Graph, step: Step, target: Target) -> Layer:
    if step.group is not None:
        return lower_group(graph, step.group, target)
    assert step.layer is not None
    return step.layer
