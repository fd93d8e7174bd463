"""Which layers stream together: the groups that lower the peak, and no more of them than pay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeq.compile.layer import Layer, Overlap
from edgeq.compile.memory.lifetimes import find_lifetimes, find_permits, scratch_key
from edgeq.compile.memory.packing import Buffer, least_at
from edgeq.compile.memory.planner import ALIGNMENT
from edgeq.compile.streaming.group import Group, external_inputs, group_overlaps, make_group
from edgeq.compile.streaming.members import Member, member
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import macs

LONGEST = 7  # members of one group
_ROUNDS = 24
_LEAST_GAIN = 0.01  # of the peak, for a group to be worth its calls
# What stripes cost, in multiply-accumulates: a call on a stripe, and a byte that changes place.
_TASK_COST, _BYTE_COST = 150, 1
_ROWS = (1, 2, 4, 8)  # of a stripe, in the order in which they are tried


@dataclass(frozen=True, slots=True)
class Step:
    """A layer to be: a node, or a group that looks like one. `layer` is that of a plain node."""

    node: Node
    nodes: tuple[Node, ...]
    scratch: int
    overlaps: tuple[Overlap, ...]
    layer: Layer | None = None
    group: Group | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """How far to go.

    `enough` is the arena that is small enough, `aim` the peak to stop at, `dearest` what stripes
    may cost as a share of the model's multiply-accumulates.
    """

    enough: int = 0
    aim: int = 0
    dearest: float = float("inf")


def plain_step(node: Node, layer: Layer) -> Step:
    """Return the step of a single node."""
    return Step(node, (node,), layer.scratch, layer.overlaps, layer)


def step_buffers(
    graph: Graph, steps: Sequence[Step], storage: Mapping[int, int]
) -> dict[int, Buffer]:
    """Return the buffers of all tensors and of the steps' scratch memory."""
    found = find_lifetimes(graph, [s.node for s in steps], storage)
    return found | {
        scratch_key(i): Buffer(s.scratch, i, i) for i, s in enumerate(steps) if s.scratch
    }


def stream(
    graph: Graph, steps: Sequence[Step], storage: Mapping[int, int], wish: Wish
) -> list[Step]:
    """Return the steps with groups in place of those that make the peak, as far as `wish` goes."""
    budget = wish.dearest * sum(macs(graph, n) for s in steps for n in s.nodes)
    for rows in _ROWS:
        chosen = _prune(graph, steps, _lower_peak(graph, steps, storage, wish, rows), storage, wish)
        chosen = _widen(graph, chosen, storage, wish)
        if sum(_cost(s.group) for s in chosen if s.group) <= budget:
            return chosen
    return list(steps)


def _lower_peak(
    graph: Graph, steps: Sequence[Step], storage: Mapping[int, int], wish: Wish, rows: int
) -> list[Step]:
    """Put a group around the step that makes the peak, again and again while that lowers it."""
    chosen = list(steps)
    floors = step_floors(graph, chosen, storage)
    for _ in range(_ROUNDS):
        peak = max(floors, default=0)
        if peak <= wish.aim:
            break
        trial = _best(graph, chosen, storage, floors.index(peak), rows)
        if trial is None:
            break
        chosen, floors = trial, step_floors(graph, trial, storage)
    return chosen


def step_floors(
    graph: Graph,
    steps: Sequence[Step],
    storage: Mapping[int, int],
    moments: Sequence[int] | None = None,
) -> list[int]:
    """Return for each step, or for some of them, what its buffers need at least."""
    found = step_buffers(graph, steps, storage)
    permits = find_permits(
        graph, [s.node for s in steps], [s.overlaps for s in steps], storage, found
    )
    buffers = tuple(found.values())
    chosen = range(len(steps)) if moments is None else moments
    return [least_at(i, buffers, ALIGNMENT, permits) for i in chosen]


def _cost(group: Group) -> float:
    return _TASK_COST * len(group.tasks) + _BYTE_COST * group.moved


