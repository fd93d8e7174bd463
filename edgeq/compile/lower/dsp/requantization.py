"""Requantisation in two instructions, proved equal to TFLite's for every accumulator.

Where an activation cuts off all that is below the zero point, TFLite's map from an accumulator to
int8 never falls, and so it is fixed by its thresholds. A cheaper map that never falls either and
has the same thresholds is the same map:

    saturate((scale * accumulator + offset) * multiplier >> (32 + shift))

with an offset and a multiplier of 32 bits: SMMUL and SSAT.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.lower.thresholds import Integers, thresholds

_LIMIT = 1 << 31
_OUTPUTS = np.arange(-127, 128)  # -128 is reached by everything
_SLOPES = 256  # multipliers tried on either side of the true one
_STEEPER = 24  # and its multiples by powers of two, where few outputs can be reached


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """TFLite's output stage of some channels, clamped at a zero point of -128 and nowhere else,
    and the accumulators that each can have.

    `multiplier`, `shift` (positive = left), `low` and `high` have the shape [channels];
    accumulators, bias and zero points included, lie in `low` to `high`.
    """

    multiplier: Integers
    shift: Integers
    low: Integers
    high: Integers

    def of(self, channels: Integers) -> Stage:
        """Return the stage of these channels alone."""
        fields = (self.multiplier, self.shift, self.low, self.high)
        return Stage(*(field[channels] for field in fields))

    def thresholds(self) -> Integers:
        """Return the least accumulator for each output from -127 to 127, [channels, 255].

        It is `low` for outputs that `low` reaches, and `high` + 1 for outputs that nothing reaches.
        """
        least = thresholds(self.multiplier, self.shift, len(_OUTPUTS))
        return np.clip(least, self.low[:, None], self.high[:, None] + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """saturate((scale * accumulator + offset) * multiplier >> (32 + shift)) where `proved`.

    All three have the shape [channels].
    """

    offset: Integers
    multiplier: Integers
    proved: NDArray[np.bool_]


def prove(stage: Stage, scale: int, shift: int) -> Affine:
    """Return maps with the thresholds of `stage`, as far as there are any."""
    count = len(stage.multiplier)
    found = Affine(np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.bool_))
    left = np.flatnonzero(_never_wraps(stage))
    at = stage.of(left).thresholds()
    true = np.ldexp(stage.multiplier / scale, stage.shift + 1 + shift).round().astype(np.int64)
    for steps, factor in _slopes():
        part = stage.of(left)
        multiplier = np.clip((true[left] + steps) << factor, 1, _LIMIT - 1)
        offset, fits = _offsets(part, at, multiplier, scale, shift)
        found.offset[left[fits]] = offset[fits]
        found.multiplier[left[fits]] = multiplier[fits]
        found.proved[left[fits]] = True
        left, at = left[~fits], at[~fits]
        if not len(left):
            break
    return found


def _never_wraps(stage: Stage) -> NDArray[np.bool_]:
    """Return where no accumulator leaves 32 bits when it is shifted to the left."""
    most = np.maximum(np.abs(stage.low), np.abs(stage.high)) << np.maximum(stage.shift, 0)
    return most < _LIMIT


def _slopes() -> Iterator[tuple[int, int]]:
    """Yield what is added to the true multiplier, and the power of two that multiplies it."""
    yield 0, 0
    for step in range(1, _SLOPES):
        yield step, 0
        yield -step, 0
    for factor in range(1, _STEEPER):
        yield 1, factor


def _offsets(
    stage: Stage, at: Integers, multiplier: Integers, scale: int, shift: int
) -> tuple[Integers, NDArray[np.bool_]]:
    """Return the middle of the offsets that keep every threshold, and where there are any."""
    edges = -((-_OUTPUTS << (32 + shift)) // multiplier[:, None])
    low, high = stage.low[:, None], stage.high[:, None]
    least = np.where(at <= high, edges - scale * at, -_LIMIT).max(axis=1)
    most = np.where(at > low, edges - 1 - scale * (at - 1), _LIMIT - 1).min(axis=1)
    least = np.maximum(least, -_LIMIT - np.minimum(scale * stage.low, 0))
    most = np.minimum(most, _LIMIT - 1 - np.maximum(scale * stage.high, 0))
    return (least + most) >> 1, least <= most
