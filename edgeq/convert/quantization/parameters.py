"""From the range of an activation to its scale and zero point."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.draft import Range
from edgeq.graph.ir import DTYPES, Quantization

NOTHING = Range(0.0, 0.0)
# Below it, a scale's products with those of weights leave float32.
_SMALLEST = 2.0**-60


def choose_parameters(span: Range, dtype: str, least: float = 0.0) -> Quantization:
    """Return scale and zero point that hold `span` and a nought that is exact.

    `least` is the smallest scale that an operator can compute.

    int8 and uint8 are affine over all 256 steps; int16 is symmetric over +-32767, zero point 0.
    Source: Jacob et al. 2018, section 3; the TFLite 8-bit quantisation specification.
    """
    low, high = min(span.low, 0.0), max(span.high, 0.0)
    if dtype == "int16":
        return Quantization((max(_scale(max(-low, high), 32767), least),), (0,))
    limits = np.iinfo(DTYPES[dtype])
    scale = max(_scale(high - low, limits.max - limits.min), least)
    zero_point = round(limits.min - low / scale)
    return Quantization((scale,), (int(np.clip(zero_point, limits.min, limits.max)),))


def _scale(width: float, steps: int) -> float:
    """Return the float32 scale of `width` in `steps`; what is always nought is held as up to 1."""
    return float(np.float32(max((width or 1.0) / steps, _SMALLEST)))


def representable(quantization: Quantization, dtype: str) -> Range:
    """Return the real values that integers of `dtype` reach."""
    limits, zero = np.iinfo(DTYPES[dtype]), quantization.zero_point
    scale = quantization.scale
    return Range((limits.min - zero) * scale, (limits.max - zero) * scale)


def quantize_values(
    values: NDArray[np.floating], quantization: Quantization, dtype: str
) -> NDArray[np.integer]:
    """Return clip(round(values / scale) + zero point), halves to even, by float64."""
    limits = np.iinfo(DTYPES[dtype])
    steps = np.rint(values.astype(np.float64) / quantization.scale) + quantization.zero_point
    return np.asarray(np.clip(steps, limits.min, limits.max), DTYPES[dtype])


def as_uint8(quantization: Quantization) -> Quantization:
    """Return an int8 quantisation for bytes without a sign: the same values, 128 higher."""
    return Quantization(quantization.scales, tuple(z + 128 for z in quantization.zero_points))


def range_of(values: NDArray[np.floating]) -> Range:
    """Return the least and the greatest value."""
    return Range(float(np.min(values)), float(np.max(values)))


def union(spans: Iterable[Range]) -> Range:
    """Return the range that holds all of `spans`, and nought."""
    found = (NOTHING, *spans)
    return Range(min(s.low for s in found), max(s.high for s in found))


def width(span: Range) -> float:
    """Return how far apart the ends are, nought being inside."""
    return max(span.high, 0.0) - min(span.low, 0.0)
