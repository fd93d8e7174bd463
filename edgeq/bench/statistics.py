"""Statistics of repeated runs. Medians first: a serial link and an operating system have tails.

Every figure is a rank or a median, so that no assumption about the runs' distribution is needed;
nothing is drawn at random, so that the same runs give the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

from edgeq.core.records import Record

TO_SIGMA = 1.4826  # median absolute deviation -> standard deviation, for normal values
FAR = 3.5  # modified z-score of an outlier: Iglewicz and Hoaglin 1993, p. 12
WARMUP_EXCESS = 0.01  # of the median: less than this is no warm-up that anyone could feel
DRIFT_SIGMA = 2.576  # two-sided test at 1 %
MANY_OUTLIERS = 0.1  # of the runs
SETTLED_RUNS = 10  # fewer runs tell too little about what is usual


class Summary(Record, frozen=True, kw_only=True):
    """Median, 95th percentile, mean and spread of `runs` values, in the values' unit.

    `low` and `high` bound the 95 % confidence interval of the median.
    """

    runs: int
    median: float
    p95: float
    mean: float
    minimum: float
    maximum: float
    mad: float
    low: float
    high: float
    outliers: int


def summarise(values: Sequence[float]) -> Summary:
    """Summarise at least one value.

    The 95th percentile is the nearest-rank one: the smallest value that at least 95 % of the
    values do not exceed. `mad` is the median absolute deviation from the median.
    """
    ordered = sorted(values)
    middle = float(median(ordered))
    low, high = median_interval(ordered)
    return Summary(
        runs=len(ordered),
        median=middle,
        p95=_nearest_rank(ordered, 0.95),
        mean=fmean(ordered),
        minimum=float(ordered[0]),
        maximum=float(ordered[-1]),
        mad=float(median(abs(v - middle) for v in ordered)),
        low=low,
        high=high,
        outliers=count_outliers(ordered),
    )


def median_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Return a confidence interval of the median of what `values` are drawn from.

    The interval between the k-th smallest and the k-th largest of n values covers the median with
    a probability that a binomial sum gives exactly, whatever the distribution; between two k the
    ends are interpolated (Hettmansperger and Sheather 1986, Statistics & Probability Letters 4,
    75-79). The percentile bootstrap also ends at order statistics but chooses among them without
    that sum: with 7 values it takes the 2nd and the 6th, which cover 87.5 % instead of 95 %.

    Two to four values can not reach 95 %: their interval is their range, which covers the median
    with probability 1 - 2^(1-n), that is 50, 75 and 87.5 %. Five reach 93.75 % and are widened by
    a fifth of the outer steps, down to zero at most where none is negative. Equal values give an
    interval of no width.

    Raises:
        ValueError: no values, or a level outside 0.8..0.999.
    """
    if not values or not 0.8 <= level <= 0.999:
        raise ValueError("an interval needs values, and a level of 0.8 to 0.999")
    ordered = sorted(float(v) for v in values)
    n = len(ordered)
    if reached_level(n) < 1 - 2 * (1 - level):
        return ordered[0], ordered[-1]
    rank, share = _interval_rank(n, level)
    low = ordered[rank - 1] + share * (ordered[rank] - ordered[rank - 1])
    high = ordered[n - rank] - share * (ordered[n - rank] - ordered[n - rank - 1])
    return max(low, min(0.0, ordered[0])), high


def reached_level(count: int) -> float:
    """Return with which probability the range of `count` values covers their median."""
    return 1 - 2.0 ** (1 - count)


