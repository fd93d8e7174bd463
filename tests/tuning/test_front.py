"""The front and the choice on it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgeq.tuning.candidates import PLAIN
from edgeq.tuning.choice import pick
from edgeq.tuning.front import excess, find_front, price
from edgeq.tuning.records import Costs, Finalist, Score, TrialRecord
from edgeq.tuning.request import TuneLimits

SMALL = st.integers(min_value=1, max_value=4)


def trial(
    number: int, accuracy: float, flash: int, ram: int = 1, latency: float | None = 1.0
) -> TrialRecord:
    return TrialRecord(
        key=str(number),
        number=number,
        candidate=PLAIN,
        verdict="ok",
        score=score(accuracy),
        costs=Costs(flash_bytes=flash, ram_bytes=ram, latency_s=latency, kind="simulated"),
    )


def score(value: float, *, higher_is_better: bool = True) -> Score:
    return Score(
        metric="top1",
        value=value,
        low=value,
        high=value,
        samples=100,
        higher_is_better=higher_is_better,
    )


def figures(record: TrialRecord) -> tuple[float, ...]:
    assert record.score
    assert record.costs
    costs = record.costs
    return -record.score.value, costs.flash_bytes, costs.ram_bytes, costs.latency_s or 0


@given(st.lists(st.tuples(SMALL, SMALL, SMALL, SMALL), max_size=12))
def test_the_front_is_what_brute_force_finds(rows: list[tuple[int, int, int, int]]) -> None:
    trials = [trial(i, a / 4, f, r, t) for i, (a, f, r, t) in enumerate(rows)]
    front = find_front(trials)
    for one in trials:
        beaten = any(
            figures(other) != figures(one)
            and all(x <= y for x, y in zip(figures(other), figures(one), strict=True))
            for other in trials
        )
        assert beaten == (figures(one) not in {figures(kept) for kept in front})
    assert len({figures(kept) for kept in front}) == len(front)


def test_of_equal_trials_the_first_stays() -> None:
    assert [t.number for t in find_front([trial(1, 0.9, 5), trial(2, 0.9, 5)])] == [1]


def test_a_latency_that_nothing_is_known_of_beats_none_and_meets_no_limit() -> None:
    known, unknown = trial(1, 0.9, 5), trial(2, 0.9, 5, latency=None)
    assert find_front([known, unknown]) == (known,)
    assert excess(unknown, score(0.9), TuneLimits(latency_s=1.0)) == 1.0
    assert excess(unknown, score(0.9), TuneLimits()) == 0.0


def test_trials_without_a_model_are_not_on_the_front() -> None:
    failed = TrialRecord(key="x", candidate=PLAIN, verdict="failed", cause="broken")
    assert find_front([failed]) == ()


def test_the_limit_that_is_missed_most_counts() -> None:
    limits = TuneLimits(max_drop=1, flash_bytes=100, ram_bytes=10, latency_s=1.0)
    assert excess(trial(1, 0.9, 100, 10, 1.0), score(0.91), limits) == 0
    assert excess(trial(1, 0.9, 150, 12, 1.0), score(0.91), limits) == 0.5
    assert excess(trial(1, 0.8, 100, 10, 1.0), score(0.91), limits) > 0.9


def test_a_greater_error_is_lost_points_and_a_smaller_one_is_not() -> None:
    real = score(0.10, higher_is_better=False)
    assert round(score(0.11, higher_is_better=False).lost_against(real), 6) == 10
    assert score(0.09, higher_is_better=False).lost_against(real) < 0


def test_the_price_of_plain_int8_is_one() -> None:
    plain = Costs(flash_bytes=100, ram_bytes=10, latency_s=2.0, kind="simulated")
    half = Costs(flash_bytes=50, ram_bytes=5, latency_s=1.0, kind="simulated")
    assert price(plain, plain) == 1
    assert price(half, plain) == 0.5


def finalist(excess: float, price: float) -> Finalist:
    return Finalist(trial=trial(1, 0.9, 1), recipe="", excess=excess, price=price)


def test_the_cheapest_that_meets_the_limits_is_chosen() -> None:
    assert pick([finalist(0, 0.9), finalist(0, 0.5), finalist(0.1, 0.1)]) == (1, None)


def test_where_none_meets_the_limits_the_closest_is_named() -> None:
    assert pick([finalist(0.4, 0.2), finalist(0.1, 0.9)]) == (None, 1)
    assert pick([]) == (None, None)
