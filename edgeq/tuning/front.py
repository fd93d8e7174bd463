"""The Pareto front of accuracy, flash, RAM and latency, and the choice on it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgeq.tuning.records import Costs, Score, TrialRecord
from edgeq.tuning.request import TuneLimits


def find_front(trials: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Return the finished trials that no other beats in one figure without losing in another.

    Equal figures: the earlier trial stands. In order of flash.
    """
    fine = [t for t in trials if t.verdict == "ok"]
    kept = [
        t
        for place, t in enumerate(fine)
        if not any(
            _dominates(other, t) or (at < place and _figures(other) == _figures(t))
            for at, other in enumerate(fine)
        )
    ]
    return tuple(sorted(kept, key=_figures_by_flash))


def _figures(trial: TrialRecord) -> tuple[float, ...]:
    """Return what is to be small: the error or minus the score, flash, RAM, latency.

    A latency that nothing is known of beats none that is.
    """
    assert trial.score is not None
    assert trial.costs is not None
    score, costs = trial.score, trial.costs
    loss = -score.value if score.higher_is_better else score.value
    latency = math.inf if costs.latency_s is None else costs.latency_s
    return loss, costs.flash_bytes, costs.ram_bytes, latency


def _figures_by_flash(trial: TrialRecord) -> tuple[float, ...]:
    score, flash, ram, latency = _figures(trial)
    return flash, latency, ram, score


def _dominates(one: TrialRecord, other: TrialRecord) -> bool:
    a, b = _figures(one), _figures(other)
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def excess(trial: TrialRecord, floating: Score, limits: TuneLimits) -> float:
    """Return by which share the trial misses the limit that it misses most; 0 where it meets all.

    A loss of accuracy counts in points over `max_drop`, each as 10 %; a latency that nothing is
    known of as twice its limit.
    """
    assert trial.score is not None
    assert trial.costs is not None
    costs = trial.costs
    lost = trial.score.lost_against(floating) - limits.max_drop
    over = [lost / 10]
    for value, limit in (
        (costs.flash_bytes, limits.flash_bytes),
        (costs.ram_bytes, limits.ram_bytes),
        (costs.latency_s, limits.latency_s),
    ):
        if limit is not None:
            over.append(1.0 if value is None else value / limit - 1)
    # A share has the error of its division: what differs in the tenth digit meets the limit.
    return round(max(0.0, *over), 9)


def price(costs: Costs, plain: Costs) -> float:
    """Return the mean of flash, RAM and latency, each as a share of plain int8's."""
    shares = [
        costs.flash_bytes / plain.flash_bytes,
        costs.ram_bytes / plain.ram_bytes,
    ]
    if costs.latency_s and plain.latency_s:
        shares.append(costs.latency_s / plain.latency_s)
    return sum(shares) / len(shares)
