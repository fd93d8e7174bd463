"""The rank-sum test: do these runs take longer than those, or is it noise?"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

EXACT_RUNS = 60  # of both together; from there on the normal approximation is good to 0.001


def rank_sum_probability(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the probability that `values` rank as high above `others` as they do by chance.

    One-sided Wilcoxon-Mann-Whitney test under the hypothesis that both come from one distribution.
    Up to 60 runs it is the exact permutation distribution of the rank sum, equal values sharing
    their mean rank (Streitberg and Roehmel 1986, Statistical Software Newsletter 12, 10-17); above,
    the normal approximation with the corrections for ties and continuity (Lehmann 1975,
    "Nonparametrics", 1.5).
    """
    count, total = len(values), len(values) + len(others)
    if not 0 < count < total:
        return 1.0
    ranks = double_ranks([*values, *others])
    score = int(ranks[:count].sum())
    if total <= EXACT_RUNS:
        return _exact_tail(ranks, count, score)
    mean = count * (total + 1)
    spread = float(((ranks - (total + 1)) ** 2).sum())
    variance = count * (total - count) * spread / (total * (total - 1))
    if variance == 0:
        return 1.0
    return 0.5 * math.erfc((score - mean - 1) / math.sqrt(2 * variance))


def double_ranks(values: Sequence[float]) -> NDArray[np.int64]:
    """Return twice the rank of each value, from 1; equal values share their mean rank.

    Doubled, every rank is an integer.
    """
    array = np.asarray(values, np.float64)
    ordered = np.sort(array)
    below = np.searchsorted(ordered, array, side="left")
    return below + np.searchsorted(ordered, array, side="right") + 1


def _exact_tail(ranks: NDArray[np.int64], count: int, score: int) -> float:
    """Return the share of all choices of `count` ranks whose sum is at least `score`."""
    ways = _ways_to_sum(ranks, count)
    return float(ways[score:].sum() / ways.sum())


def _ways_to_sum(ranks: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return for each sum, from 0, how many choices of `count` ranks have it."""
    ways: NDArray[np.float64] = np.zeros((count + 1, int(ranks.sum()) + 1))
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    row: NDArray[np.float64] = ways[count]
    return row


def ratio_interval(
    values: Sequence[float], others: Sequence[float], level: float = 0.95
) -> tuple[float, float]:
    """Return a confidence interval of how many times `others` the `values` are; all above zero.

    The ends are ordered ratios of one value to one other, as far from both ends as the rank-sum
    test allows (Hodges and Lehmann 1963, Annals of Mathematical Statistics 34, 598-611; Hollander
    and Wolfe 1999, "Nonparametric Statistical Methods", 4.3, on logarithms). Few runs reach less
    than `level` even with the extreme ratios, which are then the interval. Of more than 1,000 runs
    a thousand evenly spaced ones count.
    """
    x, y = _thinned(values), _thinned(others)
    ratios = np.sort(np.divide.outer(x, y), axis=None)
    skipped = _skipped_ratios(len(x), len(y), (1 - level) / 2)
    return float(ratios[skipped]), float(ratios[-1 - skipped])


def _thinned(values: Sequence[float]) -> NDArray[np.float64]:
    ordered = np.sort(np.asarray(values, np.float64))
    places = np.linspace(0, len(ordered) - 1, min(len(ordered), 1000)).round().astype(np.int64)
    return ordered[places]


@functools.lru_cache(maxsize=64)
def _skipped_ratios(count: int, others: int, tail: float) -> int:
    """Return how many ratios lie outside at each end: one less than the greatest k where the
    Mann-Whitney count is below k with a probability of at most `tail`.
    """
    total = count + others
    if total > EXACT_RUNS:
        spread = math.sqrt(count * others * (total + 1) / 12)
        return max(0, math.floor(count * others / 2 - NormalDist().inv_cdf(1 - tail) * spread) - 1)
    ways = _ways_to_sum(np.arange(1, total + 1), count)[count * (count + 1) // 2 :]
    return max(0, int((np.cumsum(ways) / ways.sum() <= tail).sum()) - 1)
