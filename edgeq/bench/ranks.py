"""The rank-sum test: do these runs take longer than those, or is it noise?"""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    ways = np.zeros((count + 1, int(ranks.sum()) + 1))
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    return float(ways[count, score:].sum() / ways[count].sum())
