"""A group as one layer: the members' own kernels, called on stripes of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgeq.compile.layer import (
    SCRATCH,
    Call,
    Coding,
    Constant,
    Layer,
    Loop,
    Overlap,
    Part,
    Ref,
    Run,
)
from edgeq.compile.memory.inplace import least_distance
from edgeq.compile.memory.packing import align
from edgeq.compile.memory.planner import ALIGNMENT
from edgeq.compile.streaming.members import Member, cut_member, row_bytes
from edgeq.compile.streaming.stripes import Schedule, Task, schedule
from edgeq.compile.support import lower
from edgeq.compile.target import Target
from edgeq.compile.text import c_initialiser
from edgeq.graph.ir import Graph

_NEVER = 1 << 40


@dataclass(frozen=True, slots=True)
class Group:
    """Members, how many rows of the last one's output make a stripe, and what follows from it.

    `rolling` are the offsets of the members' input buffers in the group's scratch memory (the
    first member has none), `buffered` their bytes together, `moved` the bytes that change place.
    """

    members: tuple[Member, ...]
    rows: int
    plan: Schedule
    rolling: tuple[int, ...]
    buffered: int
    moved: int

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of all stripes."""
        return tuple(task for stripe in self.plan.stripes for task in stripe)


def make_group(graph: Graph, members: tuple[Member, ...], rows: int) -> Group | None:
    """Return the group that makes `rows` rows at a time, None if a window sees padding alone."""
    plan = schedule([m.walk for m in members], rows)
    tasks = [task for stripe in plan.stripes for task in stripe]
    if any(task.needs[0] >= task.needs[1] for task in tasks):
        return None
    widths = [row_bytes(graph, m.source) for m in members]
    rolling, at = [0], 0
    for held, width in zip(plan.held, widths[1:], strict=True):
        rolling.append(at)
        at += align(held * width, ALIGNMENT)
    moved = sum(task.kept * widths[task.member] for task in tasks if task.moved)
    return Group(members, rows, plan, tuple(rolling), at, moved)


def group_overlaps(graph: Graph, group: Group) -> tuple[Overlap, ...]:
    """Return where the group's output may lie over each tensor that it reads."""
    tasks = [task for task in group.tasks if not task.moved]
    last, output = len(group.members) - 1, row_bytes(graph, group.members[-1].output)
    ends = np.maximum.accumulate([t.rows[1] * output if t.member == last else 0 for t in tasks])
    found = []
    for tensor in external_inputs(graph, group.members):
        width = row_bytes(graph, tensor)
        reads = [_first_row(group.members[t.member], t, tensor) * width for t in tasks]
        found.append(Overlap(tensor, least_distance(reads, ends)))
    return tuple(found)


def external_inputs(graph: Graph, members: Sequence[Member]) -> tuple[int, ...]:
    """Return the tensors that a group reads and does not make, in order."""
    made = {m.output for m in members}
    read = dict.fromkeys(t for m in members for t in m.node.inputs if t >= 0)
    return tuple(t for t in read if t not in made and not graph.tensor(t).is_constant)


def _first_row(item: Member, task: Task, tensor: int) -> int:
    if tensor == item.source:
        return task.needs[0]
    return task.rows[0] if tensor in item.node.inputs else _NEVER


def lower_group(graph: Graph, group: Group, target: Target) -> Layer:
    """Return the group's layer."""
    work = _Work(graph, group, target)
    stripes = [
        tuple(run for task in stripe for run in work.runs(task)) for stripe in group.plan.stripes
    ]
    return Layer(
        calls=tuple(work.calls),
        sources=tuple(dict.fromkeys(work.sources)),
        constants=tuple(work.constants.values()),
        detail=describe(group),
        hot=work.hot,
        scratch=group.buffered + work.scratch,
        overlaps=group_overlaps(graph, group),
        program=roll_up(stripes),
        kernels=tuple(work.kernels[i] for i in range(len(group.members))),
        codings=tuple(work.codings.values()),
    )


def describe(group: Group) -> str:
    """Return e.g. '1x1 then 3x3, stride 2, 4 rows at a time'."""
    windows = " then ".join(m.window.describe() for m in group.members if m.window)
    rows = "row by row" if group.rows == 1 else f"{group.rows} rows at a time"
    return ", ".join(filter(None, (windows, rows)))


def note(graph: Graph, group: Group) -> str:
    """Return what streaming the group saves and costs, in words."""
    ops = " + ".join(m.node.op for m in group.members)
    whole = sum(graph.tensor(m.output).bytes for m in group.members[:-1])
    return (
        f"{ops} stream, {group.rows} of {group.members[-1].walk.out_rows} rows at a time: "
        f"{whole:,} bytes between them become {group.buffered:,}, {group.moved:,} bytes move"
    )


