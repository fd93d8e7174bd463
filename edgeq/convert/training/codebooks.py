"""Codebooks: the few values that a layer's weights share, found by one-dimensional k-means.

A codebook is symmetric about zero: folding a batch norm multiplies each channel by a factor of
either sign, and a symmetric codebook still holds what comes out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.metrics import Array

Floats = NDArray[np.float64]
LARGEST = 127
POINTS = 1024
LLOYD_ROUNDS = 50
SCALE_ROUNDS = 8
TINY = 1e-12


class Clustering(NamedTuple):
    """Weights (n, channels) ~ codebook[codes] * scales: ascending int8, codes, float32."""

    codebook: tuple[int, ...]
    codes: NDArray[np.intp]
    scales: NDArray[np.float32]

    @property
    def weights(self) -> NDArray[np.float32]:
        """The weights that the codebook stands for, (n, channels)."""
        return np.asarray(self.codebook, np.float32)[self.codes] * self.scales


def cluster_values(
    values: Array,
    masses: Array,
    count: int,
    *,
    zero: bool = False,
    start: Floats | None = None,
) -> Floats:
    """Return `count` or fewer ascending centres of least sum of masses * (value - centre)^2.

    Exact up to 1,024 distinct values: dynamic programming over the sorted values (Wang and Song
    2011, "Ckmeans.1d.dp", section 2). More are merged into 1,024 neighbourhoods of equal mass
    first, and Lloyd's rounds over all of them follow.

    Args:
        values: (n,) finite.
        masses: (n,) not negative.
        zero: the first centre stays 0; values must not be negative.
        start: centres of similar values, ascending: Lloyd's rounds alone go on from them.
    """
    order = np.argsort(values, kind="stable")
    v, m = np.asarray(values, np.float64)[order], np.asarray(masses, np.float64)[order]
    centres = _partition(*_merge_values(v, m), count, zero) if start is None else start
    return _lloyd(v, m, centres, zero)


def _merge_values(v: Floats, m: Floats) -> tuple[Floats, Floats]:
    """Merge sorted values into at most 1,024 neighbourhoods: (centres of mass, masses)."""
    distinct = np.concatenate([[0], np.cumsum(np.diff(v) > 0)])
    if distinct[-1] >= POINTS:
        share = np.cumsum(m) / max(float(m.sum()), TINY)
        distinct = np.minimum((share * POINTS).astype(np.intp), POINTS - 1)
    mass = np.bincount(distinct, weights=m).astype(np.float64)
    moment = np.bincount(distinct, weights=m * v)
    kept = mass > 0
    return moment[kept] / mass[kept], mass[kept]


def _partition(v: Floats, m: Floats, count: int, zero: bool) -> Floats:
    """Return the best centres of sorted points by dynamic programming over their partitions."""
    n = len(v)
    if n == 0:
        return np.zeros(1)
    error = _segment_errors(v, m)
    first = np.cumsum(m * v * v) if zero else error[0]
    best, cuts = first, []
    for _ in range(min(count, n) - 1):
        # total[i, j]: one more segment, of the points i..j, behind the best of the first i.
        total = np.concatenate([[0.0], best[:-1]])[:, None] + error
        cuts.append(np.argmin(total, axis=0))
        best = np.min(total, axis=0)
    centres, end = [], n - 1
    for cut in reversed(cuts):
        start = int(cut[end])
        if end >= start:
            centres.append(float(np.average(v[start : end + 1], weights=m[start : end + 1])))
        end = start - 1
        if end < 0:
            break
    if zero:
        centres.append(0.0)
    elif end >= 0:
        centres.append(float(np.average(v[: end + 1], weights=m[: end + 1])))
    return np.unique(np.asarray(centres, np.float64))


def _segment_errors(v: Floats, m: Floats) -> Floats:
    """Return (n, n): the error of the points i..j about their mean; infinite below the diagonal."""
    mass, moment, power = (np.concatenate([[0.0], np.cumsum(s)]) for s in (m, m * v, m * v * v))
    span = [s[None, 1:] - s[:-1, None] for s in (mass, moment, power)]
    error = span[2] - span[1] ** 2 / np.maximum(span[0], TINY)
    upper = np.triu(np.ones(error.shape, np.bool_))
    return np.where(upper, np.maximum(error, 0.0), np.inf)


def _lloyd(v: Floats, m: Floats, centres: Floats, zero: bool) -> Floats:
    """Move each centre to the mean of what is nearest to it until nothing moves (Lloyd 1982)."""
    mass, moment = (np.concatenate([[0.0], np.cumsum(s)]) for s in (m, m * v))
    for _ in range(LLOYD_ROUNDS):
        borders = np.searchsorted(v, (centres[1:] + centres[:-1]) / 2)
        edges = np.concatenate([[0], borders, [len(v)]])
        weight = np.diff(mass[edges])
        moved = np.where(weight > 0, np.diff(moment[edges]) / np.maximum(weight, TINY), centres)
        if zero:
            moved[0] = 0.0
        if np.allclose(moved, centres, rtol=1e-9, atol=0.0):
            break
        centres = moved
    return np.unique(centres)


def nearest_codes(normal: Array, codebook: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the index of the codebook's value that is nearest to each of `normal`."""
    values = np.asarray(codebook, np.float64)
    return np.searchsorted((values[1:] + values[:-1]) / 2, normal).astype(np.intp)


