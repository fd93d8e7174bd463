"""The arena as a constraint problem, for OR-tools' CP-SAT: exact where it proves its answer.

Offsets are integers; two buffers that meet lie one below the other, or as a permit says. One of
each of these choices holds. The plan that is known bounds the arena from above.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeq.compile.memory.packing import Buffer, Permit, align, arena_bytes

_WORK = 2.0  # deterministic time of CP-SAT, about seconds; the same on every computer


def solve_arena(
    buffers: Sequence[Buffer], permits: Sequence[Permit], alignment: int, known: Sequence[int]
) -> tuple[tuple[int, ...], bool]:
    """Return offsets that are no worse than `known`, and whether they are proved to be the best.

    Raises:
        ImportError: ortools is not installed (`pip install 'edgeq[exact]'`).
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    limit = arena_bytes(buffers, known)
    sizes = [align(b.size, alignment) // alignment for b in buffers]
    units = -(-limit // alignment)
    places = [model.new_int_var(0, units, f"offset{i}") for i in range(len(buffers))]
    top = model.new_int_var(0, limit, "arena")
    for i, b in enumerate(buffers):
        model.add(top >= alignment * places[i] + b.size)
        model.add_hint(places[i], known[i] // alignment)
    leave = {(p.written, p.read): p for p in permits}
    for i, a in enumerate(buffers):
        for j in range(i):
            if a.meets(buffers[j]):
                pair = (i, j) if (i, j) in leave else (j, i)
                _keep_apart(model, places, sizes, pair, leave.get(pair), alignment)
    model.minimize(top)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = _WORK
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return tuple(known), False
    found = tuple(alignment * solver.value(p) for p in places)
    best = min(found, tuple(known), key=lambda offsets: arena_bytes(buffers, offsets))
    return best, status == cp_model.OPTIMAL


def _keep_apart(
    model: Any,
    places: Sequence[Any],
    sizes: Sequence[int],
    pair: tuple[int, int],
    permit: Permit | None,
    alignment: int,
) -> None:
    """Add the choices of one pair; the first of it is written where there is a permit."""
    written, read = pair
    below = sizes[written]
    if permit is not None and not permit.exact:
        below = min(below, align(permit.distance, alignment) // alignment)
    choices = [
        places[read] - places[written] >= below,
        places[written] - places[read] >= sizes[read],
    ]
    if permit is not None and permit.exact:
        choices.append(places[read] == places[written])
    taken = [model.new_bool_var("") for _ in choices]
    for choice, chosen in zip(choices, taken, strict=True):
        model.add(choice).only_enforce_if(chosen)
    model.add_at_least_one(taken)