def _best(
    graph: Graph, steps: list[Step], storage: Mapping[int, int], at: int, rows: int
) -> list[Step] | None:
    """Return the steps with the group around step `at`, the peak, that lowers it most."""
    best: list[Step] | None = None
    least: tuple[float, float] | None = None
    peak = max(step_floors(graph, steps, storage))
    for first, end, group in _candidates(graph, steps, at, rows):
        scratch = max(s.scratch - _rolling(s) for s in steps[first:end])
        trial = [*steps[:first], group_step(graph, group, scratch), *steps[end:]]
        near = range(max(0, first - 1), min(first + 2, len(trial)))
        height = max(step_floors(graph, trial, storage, near))
        key = height, _cost(group)
        if height <= peak * (1 - _LEAST_GAIN) and (least is None or key < least):
            best, least = trial, key
    return best


def _candidates(
    graph: Graph, steps: list[Step], at: int, rows: int
) -> Iterator[tuple[int, int, Group]]:
    """Yield every group of neighbours of which step `at` is one: from where to where, and it."""
    for first in range(max(0, at - LONGEST + 1), at + 1):
        for end in range(at + 1, len(steps) + 1):
            nodes = tuple(n for s in steps[first:end] for n in s.nodes)
            members = chain(graph, nodes) if 2 <= len(nodes) <= LONGEST else ()
            if members is None or len(nodes) > LONGEST:
                break
            group = make_group(graph, members, rows) if members else None
            if group is not None and rows <= members[-1].walk.out_rows:
                yield first, end, group


def _rolling(step: Step) -> int:
    return step.group.buffered if step.group else 0


def chain(graph: Graph, nodes: Sequence[Node]) -> tuple[Member, ...] | None:
    """Return nodes as members of one group, None if they do not feed each other alone."""
    inside = {n.index for n in nodes}
    readers: dict[int, set[int]] = {}
    for n in graph.nodes:
        for t in n.inputs:
            readers.setdefault(t, set()).add(n.index)
    found: list[Member] = []
    for position, node in enumerate(nodes):
        source = nodes[position - 1].outputs[0] if position else node.inputs[0]
        item = member(graph, node, source) if source in node.inputs else None
        if item is None:
            return None
        found.append(item)
    for node in nodes[:-1]:
        output = node.outputs[0]
        if output in graph.outputs or len(readers.get(output, ())) != 1:
            return None
        if not readers[output] <= inside:
            return None
    return tuple(found)


def group_step(graph: Graph, group: Group, scratch: int) -> Step:
    """Return the step of a group whose kernels need `scratch` bytes beside its buffers."""
    nodes = tuple(m.node for m in group.members)
    node = Node(
        index=nodes[0].index,
        op="+".join(n.op for n in nodes),
        version=1,
        inputs=external_inputs(graph, group.members),
        outputs=nodes[-1].outputs,
    )
    overlaps = group_overlaps(graph, group)
    return Step(node, nodes, group.buffered + scratch, overlaps, group=group)


def _prune(
    graph: Graph,
    plain: Sequence[Step],
    steps: list[Step],
    storage: Mapping[int, int],
    wish: Wish,
) -> list[Step]:
    """Return the steps without the groups that do not lower the peak in the end."""
    single = {s.node.index: s for s in plain}
    for step in [s for s in steps if s.group]:
        at = steps.index(step)
        trial = [*steps[:at], *(single[n.index] for n in step.nodes), *steps[at + 1 :]]
        target = max(wish.aim, max(step_floors(graph, steps, storage)))
        if max(step_floors(graph, trial, storage)) <= target:
            steps = trial
    return steps


def _widen(graph: Graph, steps: list[Step], storage: Mapping[int, int], wish: Wish) -> list[Step]:
    """Return the steps with stripes of as many rows as the peak leaves room for."""
    peak = max(wish.aim, max(step_floors(graph, steps, storage), default=0))
    for at, step in enumerate(steps):
        while steps[at].group is not None:
            group = steps[at].group
            assert group is not None
            scratch = step.scratch - _rolling(step)
            wider = make_group(graph, group.members, 2 * group.rows)
            if wider is None or 2 * group.rows > group.members[-1].walk.out_rows:
                break
            trial = [*steps[:at], group_step(graph, wider, scratch), *steps[at + 1 :]]
            if max(step_floors(graph, trial, storage)) > peak:
                break
            steps = trial
    return steps
