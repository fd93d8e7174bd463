"""The geometry of stripes: which rows each member of a group makes, and when.

The last member makes a few rows at a time. What it reads are rows of a rolling buffer, whose
missing ones the member before it makes first, and so on up to the group's input, which lies whole
in the arena. Rows that a later stripe reads again move to the start of their buffer: no row is
computed twice (patch-based inference computes them again: Lin et al., arXiv 2110.15352).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Rows = tuple[int, int]  # from the first up to, but not including, the last


@dataclass(frozen=True, slots=True)
class Walk:
    """How the rows of an operator's output depend on those of its input."""

    in_rows: int
    out_rows: int
    reach: int = 1
    stride: int = 1
    pad: int = 0

    def needs(self, rows: Rows) -> Rows:
        """Return the input rows that output `rows` are made from."""
        low = rows[0] * self.stride - self.pad
        high = (rows[1] - 1) * self.stride - self.pad + self.reach
        return max(0, low), min(self.in_rows, high)

    def padding(self, rows: Rows) -> int:
        """Return the padding above the input rows that output `rows` are made from."""
        return max(0, self.pad - rows[0] * self.stride)


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a stripe: a member makes output `rows` from the input rows `needs`.

    `origin` is the row at the start of the memory that it writes to. Where `moved` is not nought,
    nothing is made: the `kept` rows at hand in the member's input buffer move by so many rows to
    its start.
    """

    member: int
    rows: Rows
    needs: Rows
    origin: int = 0
    kept: int = 0
    moved: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """The tasks of each stripe in their order, and the rows that each rolling buffer holds."""

    stripes: tuple[tuple[Task, ...], ...]
    held: tuple[int, ...]


def schedule(walks: Sequence[Walk], rows: int) -> Schedule:
    """Return the tasks of a group that makes `rows` rows of its output at a time.

    Args:
        walks: of the members, first to last.
    """
    last = walks[-1].out_rows
    state = _Buffers([0] * len(walks), [0] * len(walks), [0] * len(walks))
    stripes = []
    for start in range(0, last, rows):
        tasks: list[Task] = []
        _demand(walks, state, len(walks) - 1, (start, min(start + rows, last)), 0, tasks)
        stripes.append(tuple(tasks))
    return Schedule(tuple(stripes), tuple(state.held[1:]))


@dataclass(slots=True)
class _Buffers:
    """Of each member's input: the first row at hand, the end of those made, the most held."""

    base: list[int]
    made: list[int]
    held: list[int]


def _demand(
    walks: Sequence[Walk],
    state: _Buffers,
    member: int,
    rows: Rows,
    origin: int,
    tasks: list[Task],
) -> None:
    needs = walks[member].needs(rows)
    if member > 0:
        _provide(walks, state, member, needs, tasks)
    tasks.append(Task(member, rows, needs, origin))


def _provide(
    walks: Sequence[Walk], state: _Buffers, member: int, needs: Rows, tasks: list[Task]
) -> None:
    """Bring the rows that `member` reads into its buffer."""
    kept, moved = state.made[member] - needs[0], needs[0] - state.base[member]
    if moved and kept > 0:
        tasks.append(Task(member, (0, 0), needs, 0, kept, moved))
    state.base[member] = needs[0]
    state.held[member] = max(state.held[member], needs[1] - needs[0])
    missing = max(needs[0], state.made[member]), needs[1]
    if missing[0] < missing[1]:
        _demand(walks, state, member - 1, missing, needs[0], tasks)
        state.made[member] = needs[1]
