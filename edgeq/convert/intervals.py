"""Confidence intervals of figures, and tests that compare two models on the same samples.

Nothing here needs more than numpy; the bootstrap's seed is fixed, so that the same samples give
the same interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from edgeq.convert.metrics import Array, mean_ranks

LEVEL = 0.95
RESAMPLES = 2000
FEWER = 500  # of what is no function of sums
SEED = 20_130
_CHUNK = 1 << 22  # elements of the resampling counts that are held at once

# Column sums over samples (..., k) -> the statistic (...).
OfSums = Callable[[Array], Array]


class Interval(NamedTuple):
    """Bounds of a figure at a confidence of 95 %, and the method that gave them."""

    low: float
    high: float
    method: str


class Difference(NamedTuple):
    """What the second model has more than the first, on the same samples.

    `p_value`: the probability of at least such a difference where there is none.
    """

    change: float
    interval: Interval
    p_value: float
    test: str


def z_of(level: float = LEVEL) -> float:
    """Return the standard normal quantile that bounds a two-sided interval of `level`."""
    return NormalDist().inv_cdf((1 + level) / 2)


# --- shares --------------------------------------------------------------------------------------


def wilson(hits: int, samples: int, level: float = LEVEL) -> Interval:
    """Return the score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22, 209-212)."""
    if not 0 <= hits <= samples or samples < 1:
        raise ValueError("a share needs samples, and no more hits than those")
    z = z_of(level)
    share, weight = hits / samples, z * z / samples
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / samples + weight / (4 * samples)) / (1 + weight)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == samples else min(1.0, middle + half)
    return Interval(low, high, "Wilson")


def mcnemar(lost: int, won: int) -> float:
    """Return the exact two-sided p-value that `lost` and `won` samples are equally likely.

    Samples that one model alone gets right are drawn from a fair coin where the models are
    equally good (McNemar 1947, Psychometrika 12; binomial instead of chi-squared).
    """
    n, k = lost + won, min(lost, won)
    if n == 0:
        return 1.0
    terms = [_log_binomial(n, i) - n * math.log(2) for i in range(k + 1)]
    peak = max(terms)
    tail = math.exp(peak) * math.fsum(math.exp(t - peak) for t in terms)
    return min(1.0, 2 * tail)


def _log_binomial(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def compare_shares(first: Array, second: Array, level: float = LEVEL) -> Difference:
    """Compare two models by which samples each gets right (N,), two arrays of bool.

    McNemar's exact test; the interval squares and adds Wilson's, with the correlation of both
    (Newcombe 1998, Statistics in Medicine 17, 2635-2650, method 10).
    """
    n = len(first)
    both, neither = int(np.sum(first & second)), int(np.sum(~first & ~second))
    lost, won = int(np.sum(first & ~second)), int(np.sum(~first & second))
    old, new = (both + lost) / n, (both + won) / n
    low1, high1, _ = wilson(both + lost, n, level)
    low2, high2, _ = wilson(both + won, n, level)
    phi = _phi(both, lost, won, neither)
    down = _hypotenuse(new - low2, high1 - old, phi)
    up = _hypotenuse(high2 - new, old - low1, phi)
    bounds = Interval(new - old - down, new - old + up, "Newcombe")
    return Difference(new - old, bounds, mcnemar(lost, won), "McNemar, exact")


def _phi(both: int, lost: int, won: int, neither: int) -> float:
    """Return the correlation of two binary variables, with Newcombe's continuity correction."""
    product = (both + lost) * (won + neither) * (both + won) * (lost + neither)
    if product == 0:
        return 0.0
    cross, n = float(both * neither - lost * won), both + lost + won + neither
    cross = max(cross - n / 2, 0.0) if cross > 0 else cross
    return cross / math.sqrt(product)


def _hypotenuse(a: float, b: float, phi: float) -> float:
    return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))


# --- the area under the ROC curve ----------------------------------------------------------------


class _Placements(NamedTuple):
    """For each positive the share of negatives below it; for each negative, of positives above."""

    positives: Array
    negatives: Array

    @property
    def auc(self) -> float:
        return float(self.positives.mean())


def _placements(scores: Array, positive: Array) -> _Placements:
    """Return DeLong's components by mean ranks (Sun and Xu 2014, IEEE SPL 21, 1389-1393)."""
    p, n = int(positive.sum()), int((~positive).sum())
    if p == 0 or n == 0:
        raise ValueError("AUC needs positive and negative samples")
    ranks = mean_ranks(scores)
    ups, downs = scores[positive], scores[~positive]
    above = (ranks[positive] - mean_ranks(ups)) / n
    below = 1.0 - (ranks[~positive] - mean_ranks(downs)) / p
    return _Placements(above, below)