def roll_up(stripes: Sequence[tuple[Run, ...]]) -> tuple[Loop, ...]:
    """Return the stripes as loops over those that differ by a constant step alone."""
    loops: list[Loop] = []
    at = 0
    while at < len(stripes):
        rounds = 1
        steps = _steps(stripes[at], stripes[at + 1]) if at + 1 < len(stripes) else None
        while steps is not None and at + rounds < len(stripes):
            if _steps(stripes[at + rounds - 1], stripes[at + rounds]) != steps:
                break
            rounds += 1
        runs = stripes[at]
        if rounds > 1 and steps is not None:
            moving = iter(steps)
            runs = tuple(
                replace(run, operands=tuple(replace(p, step=next(moving)) for p in run.operands))
                for run in runs
            )
        loops.append(Loop(rounds, runs))
        at += rounds
    return tuple(loops)


def _steps(first: tuple[Run, ...], second: tuple[Run, ...]) -> tuple[int, ...] | None:
    """Return by how many bytes each operand moves from one stripe to the next."""
    if [r.call for r in first] != [r.call for r in second]:
        return None
    pairs = [
        (a, b)
        for x, y in zip(first, second, strict=True)
        for a, b in zip(x.operands, y.operands, strict=True)
    ]
    if any(a.tensor != b.tensor for a, b in pairs):
        return None
    return tuple(b.offset - a.offset for a, b in pairs)


@dataclass(slots=True)
class _Work:
    """What the layer of a group is gathered in: equal structs and constants are there once."""

    graph: Graph
    group: Group
    target: Target
    calls: list[Call] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    constants: dict[str, Constant] = field(default_factory=dict)
    scratch: int = 0
    hot: bool = False
    kernels: dict[int, str] = field(default_factory=dict)
    codings: dict[int, Coding] = field(default_factory=dict)
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    shapes: dict[tuple[int, ...], Layer] = field(default_factory=dict)

    def runs(self, task: Task) -> tuple[Run, ...]:
        """Return the calls of one task."""
        if task.moved:
            return (self._keep(task),)
        layer = self._layer(task)
        names = self._adopt(task.member, layer)
        return tuple(
            Run(
                self._call(replace(call, fields=_rename(call.fields, names))),
                tuple(self._part(task, t) for t in call.operands),
            )
            for call in layer.calls
        )

    def _layer(self, task: Task) -> Layer:
        """Return the member lowered for the shapes of a task."""
        item = self.group.members[task.member]
        (low, high), (first, end) = task.rows, task.needs
        key = (task.member, high - low, end - first, item.walk.padding(task.rows))
        if key not in self.shapes:
            graph, node = cut_member(self.graph, item, task.rows, task.needs)
            layer = lower(graph, node, self.target)
            self.shapes[key] = layer
            self.kernels[task.member] = layer.calls[-1].kernel
            self.codings.update((c.node, c) for c in layer.codings)
            self.sources += layer.sources
            self.scratch = max(self.scratch, layer.scratch)
            self.hot = self.hot or layer.hot
        return self.shapes[key]

    def _keep(self, task: Task) -> Run:
        width = row_bytes(self.graph, self.group.members[task.member].source)
        self.sources.append("eq_keep")
        at = self.group.rolling[task.member]
        operands = (Part(SCRATCH, at + task.moved * width), Part(SCRATCH, at))
        call = Call("eq_keep", "eq_keep", {"bytes": task.kept * width}, (SCRATCH, SCRATCH))
        return Run(self._call(call), operands)

    def _call(self, call: Call) -> int:
        key = call.kernel, c_initialiser(call.fields, 0)
        if key not in self.known:
            self.known[key] = len(self.calls)
            self.calls.append(call)
        return self.known[key]

    def _adopt(self, member: int, layer: Layer) -> Mapping[Ref, Ref]:
        """Take a member's constants under names of its own; return the new references."""
        names: dict[Ref, Ref] = {}
        for c in layer.constants:
            stem = c.name if c.shared else f"{c.name}_{chr(ord('a') + member)}"
            name = stem
            while not c.shared and not _same(self.constants.get(name, c), c):
                name += "_"
            taken = self.constants.get(name)
            if taken is None or taken.data.size < c.data.size:
                self.constants[name] = replace(c, name=name)
            names[c.ref] = Ref(name, c.shared)
        return names

    def _part(self, task: Task, tensor: int) -> Part:
        """Return where the rows of an operand lie."""
        item = self.group.members[task.member]
        if tensor == SCRATCH:
            return Part(SCRATCH, self.group.buffered)
        if self.graph.tensor(tensor).is_constant:
            return Part(tensor)
        width = row_bytes(self.graph, tensor)
        if tensor == item.output:
            if task.member + 1 == len(self.group.members):
                return Part(tensor, task.rows[0] * width)
            at = self.group.rolling[task.member + 1]
            return Part(SCRATCH, at + (task.rows[0] - task.origin) * width)
        if tensor == item.source:
            inside = task.member > 0
            return (
                Part(SCRATCH, self.group.rolling[task.member])
                if inside
                else Part(tensor, task.needs[0] * width)
            )
        return Part(tensor, task.rows[0] * width)


def _same(a: Constant, b: Constant) -> bool:
    return a.data.dtype == b.data.dtype and np.array_equal(a.data, b.data)


def _rename(value: Any, names: Mapping[Ref, Ref]) -> Any:
    if isinstance(value, Ref):
        return names.get(value, value)
    if isinstance(value, Mapping):
        return {key: _rename(item, names) for key, item in value.items()}
    return value
