"""Currents that a meter is shown: piecewise linear in time, so that every integral is exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """A current, linear between points (`time_s[k]`, `current_a[k]`), both of shape (k,).

    Two points at one time are a step. Before the first and after the last point the current stays
    at the end's value.
    """

    time_s: Floats
    current_a: Floats

    @property
    def end_s(self) -> float:
        """The time of the last point."""
        return float(self.time_s[-1])

    def charge_c(self, start_s: float, end_s: float) -> float:
        """Return the exact integral of the current from `start_s` to `end_s`, in coulombs."""
        return float(self._integral(np.array(end_s)) - self._integral(np.array(start_s)))

    def means(self, edges_s: Floats) -> Floats:
        """Return the exact mean current between neighbouring edges: shape (n - 1,) from (n,)."""
        return np.diff(self._integral(edges_s)) / np.diff(edges_s)

    def at(self, time_s: Floats) -> Floats:
        """Return the current at each time; at a step, the value after it."""
        after = np.searchsorted(self.time_s, time_s, side="right")
        left = np.clip(after - 1, 0, None)
        right = np.clip(after, None, len(self.time_s) - 1)
        span = self.time_s[right] - self.time_s[left]
        part = np.where(span > 0, (time_s - self.time_s[left]) / np.where(span > 0, span, 1), 0)
        return self.current_a[left] + part * (self.current_a[right] - self.current_a[left])

    def _integral(self, time_s: Floats) -> Floats:
        """Return the integral from the first point to each time (negative before it)."""
        steps = np.diff(self.time_s) * (self.current_a[1:] + self.current_a[:-1]) / 2
        whole = np.concatenate(([0.0], np.cumsum(steps)))
        left = np.clip(np.searchsorted(self.time_s, time_s, side="right") - 1, 0, None)
        span = time_s - self.time_s[left]
        start = np.where(span < 0, self.current_a[0], self.current_a[left])
        end = np.where(span < 0, self.current_a[0], self.at(np.asarray(time_s)))
        return whole[left] + span * (start + end) / 2


def constant(current_a: float, duration_s: float) -> Signal:
    """Return a current that stays."""
    return pieces([(duration_s, current_a, current_a)])


def ramp(first_a: float, last_a: float, duration_s: float) -> Signal:
    """Return a current that rises or falls evenly."""
    return pieces([(duration_s, first_a, last_a)])


def square(low_a: float, high_a: float, period_s: float, periods: int) -> Signal:
    """Return `periods` of half a period low, half a period high."""
    half = period_s / 2
    return pieces([(half, low_a, low_a), (half, high_a, high_a)] * periods)


def bursts(
    sleep_a: float, active_a: float, *, sleep_s: float, active_s: float, count: int
) -> Signal:
    """Return inferences: sleep, a rise, a plateau with a heavier middle third, a fall; and sleep.

    The mean of one burst is `active_a` * 1.1: thirds of 1.0, 1.3 and 1.0 times `active_a`.
    """
    third = active_s / 3
    burst = [(sleep_s, sleep_a, sleep_a)]
    burst += [(third, level * active_a, level * active_a) for level in (1.0, 1.3, 1.0)]
    return pieces([*burst * count, (sleep_s, sleep_a, sleep_a)])


def pieces(parts: Sequence[tuple[float, float, float]]) -> Signal:
    """Return a signal of parts (duration in s, first ampere, last ampere), one after another."""
    ends = np.cumsum([duration for duration, _, _ in parts])
    starts = np.concatenate(([0.0], ends[:-1]))
    times = np.column_stack((starts, ends)).ravel()
    return Signal(times, np.array([[first, last] for _, first, last in parts]).ravel())