def _interval_rank(n: int, level: float) -> tuple[int, float]:
    """Return the rank k, and how far the interval's ends lie from the k-th towards the next value.

    The share is negative where the outermost values reach a little less than `level`.
    """
    miss = 1 - level
    outside = inner = 2.0 ** (1 - n)
    rank = 1
    for k in range(1, max(2, n // 2)):
        log_count = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        inner = outside + 2 * math.exp(log_count - n * math.log(2))
        rank = k
        if inner > miss:
            break
        outside = inner
    weight = (miss - outside) / (inner - outside)
    return rank, (n - rank) * weight / (rank + (n - 2 * rank) * weight)


def count_warmup(values: Sequence[float]) -> int:
    """Return how many of the leading `values` (in the order of the runs) are warm-up.

    Leading runs are warm-up while each is slower than what is usual in the second half of the
    runs, and than what is usual in all runs that follow the warm-up. Usual is up to the 95th
    percentile, up to 3.5 robust standard deviations (1.4826 times the median absolute deviation)
    above the median, and up to 1 % above it. At most half of the runs are warm-up; fewer than ten
    runs tell too little and have none.
    """
    if len(values) < SETTLED_RUNS:
        return 0
    half = len(values) // 2
    leading = _leading_above(values[:half], _usual_limit(values[half:]))
    return _leading_above(values[:leading], _usual_limit(values[leading:]))


def _usual_limit(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = float(median(ordered))
    spread = TO_SIGMA * float(median(abs(v - middle) for v in ordered))
    return max(
        _nearest_rank(ordered, 0.95),
        middle + FAR * spread,
        middle + WARMUP_EXCESS * abs(middle),
    )


def _leading_above(values: Sequence[float], limit: float) -> int:
    return next((i for i, value in enumerate(values) if value <= limit), len(values))


def _nearest_rank(ordered: Sequence[float], share: float) -> float:
    return float(ordered[math.ceil(share * len(ordered)) - 1])


def count_outliers(values: Sequence[float]) -> int:
    """Return how many values have a modified z-score beyond 3.5.

    The score is (x - median) / (1.4826 MAD) (Iglewicz and Hoaglin 1993, "How to Detect and Handle
    Outliers", p. 11-12); where more than half of the values are equal, the mean absolute deviation
    times sqrt(pi / 2) takes the place of the divisor. Outliers are counted and stay in the figures.
    """
    middle = float(median(values))
    distances = [abs(v - middle) for v in values]
    scale = TO_SIGMA * float(median(distances)) or math.sqrt(math.pi / 2) * fmean(distances)
    return sum(d > FAR * scale for d in distances)


def find_drift(values: Sequence[float]) -> float | None:
    """Return by which share of the median `values` drift from the first run to the last.

    None where there is no trend at 1 % error by Mann and Kendall's test (with the correction for
    ties and continuity: Gilbert 1987, "Statistical Methods for Environmental Pollution Monitoring",
    16.4), where Theil and Sen's slope (Sen 1968, J. Am. Stat. Assoc. 63) makes less than 1 % over
    all runs, or where there are fewer than ten. More than 400 runs go in as medians of blocks.
    """
    if len(values) < SETTLED_RUNS:
        return None
    points = _block_medians(values)
    n, middle = len(points), float(median(points))
    pairs = [(j - i, points[j] - points[i]) for i in range(n) for j in range(i + 1, n)]
    score = sum((rise > 0) - (rise < 0) for _, rise in pairs)
    ties = [points.count(v) for v in set(points)]
    variance = sum(
        m * (m - 1) * (2 * m + 5) * sign for m, sign in [(n, 1), *((t, -1) for t in ties)]
    )
    if middle <= 0 or (abs(score) - 1) / math.sqrt(max(variance / 18, 1)) < DRIFT_SIGMA:
        return None
    share = float(median(rise / run for run, rise in pairs)) * (n - 1) / middle
    return share if abs(share) >= WARMUP_EXCESS else None


def _block_medians(values: Sequence[float], most: int = 400) -> list[float]:
    size = math.ceil(len(values) / most)
    return [float(median(values[i : i + size])) for i in range(0, len(values), size)]


def explain_spread(values: Sequence[float]) -> tuple[str, ...]:
    """Return warnings about `values` (in the order of the runs) that make a median doubtful."""
    if len(values) < 3:
        return ()
    warmup = count_warmup(values)
    steady = values[warmup:]
    summary = summarise(steady)
    notes: list[str] = []
    if 2 * warmup >= len(values):
        notes.append("half of the runs or more were warm-up: measure more runs")
    if summary.median > 0 and summary.mad / summary.median > 0.02:
        share = 100 * summary.mad / summary.median
        notes.append(f"runs spread by {share:.1f} % around the median: the board may be busy")
    if warmup == 0 and values[0] > 1.1 * summary.median:
        notes.append("the first run was slower than the median by more than 10 %: use more warm-up")
    if summary.outliers > MANY_OUTLIERS * len(steady):
        notes.append(f"{summary.outliers} of {len(steady)} runs are outliers: something interrupts")
    drift = find_drift(steady)
    if drift is not None:
        word = "slower" if drift > 0 else "faster"
        notes.append(f"runs became {word} by {abs(drift):.1%} from first to last: heat or a clock?")
    return tuple(notes)
