"""The arena planner: lifetimes in, offsets out.

Dynamic storage allocation is NP-hard, and the graphs are small: several greedy orders, a hill
climb over the best of them, then branch and bound where the graph is small enough. Each stage
stops at the lower bound, the most bytes that are ever alive at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeq.core.errors import InternalError

ALIGNMENT = 8
EXACT_LIMIT = 30
_CLIMB_STEPS = 600
_SEARCH_STEPS = 30_000


@dataclass(frozen=True, slots=True)
class Buffer:
    """A tensor's memory: bytes, and the inclusive layer indices between which it is alive."""

    size: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        """Whether both are alive at some layer."""
        return self.first <= other.last and other.first <= self.last


def plan_arena(buffers: Sequence[Buffer], alignment: int = ALIGNMENT) -> tuple[int, ...]:
    """Return an offset for each buffer such that no two live buffers overlap.

    Every offset is a multiple of `alignment`.
    """
    packing = _Packing(buffers, alignment)
    order = min(_greedy_orders(packing), key=lambda o: packing.height(packing.place(o)))
    offsets = packing.place(order)
    if packing.height(offsets) > packing.floor:
        offsets = _climb(packing, order)
    if packing.height(offsets) > packing.floor and len(buffers) <= EXACT_LIMIT:
        offsets = _search(packing, offsets)
    return tuple(offsets)


def arena_bytes(buffers: Sequence[Buffer], offsets: Sequence[int]) -> int:
    """Return the size of the arena that holds `buffers` at `offsets`."""
    return max((o + b.size for b, o in zip(buffers, offsets, strict=True)), default=0)


def lower_bound(buffers: Sequence[Buffer]) -> int:
    """Return the most bytes alive at one layer: no plan can be smaller."""
    moments = {b.first for b in buffers}
    return max((sum(b.size for b in buffers if b.first <= t <= b.last) for t in moments), default=0)


def check_plan(buffers: Sequence[Buffer], offsets: Sequence[int], size: int) -> None:
    """Check by brute force that all buffers lie in the arena and no two live ones overlap.

    Raises:
        InternalError: the plan is wrong.
    """
    if len(buffers) != len(offsets):
        raise _broken("a buffer has no offset")
    for i, (a, at) in enumerate(zip(buffers, offsets, strict=True)):
        if at < 0 or at + a.size > size:
            raise _broken(f"buffer {i} reaches outside the arena")
        for j in range(i):
            b, bt = buffers[j], offsets[j]
            alive_together = not (a.last < b.first or b.last < a.first)
            if alive_together and at < bt + b.size and bt < at + a.size:
                raise _broken(f"buffers {j} and {i} overlap")


def _broken(what: str) -> InternalError:
    return InternalError(f"the arena plan is wrong: {what}", hint="please report this model")


class _Packing:
    """Buffers with aligned sizes and their conflicts; places them first-fit in a given order."""

    def __init__(self, buffers: Sequence[Buffer], alignment: int) -> None:
        self.buffers = buffers
        self.sizes = [-(-b.size // alignment) * alignment for b in buffers]
        self.rivals = [
            [j for j, other in enumerate(buffers) if j != i and b.meets(other)]
            for i, b in enumerate(buffers)
        ]
        self.floor = max((self._least_at(b.first) for b in buffers), default=0)

    def _least_at(self, moment: int) -> int:
        """Return what the buffers alive at a layer need: all aligned but the one on top."""
        alive = [i for i, b in enumerate(self.buffers) if b.first <= moment <= b.last]
        spare = max(self.sizes[i] - self.buffers[i].size for i in alive)
        return sum(self.sizes[i] for i in alive) - spare

    def place(self, order: Sequence[int]) -> list[int]:
        """Return the offsets (by buffer) of first-fit placement in `order`."""
        offsets = [-1] * len(self.buffers)
        for i in order:
            offsets[i] = self.fit(i, offsets)
        return offsets

    def fit(self, i: int, offsets: Sequence[int], at: int = 0) -> int:
        """Return the lowest offset from `at` where buffer `i` fits among the placed (>= 0) ones."""
        taken = sorted((offsets[j], self.sizes[j]) for j in self.rivals[i] if offsets[j] >= 0)
        for start, size in taken:
            if at + self.sizes[i] <= start:
                break
            at = max(at, start + size)
        return at

    def height(self, offsets: Sequence[int]) -> int:
        """Return the arena's size for `offsets`."""
        return arena_bytes(self.buffers, offsets)


def _greedy_orders(packing: _Packing) -> list[list[int]]:
    b = packing.buffers
    keys: tuple[Callable[[int], tuple[int, ...]], ...] = (
        lambda i: (-packing.sizes[i], b[i].first),
        lambda i: (-packing.sizes[i], -b[i].last),
        lambda i: (b[i].first, -packing.sizes[i]),
        lambda i: (-b[i].last, -packing.sizes[i]),
        lambda i: (b[i].first - b[i].last, -packing.sizes[i]),
        lambda i: (packing.sizes[i] * (b[i].first - b[i].last - 1), b[i].first),
        lambda i: (-len(packing.rivals[i]), -packing.sizes[i]),
    )
    return [sorted(range(len(b)), key=lambda i: (*key(i), i)) for key in keys]


def _climb(packing: _Packing, order: list[int]) -> list[int]:
    """Move one buffer at a time to another place in the order; keep what is no worse."""
    chance = random.Random(len(order))
    best = packing.place(order)
    for _ in range(_CLIMB_STEPS):
        if packing.height(best) == packing.floor:
            break
        i, j = chance.randrange(len(order)), chance.randrange(len(order))
        trial = order.copy()
        trial.insert(j, trial.pop(i))
        offsets = packing.place(trial)
        if packing.height(offsets) <= packing.height(best):
            order, best = trial, offsets
    return best


def _search(packing: _Packing, known: list[int]) -> list[int]:
    """Branch and bound: exact unless it runs out of steps; never worse than `known`.

    An optimal packing can be built in order of offset, each buffer at the lowest free place that
    is no lower than the one before it; so only such orders are tried.
    """
    best, height = known, packing.height(known)
    offsets = [-1] * len(known)
    steps = _SEARCH_STEPS

    def visit(level: int, top: int) -> None:
        nonlocal best, height, steps
        fits = {i: packing.fit(i, offsets, level) for i, at in enumerate(offsets) if at < 0}
        if not fits:
            best, height = offsets.copy(), top
            return
        if max(top, *(at + packing.buffers[i].size for i, at in fits.items())) >= height:
            return
        for i in sorted(fits, key=lambda i: (fits[i], -packing.sizes[i], i)):
            steps -= 1
            if steps < 0 or height == packing.floor:
                return
            offsets[i] = fits[i]
            visit(fits[i], max(top, fits[i] + packing.buffers[i].size))
            offsets[i] = -1

    visit(0, 0)
    return best