def delong(scores: Array, positive: Array, level: float = LEVEL) -> Interval:
    """Return the interval of an AUC of scores (N,) with positive (N,) bool.

    The variance is DeLong's (DeLong et al. 1988, Biometrics 44, 837-845), the bounds are taken on
    the logit, which keeps them within 0 and 1 (Pepe 2003, section 5.2.4). Where all pairs are
    ordered alike that variance is 0: then Newcombe's score interval stands in.
    """
    parts = _placements(scores, positive)
    area, variance = parts.auc, _spread(parts.positives, parts.negatives)
    if variance == 0 or area in (0.0, 1.0):
        return _score_auc(area, len(parts.positives), len(parts.negatives), level)
    middle = math.log(area / (1 - area))
    half = z_of(level) * math.sqrt(variance) / (area * (1 - area))
    low, high = (1 / (1 + math.exp(-(middle + s * half))) for s in (-1, 1))
    return Interval(low, high, "DeLong, logit")


def _spread(positives: Array, negatives: Array) -> float:
    parts = [np.var(part, ddof=1) / len(part) for part in (positives, negatives) if len(part) > 1]
    return float(sum(parts))


def _score_auc(area: float, positives: int, negatives: int, level: float) -> Interval:
    """Return the areas whose own variance explains `area` (Newcombe 2006, method 5).

    Statistics in Medicine 25, 559-573; the variance is Hanley and McNeil's with equal groups.
    """
    z, half = z_of(level), (positives + negatives) / 2 - 1

    def excess(theta: float) -> float:
        shape = 1 + half * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        variance = theta * (1 - theta) * shape / (positives * negatives)
        return abs(area - theta) - z * math.sqrt(variance)

    def bound(end: float) -> float:
        outside, inside = end, area
        if excess(outside) <= 0:
            return end
        inside += 1e-12 * (1 if end > area else -1)
        for _ in range(100):
            middle = (outside + inside) / 2
            outside, inside = (middle, inside) if excess(middle) > 0 else (outside, middle)
        return (outside + inside) / 2

    return Interval(
        0.0 if area == 0 else bound(0.0), 1.0 if area == 1 else bound(1.0), "Newcombe, score"
    )


def compare_auc(first: Array, second: Array, positive: Array, level: float = LEVEL) -> Difference:
    """Compare two models' scores (N,) of the same samples by DeLong's test for paired curves."""
    a, b = _placements(first, positive), _placements(second, positive)
    change = b.auc - a.auc
    variance = _spread(b.positives - a.positives, b.negatives - a.negatives)
    half = z_of(level) * math.sqrt(variance)
    bounds = Interval(max(-1.0, change - half), min(1.0, change + half), "DeLong")
    # A difference that no pair of samples varies is none by this test.
    p = 1.0 if variance == 0 else 2 * NormalDist().cdf(-abs(change) / math.sqrt(variance))
    return Difference(change, bounds, p, "DeLong, paired")


# --- the bootstrap -------------------------------------------------------------------------------


def bootstrap_sums(columns: Array, statistic: OfSums, level: float = LEVEL) -> Interval:
    """Return the BCa interval of a statistic of column sums over samples.

    Args:
        columns: (N, k), what each sample adds to each sum.
        statistic: of sums (..., k), scale-free or of means: it gets means over the samples.

    Bias-corrected and accelerated (Efron 1987, J. Am. Stat. Assoc. 82, 171-185), 2,000 resamples.
    """
    drawn = statistic(_resample_means(columns))
    value = float(statistic(columns.mean(axis=0)))
    n = len(columns)
    left_out = statistic((columns.sum(axis=0) - columns) / max(1, n - 1))
    return Interval(*_bca(drawn, value, left_out, level), "bootstrap, BCa")


