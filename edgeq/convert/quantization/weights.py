"""Constants as integers: weights, codebooks and biases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.draft import QuantizedWeights

Floats = NDArray[np.floating]
# Accumulators stay below 2^30, where requantisation takes its shortest form, and those of int16
# data below 2^40: a bias takes half of it at most.
_BIAS_LIMIT = {"int32": 1 << 29, "int64": 1 << 40}
# Finer scales, times those of activations, would leave float32.
_SMALLEST = 2.0**-40
# Where the search for a scale begins, of the largest weight over a code; and how long it goes on.
_SHARES, _ROUNDS = (1.0, 0.8, 0.6, 0.45, 0.3), 8
_ENOUGH = 1e-5  # of the largest weight: a codebook that fits so well is the weights' own


def quantize_weights(values: Floats, bits: int, axis: int, per_channel: bool) -> QuantizedWeights:
    """Return symmetric weights of a narrow range: +-127 at 8 bits, +-7 at 4.

    Each is rounded to nearest by float64 against the float32 scale that the file will hold.

    Args:
        values: float weights of any shape.
        axis: the output channels, which have a scale each where `per_channel`.
    """
    limit = (1 << (bits - 1)) - 1
    rows = _rows(values, axis, per_channel)
    peaks = np.max(np.abs(rows), axis=1, initial=0.0)
    # A channel without weights takes the scale of the others: its bias needs a fine one.
    peaks = np.where(peaks > 0, peaks, np.max(peaks))
    scales = np.maximum(peaks / limit, _SMALLEST).astype(np.float32)
    return QuantizedWeights(round_weights(values, scales, axis, limit), scales, axis)


def round_weights(
    values: Floats, scales: NDArray[np.float32], axis: int, limit: int
) -> NDArray[np.int8]:
    """Return clip(round(values / scales), +-limit) as int8; `scales` is (channels,) or (1,)."""
    steps = np.rint(values.astype(np.float64) / spread(scales, values.ndim, axis))
    return np.clip(steps, -limit, limit).astype(np.int8)


def spread(scales: NDArray[np.floating], rank: int, axis: int) -> NDArray[np.float64]:
    """Return scales (channels,) or (1,) as float64 in a shape that broadcasts along `axis`."""
    shape = [len(scales) if place == axis else 1 for place in range(rank)]
    return np.asarray(scales, np.float64).reshape(shape)


def restore(weights: QuantizedWeights) -> NDArray[np.float32]:
    """Return the real weights, scales * values."""
    scales = spread(weights.scales, weights.values.ndim, weights.axis)
    return np.asarray(weights.values * scales, np.float32)


def fit_codebook(values: Floats, codebook: Sequence[int], axis: int | None) -> QuantizedWeights:
    """Return weights that are values of `codebook` times a scale for each channel.

    For each channel the search begins at the scales max|w| / |k|, k in the codebook, and at
    shares of them; least squares and rounding take turns, and the least squared error wins:
    exact where the weights are of the codebook.

    Args:
        values: float weights.
        codebook: int8 values.
        axis: the output channels; None: one scale for all of them.
    """
    codes = np.unique(np.asarray(codebook, np.int64))
    if axis is None:
        scale, found = _fit_row(np.asarray(values, np.float64).reshape(-1), codes)
        flat = found.astype(np.int8).reshape(values.shape)
        return QuantizedWeights(flat, np.array([scale], np.float32), 0)
    rows = _rows(values, axis, per_channel=True)
    fitted = [_fit_row(row, codes) for row in rows]
    scales = np.array([scale for scale, _ in fitted], np.float32)
    integers = np.stack([row for _, row in fitted]).astype(np.int8)
    moved = np.moveaxis(values, axis, 0).shape
    return QuantizedWeights(np.moveaxis(integers.reshape(moved), 0, axis), scales, axis)


def _fit_row(row: Floats, codes: NDArray[np.int64]) -> tuple[float, NDArray[np.int64]]:
    """Return the scale and the codes of one channel: the best of several beginnings."""
    peak = float(np.max(np.abs(row), initial=0.0))
    magnitudes = np.unique(np.abs(codes[codes != 0]))[::-1]
    if peak == 0.0 or not len(magnitudes):
        return 1.0, _nearest(row, codes)
    best: tuple[float, float, NDArray[np.int64]] | None = None
    for share in _SHARES:
        for magnitude in magnitudes:
            scale, found = _refine(row, peak * share / float(magnitude), codes)
            error = float(np.sum((row - scale * found) ** 2))
            if best is None or error < best[0]:
                best = error, scale, found
        if best is not None and best[0] <= (_ENOUGH * peak) ** 2 * row.size:
            break
    assert best is not None
    return best[1], best[2]


def _refine(row: Floats, scale: float, codes: NDArray[np.int64]) -> tuple[float, NDArray[np.int64]]:
    """Return a scale and codes of which each is the best for the other (Lloyd 1982)."""
    found = _nearest(row / scale, codes)
    for _ in range(_ROUNDS):
        power = float(np.sum(found.astype(np.float64) ** 2))
        better = float(np.float32(np.sum(row * found) / power)) if power else scale
        if not better > 0 or better == scale:
            break
        scale, found = better, _nearest(row / better, codes)
    return scale, found


def _nearest(values: Floats, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each value the code that is nearest to it."""
    middles = (codes[1:] + codes[:-1]) / 2
    return np.asarray(codes[np.searchsorted(middles, values)])


