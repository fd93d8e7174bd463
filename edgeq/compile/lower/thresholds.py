"""Thresholds of TFLite's requantisation: two maps that never fall and share them are one map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_NEVER = 1 << 31  # what no accumulator of 32 bits reaches


def thresholds(multiplier: Integers, shift: Integers, levels: int) -> Integers:
    """Return the least accumulator that gives 1, 2, ... `levels` above the zero point.

    TFLite's product rounds to the nearest 2**-31, then to the nearest integer, halves upwards.

    Args:
        multiplier: TFLite's, [outputs].
        shift: positive to the left, by so much that no accumulator wraps; [outputs].

    Returns:
        [outputs, levels], 2**31 or more where nothing gives a level.
    """
    m, left, right = (a[:, None] for a in (multiplier, np.maximum(shift, 0), np.maximum(-shift, 0)))
    product = np.minimum((np.arange(1, levels + 1) << right) - (1 << right >> 1), _NEVER)
    least = -(((1 << 30) - (product << 31)) // (np.maximum(m, 1) << left))
    return np.where(m > 0, least, _NEVER)