def fit_scales(columns: Array, values: Array) -> NDArray[np.float32]:
    """Return each channel's scale s of least sum (w - s v)^2, not negative."""
    w, v = np.asarray(columns, np.float64), np.asarray(values, np.float64)
    power = np.sum(v * v, axis=0)
    fitted = np.sum(w * v, axis=0) / np.maximum(power, TINY)
    return np.asarray(np.maximum(fitted, 0.0), np.float32)


def fit_codes(
    columns: Array, codebook: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return codes (n, channels) and scales (channels,) of weights that hold a codebook.

    A channel's largest weight is one of the codebook's values: each is tried.
    """
    w = np.asarray(columns, np.float64)
    values = np.asarray(codebook, np.float64)
    peak = np.maximum(np.max(np.abs(w), axis=0), TINY)
    codes, scales = np.zeros(w.shape, np.intp), np.zeros(w.shape[1])
    least = np.full(w.shape[1], np.inf)
    for value in np.unique(np.abs(values[values != 0]))[::-1]:
        tried = nearest_codes(w * (value / peak), codebook)
        fitted = fit_scales(w, values[tried])
        error = np.sum((w - fitted * values[tried]) ** 2, axis=0)
        better = error < least * (1 - 1e-6)
        codes, scales = np.where(better, tried, codes), np.where(better, fitted, scales)
        least = np.where(better, error, least)
    return codes, scales.astype(np.float32)


def cluster_weights(columns: Array, count: int, *, zero: bool = False) -> Clustering:
    """Share `count` values between a layer's weights (n, channels), each channel with its scale.

    Rounds of: magnitudes, in units of the channel's scale, clustered with the squared scale for
    mass (so that the error counted is the weights' own); each scale fitted to its codes.

    Args:
        count: at least 2. An odd count, or `zero`, has 0 in the codebook.
        zero: keep zeros zero; an even count then gives one value less.
    """
    w = np.asarray(columns, np.float64)
    zero = zero or bool(count % 2)
    pairs = (count + 1) // 2 if zero and count % 2 else count // 2
    scales = np.maximum(np.sqrt(np.mean(w * w, axis=0)), TINY)
    codebook: tuple[int, ...] = ()
    centres, unit = None, 1.0
    for _ in range(SCALE_ROUNDS):
        normal = np.abs(w / scales)
        masses = np.broadcast_to(scales**2, w.shape)
        centres = cluster_values(normal.ravel(), masses.ravel(), pairs, zero=zero, start=centres)
        codebook, unit = _snap_centres(centres, zero)
        codes = _assign(w, scales * unit, codebook, zero)
        fitted = fit_scales(w, np.asarray(codebook)[codes]) / unit
        scales = np.where(fitted > 0, fitted, scales)
    scales = scales * unit
    codes = _assign(w, scales, codebook, zero)
    return Clustering(codebook, codes, scales.astype(np.float32))


def _assign(w: Floats, scales: Floats, codebook: tuple[int, ...], zero: bool) -> NDArray[np.intp]:
    codes = nearest_codes(w / scales, codebook)
    return np.where(w == 0, codebook.index(0), codes) if zero else codes


def _snap_centres(centres: Floats, zero: bool) -> tuple[tuple[int, ...], float]:
    """Return the symmetric int8 codebook of magnitudes, and the magnitude that 1 stands for."""
    unit = max(float(centres[-1]), TINY) / LARGEST
    magnitudes = np.rint(centres / unit).astype(int)
    values = {int(n) for n in magnitudes} | {-int(n) for n in magnitudes}
    if zero:
        values |= {0}
    return tuple(sorted(values)), unit