def _resample_means(columns: Array) -> Array:
    """Return (RESAMPLES, k) means over samples drawn with replacement."""
    n, generator = len(columns), np.random.Generator(np.random.PCG64(SEED))
    rows = max(1, _CHUNK // n)
    parts = []
    for start in range(0, RESAMPLES, rows):
        count = min(rows, RESAMPLES - start)
        chosen = generator.multinomial(n, np.full(n, 1 / n), size=count)
        parts.append(chosen @ columns / n)
    return np.concatenate(parts)


def _bca(drawn: Array, value: float, left_out: Array, level: float) -> tuple[float, float]:
    """Return the quantiles of `drawn` that bias and acceleration choose."""
    drawn = np.sort(drawn[np.isfinite(drawn)])
    if len(drawn) == 0 or drawn[0] == drawn[-1]:
        return value, value
    normal = NormalDist()
    below = (np.sum(drawn < value) + np.sum(drawn == value) / 2) / len(drawn)
    bias = normal.inv_cdf(float(np.clip(below, 1e-6, 1 - 1e-6)))
    away = left_out.mean() - left_out
    power = float(np.sum(away**2)) ** 1.5
    acceleration = 0.0 if power == 0 else float(np.sum(away**3)) / (6 * power)
    z = z_of(level)
    shares = []
    for side in (-z, z):
        moved = bias + side
        shares.append(normal.cdf(bias + moved / max(1e-6, 1 - acceleration * moved)))
    low, high = np.quantile(drawn, shares)
    return float(low), float(high)


def bootstrap_samples(
    count: int, statistic: Callable[[Array], float], *, level: float = LEVEL
) -> Interval:
    """Return the percentile interval of a statistic of sample indices (N,), drawn again and again.

    For what is no function of sums; resamples without a value (NaN) are left out.
    """
    drawn = _draw(count, statistic)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), "bootstrap, percentile")


def bootstrap_precision(
    count: int, statistic: Callable[[Array], float], *, level: float = LEVEL
) -> Interval:
    """Return the interval of an average precision, a statistic of sample indices (N,).

    Few samples give too high a precision, resamples of them a higher one still: what the resamples
    have more is taken off. Normal with that bias corrected (Davison and Hinkley 1997, section 5.2)
    on the logit, which keeps it within 0 and 1; the figure itself is always inside. Where all
    resamples are alike, as at 1, there is nothing to tell the width by.
    """
    drawn, value = _draw(count, statistic), statistic(np.arange(count))
    if np.ptp(drawn) == 0 or not 0 < value < 1:
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        return Interval(min(float(low), value), max(float(high), value), "bootstrap, percentile")
    least = 1 / (2 * count)
    logits = _logit(np.clip(drawn, least, 1 - least))
    middle = 2 * _logit(value) - logits.mean()
    half = z_of(level) * logits.std(ddof=1)
    low, high = (float(1 / (1 + np.exp(-(middle + side * half)))) for side in (-1, 1))
    return Interval(min(low, value), max(high, value), "bootstrap, logit")


def _logit(share: Any) -> Any:
    return np.log(share / (1 - share))


def _draw(count: int, statistic: Callable[[Array], float]) -> Array:
    """Return the statistic of samples drawn with replacement, where it has a value."""
    generator = np.random.Generator(np.random.PCG64(SEED))
    values = [statistic(generator.integers(0, count, count)) for _ in range(FEWER)]
    drawn: Array = np.array([value for value in values if math.isfinite(value)])
    if len(drawn) == 0:
        raise ValueError("no resample of these samples has a value")
    return drawn


def compare_sums(
    first: Array, second: Array, statistic: OfSums, level: float = LEVEL
) -> Difference:
    """Compare two models by a statistic of column sums: the paired bootstrap.

    The p-value is twice the smaller share of resamples on either side of no difference, at least
    2 / (resamples + 1) (Davison and Hinkley 1997, section 4.4).
    """
    width = first.shape[1]

    def change(sums: Array) -> Array:
        return statistic(sums[..., width:]) - statistic(sums[..., :width])

    columns = np.concatenate([first, second], axis=1)
    value = float(change(columns.mean(axis=0)))
    return Difference(
        value,
        bootstrap_sums(columns, change, level),
        _sided(change(_resample_means(columns))),
        "paired bootstrap",
    )


def compare_samples(
    count: int, first: Callable[[Array], float], second: Callable[[Array], float]
) -> Difference:
    """Compare two models by a statistic of sample indices (N,): the paired bootstrap."""
    drawn: list[float] = []

    def change(indices: Array) -> float:
        drawn.append(second(indices) - first(indices))
        return drawn[-1]

    bounds = bootstrap_samples(count, change)
    whole = np.arange(count)
    return Difference(
        second(whole) - first(whole), bounds, _sided(np.array(drawn)), "paired bootstrap"
    )


def _sided(changes: Array) -> float:
    changes = changes[np.isfinite(changes)]
    least = min(int(np.sum(changes <= 0)), int(np.sum(changes >= 0)))
    return min(1.0, 2 * (least + 1) / (len(changes) + 1))
