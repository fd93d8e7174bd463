"""The arena planner: nothing overlaps, and the arena is as small as it can be."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.compile.identifiers import MAX_LENGTH, RESERVED, c_identifier
from edgeq.compile.memory.packing import Buffer, arena_bytes
from edgeq.compile.memory.planner import (
    ALIGNMENT,
    check_plan,
    lower_bound,
    plan_arena,
)
from edgeq.core.errors import InternalError

buffers = st.builds(
    lambda size, first, length: Buffer(size, first, first + length),
    st.integers(1, 4096),
    st.integers(0, 12),
    st.integers(0, 6),
)


def _smallest(items: list[Buffer]) -> int:
    """Return the exact optimum: some order of lowest-fit placement reaches it."""
    best = None
    for order in permutations(range(len(items))):
        offsets: dict[int, int] = {}
        for i in order:
            taken = sorted(
                (offsets[j], offsets[j] + items[j].size)
                for j in offsets
                if items[i].meets(items[j])
            )
            at = 0
            for low, high in taken:
                if at + items[i].size <= low:
                    break
                at = max(at, -(-high // ALIGNMENT) * ALIGNMENT)
            offsets[i] = at
        height = max(offsets[i] + items[i].size for i in offsets)
        best = height if best is None else min(best, height)
    return best or 0


@given(st.lists(buffers, max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_plan_never_overlaps(items: list[Buffer]) -> None:
    offsets = plan_arena(items)
    check_plan(items, offsets, arena_bytes(items, offsets))
    assert all(o % ALIGNMENT == 0 for o in offsets)
    assert arena_bytes(items, offsets) >= lower_bound(items)


@given(st.lists(buffers, min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_plan_is_within_five_percent_of_the_optimum(items: list[Buffer]) -> None:
    offsets = plan_arena(items)
    assert arena_bytes(items, offsets) <= 1.05 * _smallest(items)


def test_what_is_on_top_need_not_fill_the_last_step_of_the_alignment() -> None:
    items = [Buffer(size=1, first=0, last=0), Buffer(size=2, first=0, last=0)]
    assert arena_bytes(items, plan_arena(items)) == ALIGNMENT + 1


@given(st.lists(buffers, max_size=25))
@settings(max_examples=20, deadline=None)
def test_the_same_buffers_give_the_same_plan(items: list[Buffer]) -> None:
    assert plan_arena(items) == plan_arena(items)


@pytest.mark.parametrize("offsets", [(0, 8), (0, 15)])
def test_the_check_finds_an_overlap(offsets: tuple[int, int]) -> None:
    items = [Buffer(16, 0, 1), Buffer(16, 1, 2)]
    with pytest.raises(InternalError):
        check_plan(items, offsets, 64)


def test_the_check_finds_a_buffer_beyond_the_arena() -> None:
    with pytest.raises(InternalError):
        check_plan([Buffer(16, 0, 1)], (0,), 8)


@given(st.text(max_size=60))
def test_any_name_becomes_an_identifier(name: str) -> None:
    made = c_identifier(name)
    assert made.isascii()
    assert made.isidentifier()
    assert len(made) <= MAX_LENGTH
    assert made not in RESERVED


@given(st.lists(st.text(max_size=12), unique=True, max_size=20))
def test_different_names_stay_different(names: list[str]) -> None:
    assert len({c_identifier(n) for n in names}) == len(names)


@pytest.mark.parametrize("name", ["string", "Math", "clean", "all", "run", "arduino", "Arduino_x"])
def test_a_name_that_a_header_or_a_build_system_owns_is_changed(name: str) -> None:
    assert c_identifier(name) != name
    assert not c_identifier(name).lower().startswith("arduino")


@pytest.mark.parametrize("name", ["kws_ref_model", "a", "x" * MAX_LENGTH])
def test_a_name_that_is_fit_stays_as_it_is(name: str) -> None:
    assert c_identifier(name) == name