def fit_bias(
    weights: QuantizedWeights, real: Floats, bias: Floats | None, data_scale: float, dtype: str
) -> QuantizedWeights:
    """Return the weights with scales so large that the bias fits its accumulator.

    A channel of faint weights has a tiny scale, and its bias, an integer at input scale * weight
    scale, would not fit: the channel's scale grows until it does.

    Args:
        real: the float weights, which are rounded again where a scale grows.
        bias: float (channels,), None without one.
        data_scale: scale of the activations that the weights multiply.
        dtype: of the bias, int32 or int64.
    """
    if bias is None:
        return weights
    needed = np.abs(bias.astype(np.float64)) / (data_scale * _BIAS_LIMIT[dtype])
    if len(weights.scales) == 1:
        needed = np.max(needed, keepdims=True)
    if np.all(needed <= weights.scales):
        return weights
    grown = np.nextafter(np.maximum(needed, weights.scales).astype(np.float32), np.float32(np.inf))
    scales = np.where(needed > weights.scales, grown, weights.scales).astype(np.float32)
    limit = max(1, int(np.max(np.abs(weights.values.astype(np.int64)), initial=0)))
    again = round_weights(real, scales, weights.axis, limit)
    rows = spread((needed > weights.scales).astype(np.float64), real.ndim, weights.axis) > 0
    return QuantizedWeights(np.where(rows, again, weights.values), scales, weights.axis)


def quantize_bias(
    bias: Floats, weights: QuantizedWeights, data_scale: float, dtype: str
) -> tuple[NDArray[np.integer], tuple[float, ...]]:
    """Return a bias as integers, and its scales: input scale * weight scale."""
    scales = np.asarray(weights.scales * np.float32(data_scale), np.float32)
    exact = np.asarray(weights.scales, np.float64) * np.float64(np.float32(data_scale))
    limits = np.iinfo(dtype)
    steps = np.clip(np.rint(bias.astype(np.float64) / exact), limits.min, limits.max)
    return steps.astype(dtype), tuple(float(s) for s in scales)


def _rows(values: Floats, axis: int, per_channel: bool) -> NDArray[np.float64]:
    """Return the values of each channel as a row, or of all in one."""
    real = np.asarray(values, np.float64)
    if not per_channel:
        return real.reshape(1, -1)
    return np.moveaxis(real, axis, 0).reshape(real.shape[axis], -1)
