"""Two measurements of one quantity: slower, faster, the same, or not to be told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgeq.bench.ranks import rank_sum_probability, ratio_interval

Outcome = Literal["same", "improvement", "regression", "cannot tell"]

ALARM_LEVEL = 0.005  # of a regression or an improvement that is none
SAME_LEVEL = 0.05  # of calling two the same that are not
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Sample:
    """One quantity as it was measured: its figure, and the runs behind it.

    An `exact` one has no noise, since it is counted or computed: sizes, and everything on a
    virtual board. `higher_is_better` is for accuracy.
    """

    value: float
    runs: tuple[float, ...] = ()
    exact: bool = False
    higher_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome, the relative change (positive where it grew), and what noise may explain.

    `p_value` is the probability that runs without such a change differ this much, `low` and `high`
    bound the 95 % interval of the change; None where there is no noise.
    """

    outcome: Outcome
    change: float
    p_value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


def compare(current: Sample, baseline: Sample, tolerance: float) -> Comparison:
    """Compare with a baseline, where changes of up to `tolerance` (a share) do not matter.

    Exact figures are compared as they are. Measured ones are a regression where the median rose by
    more than `tolerance` and chance seldom ranks unchanged runs so far above the baseline's
    (rank-sum test at 0.5 %); an improvement the other way round. They are the same where both a
    change of `tolerance` up and one down are ruled out (two one-sided tests at 5 %: Schuirmann
    1987, J. Pharmacokinetics and Biopharmaceutics 15, 657-680).
    """
    change = _relative(current.value, baseline.value)
    worse: Outcome = "improvement" if current.higher_is_better else "regression"
    better: Outcome = "regression" if current.higher_is_better else "improvement"
    if current.exact and baseline.exact:
        if abs(change) <= tolerance + ROUNDING:
            return Comparison("same", change)
        return Comparison(worse if change > 0 else better, change)
    if min(len(current.runs), len(baseline.runs)) < 2 or min(baseline.runs) <= 0:
        return Comparison("cannot tell", change, reason="a file holds no repeated runs")
    low, high = (end - 1 for end in ratio_interval(current.runs, baseline.runs))
    slower = rank_sum_probability(current.runs, baseline.runs)
    faster = rank_sum_probability(baseline.runs, current.runs)
    if slower < ALARM_LEVEL and change > tolerance:
        return Comparison(worse, change, slower, low, high)
    if faster < ALARM_LEVEL and change < -tolerance:
        return Comparison(better, change, faster, low, high)
    above = [run * (1 + tolerance) for run in baseline.runs]
    below = [run * (1 - tolerance) for run in baseline.runs]
    apart = max(
        rank_sum_probability(above, current.runs), rank_sum_probability(current.runs, below)
    )
    if apart < SAME_LEVEL:
        return Comparison("same", change, apart, low, high)
    least = min(slower, faster)
    return Comparison("cannot tell", change, least, low, high, "noise hides the difference")


def _relative(value: float, baseline: float) -> float:
    if baseline == 0:
        return 0.0 if value == 0 else math.copysign(math.inf, value)
    return (value - baseline) / baseline
