"""Calibrators: from the statistics of a tensor to the range of its integers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.choice import choose_ranges
from edgeq.convert.quantization.draft import Draft, Observer, Range
from edgeq.convert.quantization.errors import (
    LEVELS,
    Levels,
    density_of,
    squared_errors,
    without_zeros,
)
from edgeq.convert.quantization.observation import observe_activations, owners
from edgeq.convert.quantization.statistics import TensorStatistics
from edgeq.convert.recipes.steps import Calibrate
from edgeq.core.errors import InputError

Floats = NDArray[np.float64]
Calibrator = Callable[[TensorStatistics, Calibrate, Levels], Range]

# Rounds of the search for the least error: how far ends move, candidates, bins taken as one.
SEARCH = ((1.0, 48, 8), (0.25, 32, 8), (0.05, 32, 2), (0.01, 12, 1))
# Which ends a candidate's share moves: the exponents of the share, by turns.
BOTH, TURNS = ((1, 1),), ((1, 1), (1, 0), (0, 1))
COARSE = 16  # bins between the thresholds of the first round of the entropy search
KERNEL = 16  # bins to either side over which the entropy search smooths counts
SMOOTHING = 1e-4


def _with_zero(low: float, high: float) -> Range:
    """Return the range stretched to hold zero, which padding and ReLU need exactly."""
    return Range(min(low, 0.0), max(high, 0.0))


def keep_extremes(statistics: TensorStatistics, params: Calibrate, levels: Levels) -> Range:
    """Keep the least and the greatest value ever seen."""
    return _with_zero(statistics.low, statistics.high)


def keep_averages(statistics: TensorStatistics, params: Calibrate, levels: Levels) -> Range:
    """Keep the exponential moving averages of the samples' extremes (Jacob et al. 2018, 3.1)."""
    return _with_zero(statistics.moving_low, statistics.moving_high)


def keep_percentile(statistics: TensorStatistics, params: Calibrate, levels: Levels) -> Range:
    """Clip the share 1 - percentile / 100 of all values at either end."""
    low = percentile(statistics, 100 - params.percentile)
    return _with_zero(low, percentile(statistics, params.percentile))


def percentile(statistics: TensorStatistics, share: float) -> float:
    """Return the value below which `share` percent lie, interpolated within its bin."""
    histogram = statistics.histogram
    below = np.concatenate([[0], np.cumsum(histogram.counts)])
    wanted = share / 100 * statistics.count
    place = min(max(int(np.searchsorted(below, wanted)) - 1, 0), len(histogram.counts) - 1)
    part = (wanted - below[place]) / max(int(histogram.counts[place]), 1)
    value = (histogram.start + place + part) * histogram.width
    return float(min(max(value, statistics.low), statistics.high))


# --- least squared error -------------------------------------------------------------------------


def minimize_error(statistics: TensorStatistics, params: Calibrate, levels: Levels) -> Range:
    """Choose the range of the least expected squared error, of rounding and of clipping together.

    With rounding errors of step^2 / 12 the sum is convex in both ends (Sakr et al. 2022, section
    3), so ends are searched by turns, each round closer, by the exact error of the histogram.
    """
    whole = _with_zero(statistics.low, statistics.high)
    low, high = whole.low, whole.high
    if low == high:
        return whole
    for spread, candidates, coarseness in SEARCH:
        density = density_of(statistics, coarseness)
        shares = np.linspace(max(1 - spread, 0.02), 1 + spread, candidates)
        for of_low, of_high in BOTH if levels.symmetric else TURNS:
            lows = np.append(np.maximum(low * shares**of_low, whole.low), low)
            highs = np.append(np.minimum(high * shares**of_high, whole.high), high)
            # Of equal errors the last, which changes nothing.
            best = -1 - int(np.argmin(squared_errors(density, lows, highs, levels)[::-1]))
            low, high = float(lows[best]), float(highs[best])
    if levels.symmetric:
        peak = max(-low, high)
        return Range(max(-peak, whole.low), min(peak, whole.high))
    return Range(low, high)


# --- entropy -------------------------------------------------------------------------------------


def minimize_divergence(statistics: TensorStatistics, params: Calibrate, levels: Levels) -> Range:
    """Choose the threshold whose quantised distribution loses the least information.

    By Migacz, 8-bit Inference with TensorRT (2017): for each threshold on |x| the reference is
    the histogram below it with what lies above folded into its edge bins; the candidate has the
    values below it alone, gathered in as many groups as there are levels and spread evenly over
    each group's bins that were not empty. The divergence of Kullback and Leibler between both,
    smoothed, decides. Signed values keep both ends at one threshold (or at their extreme, where
    that is nearer to zero).

    Exact zeros, which lose nothing, are left out. Counts are smoothed beforehand: the noise of few
    samples looks like information, and keeping it, one bin a level, like worth any clipping.

    A histogram of 2,048 bins says nothing about finer levels: 16 bits keep the extremes.
    """
    whole = keep_extremes(statistics, params, levels)
    counts = _smooth_counts(without_zeros(statistics).astype(np.float64))
    if 2**levels.bits >= len(counts) or not counts.any():
        return whole
    window = _find_window(counts, statistics.histogram.start, 2**levels.bits)
    low, high = (statistics.histogram.width * edge for edge in window)
    return Range(max(whole.low, low), min(whole.high, high))


