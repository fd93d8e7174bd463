"""The arena planner: lifetimes in, offsets out.

Dynamic storage allocation is NP-hard, and the graphs are small: several greedy orders, a hill
climb over the best of them, then branch and bound where the graph is small enough. Each stage
stops at the lower bound, what the buffers of one layer need at least.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from edgeq.compile.memory.packing import Buffer, Packing, Permit, arena_bytes
from edgeq.core.errors import InternalError

ALIGNMENT = 8
EXACT_LIMIT = 30
_TFLM_ALIGNMENT = 16
_CLIMBS = 3
_CLIMB_STEPS = 600
_SEARCH_STEPS = 30_000


def plan_arena(
    buffers: Sequence[Buffer], permits: Sequence[Permit] = (), alignment: int = ALIGNMENT
) -> tuple[int, ...]:
    """Return an offset for each buffer such that two live ones overlap only as a permit says.

    Every offset is a multiple of `alignment`.
    """
    packing = Packing(buffers, alignment, permits)
    orders = sorted(_greedy_orders(packing), key=lambda o: packing.height(packing.place(o)))
    offsets = min(packing.place(orders[0]), _largest_first(buffers), key=packing.height)
    for order in orders[:_CLIMBS]:
        if packing.height(offsets) > packing.floor:
            offsets = min(offsets, _climb(packing, order), key=packing.height)
    if packing.height(offsets) > packing.floor and len(buffers) <= EXACT_LIMIT:
        offsets = _search(packing, offsets)
    return tuple(offsets)


def plan_exactly(
    buffers: Sequence[Buffer], permits: Sequence[Permit] = (), alignment: int = ALIGNMENT
) -> tuple[int, ...]:
    """Return the plan of `plan_arena`, made better with OR-tools where that is installed.

    The floor needs no second search: nothing is below it.
    """
    known = plan_arena(buffers, permits, alignment)
    at_floor = arena_bytes(buffers, known) <= Packing(buffers, alignment, permits).floor
    if at_floor or len(buffers) > EXACT_LIMIT or find_spec("ortools") is None:
        return known
    from edgeq.compile.memory.exact import solve_arena

    return solve_arena(buffers, permits, alignment, known)[0]


def lower_bound(buffers: Sequence[Buffer], permits: Sequence[Permit] = ()) -> int:
    """Return a bound for every plan: what the buffers alive at one layer need at least."""
    return Packing(buffers, 1, permits).floor


def check_plan(
    buffers: Sequence[Buffer], offsets: Sequence[int], size: int, permits: Sequence[Permit] = ()
) -> None:
    """Check by brute force that all buffers lie in the arena and overlap only as permitted.

    Raises:
        InternalError: the plan is wrong.
    """
    if len(buffers) != len(offsets):
        raise _broken("a buffer has no offset")
    leave = {(p.written, p.read): p for p in permits}
    for i, (a, at) in enumerate(zip(buffers, offsets, strict=True)):
        if at < 0 or at + a.size > size:
            raise _broken(f"buffer {i} reaches outside the arena")
        for j in range(i):
            b, bt = buffers[j], offsets[j]
            alive_together = not (a.last < b.first or b.last < a.first)
            apart = at >= bt + b.size or bt >= at + a.size
            permit = leave.get((i, j)) or leave.get((j, i))
            if alive_together and not apart and not (permit and _granted(permit, buffers, offsets)):
                raise _broken(f"buffers {j} and {i} overlap")


def _granted(permit: Permit, buffers: Sequence[Buffer], offsets: Sequence[int]) -> bool:
    """Whether two buffers that overlap do so as the permit says."""
    below = offsets[permit.read] - offsets[permit.written]
    handed_over = buffers[permit.read].last == buffers[permit.written].first
    return handed_over and (below == 0 if permit.exact else below >= permit.distance)


def _broken(what: str) -> InternalError:
    return InternalError(f"the arena plan is wrong: {what}", hint="please report this model")


def _largest_first(buffers: Sequence[Buffer]) -> list[int]:
    """Return the plan of TFLite Micro (greedy_memory_planner.cc): no plan here is worse."""
    packing = Packing(buffers, _TFLM_ALIGNMENT)
    return packing.place(sorted(range(len(buffers)), key=lambda i: (-packing.sizes[i], -i)))


def _greedy_orders(packing: Packing) -> list[list[int]]:
    b = packing.buffers
    keys: tuple[Callable[[int], tuple[int, ...]], ...] = (
        lambda i: (-packing.sizes[i], b[i].first),
        lambda i: (-packing.sizes[i], -b[i].last),
        lambda i: (b[i].first, -packing.sizes[i]),
        lambda i: (-b[i].last, -packing.sizes[i]),
        lambda i: (b[i].first - b[i].last, -packing.sizes[i]),
        lambda i: (packing.sizes[i] * (b[i].first - b[i].last - 1), b[i].first),
        lambda i: (-len(packing.gaps[i]), -packing.sizes[i]),
    )
    return [sorted(range(len(b)), key=lambda i: (*key(i), i)) for key in keys]


def _climb(packing: Packing, order: list[int]) -> list[int]:
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


def _search(packing: Packing, known: list[int]) -> list[int]:
    """Branch and bound: never worse than `known`; without permits exact unless out of steps.

    An optimal packing of buffers that keep apart can be built in order of offset, each buffer at
    the lowest free place that is no lower than the one before it; so only such orders are tried.
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