def _smooth_counts(counts: Floats) -> Floats:
    """Return counts under a triangle of KERNEL bins to either side, reflected at the extremes."""
    filled = np.flatnonzero(counts)
    if not len(filled):
        return counts
    begin, end = filled[0], filled[-1] + 1
    kernel = np.convolve(np.ones(KERNEL), np.ones(KERNEL)) / KERNEL**2
    padded = np.pad(counts[begin:end], KERNEL - 1, mode="symmetric")
    smooth = np.zeros_like(counts)
    smooth[begin:end] = np.convolve(padded, kernel, "valid")
    return smooth


def _find_window(counts: Floats, start: int, levels: int) -> tuple[int, int]:
    """Return the edges (low <= 0 <= high, in bins from zero) of the least divergence.

    All thresholds are tried with COARSE bins between them, then those around the best one.
    """
    first, last = (start + int(place) for place in np.flatnonzero(counts)[[0, -1]])
    below, above = max(-first, 0), max(last + 1, 0)

    def window(threshold: int) -> tuple[int, int]:
        return -min(threshold, below), min(threshold, above)

    def divergence(threshold: int) -> tuple[float, int]:
        return _divergence(counts, start, window(threshold), levels), -threshold

    widest, narrow = max(below, above), min(below, above)
    least = min(levels // 2 if 2 * narrow >= levels else levels - narrow, widest)
    _, best = min(map(divergence, [*range(least, widest, COARSE), widest]))
    near = range(max(least, -best - COARSE), min(widest, -best + COARSE) + 1)
    _, best = min(map(divergence, near))
    return window(-best)


def _divergence(counts: Floats, start: int, window: tuple[int, int], levels: int) -> float:
    """Return the divergence between the histogram and its quantised form within a window.

    `start` and `window` are in bins from zero; infinite where the window holds no value.
    """
    begin = min(max(window[0] - start, 0), len(counts))
    end = min(max(window[1] - start, 0), len(counts))
    inside = counts[begin:end]
    filled = inside > 0
    if not filled.any():
        return np.inf
    reference = inside.copy()
    reference[0] += counts[:begin].sum()
    reference[-1] += counts[end:].sum()
    places = np.arange(begin, end) + start - window[0]
    groups = places * levels // (window[1] - window[0])
    masses, members = np.bincount(groups, inside), np.bincount(groups, filled)
    candidate = np.where(filled, (masses / np.maximum(members, 1))[groups], 0.0)
    p, q = _smooth(reference), _smooth(candidate)
    return float(np.sum(p * np.log(p / q)))


def _smooth(masses: Floats) -> Floats:
    """Return probabilities of which none is zero: a little of an even distribution mixed in."""
    return np.asarray((1 - SMOOTHING) * masses / masses.sum() + SMOOTHING / len(masses))


CALIBRATORS: dict[str, Calibrator] = {
    "min-max": keep_extremes,
    "moving-average": keep_averages,
    "percentile": keep_percentile,
    "mse": minimize_error,
    "entropy": minimize_divergence,
}


# What `best` chooses from.
CANDIDATES = (
    Calibrate(method="min-max"),
    Calibrate(method="percentile", percentile=99.99),
    Calibrate(method="percentile", percentile=99.999),
    Calibrate(method="mse"),
    Calibrate(method="entropy"),
)


def calibrate(draft: Draft, observe: Observer, params: Calibrate) -> Draft:
    """Choose the ranges of the activations of every layer that `params.layers` matches.

    The samples run once for all calibrators: the draft keeps their statistics. Activations that
    the scheme leaves float get no range. `best` quantises and runs the model for every choice.

    Raises:
        InputError: no samples, no layer of that name, or a layer that gives NaN.
        ToolchainError: `best`, and a layer cannot have the types asked for.
    """
    momentum = params.momentum if params.method == "moving-average" else None
    draft = observe_activations(draft, observe, params.samples, momentum)
    levels = _matching(draft, params.layers)
    if params.method != "best":
        return replace(draft, ranges={**draft.ranges, **_choose(draft, params, levels)})
    candidates = {f"{p.method} {p.percentile}": _choose(draft, p, levels) for p in CANDIDATES}
    others = _choose(draft, Calibrate(), _matching(draft, ".*"))
    known = replace(draft, ranges={**others, **draft.ranges})
    found = choose_ranges(known, observe, candidates)
    return replace(draft, ranges={**draft.ranges, **found})


def _matching(draft: Draft, layers: str) -> dict[int, Levels]:
    """Return the levels of the integer activations of layers that a regular expression matches."""
    assert draft.observed is not None
    names = owners(draft)
    chosen = [t for t in draft.observed.tensors if re.fullmatch(layers, names[t])]
    if not chosen:
        known = ", ".join(dict.fromkeys(names.values()))
        raise InputError(
            f"calibrate: no layer matches {layers!r}", hint=f"layers are: {known:.600}"
        )
    dtypes = ((t, draft.scheme.of(names[t]).activations) for t in chosen)
    return {tensor: LEVELS[dtype] for tensor, dtype in dtypes if dtype in LEVELS}


def _choose(draft: Draft, params: Calibrate, levels: dict[int, Levels]) -> dict[int, Range]:
    assert draft.observed is not None
    choose, statistics = CALIBRATORS[params.method], draft.observed.tensors
    return {tensor: choose(statistics[tensor], params, level) for tensor, level in levels.items()}
