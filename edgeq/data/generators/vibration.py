"""Vibration of a machine's bearing, sound or faulty."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeq.data.generators.made import Made

RATE_HZ, LENGTH = 3200, 1024
SPEED_HZ = (24.0, 26.0)
RESONANCE_HZ, DAMPING = 900.0, 120.0
IMPACTS_PER_TURN = 3.58  # a rolling element over a dent of the outer race
NOISE = 0.25
COUNTS = 1024  # of the sensor, for 1 g
FAULTY_SHARE = 0.25

Signal = NDArray[np.float64]


def make_vibration(samples: int, seed: int) -> Made:
    """Return acceleration int16 (N, 1024) at 3,200 Hz and labels (N,): 1 is faulty.

    A sound machine hums with harmonics of its speed of about 25 turns a second, under noise. A
    quarter of the samples, the last ones, have one of FAULTS at a random strength. Names are
    those of the fault, or 'sound', and a number.
    """
    random = np.random.RandomState(seed)
    faulty = round(samples * FAULTY_SHARE)
    kinds = ["sound"] * (samples - faulty) + [list(FAULTS)[i % len(FAULTS)] for i in range(faulty)]
    signals = [_measure(kind, random) for kind in kinds]
    x = np.clip(np.rint(np.array(signals) * COUNTS), -32768, 32767).astype(np.int16)
    y = np.array([kind != "sound" for kind in kinds], np.int64)
    ids = tuple(f"{kind}-{i}" for i, kind in enumerate(kinds))
    return Made((x.reshape(samples, LENGTH),), y, ids)


def _measure(kind: str, random: np.random.RandomState) -> Signal:
    """Return one signal in g."""
    speed = random.uniform(*SPEED_HZ)
    hum = _harmonics(speed, (1.0, 0.5, 0.3, 0.2), random) * random.uniform(0.8, 1.2)
    noise = NOISE * random.randn(LENGTH)
    return hum + noise + (FAULTS[kind](speed, random) if kind in FAULTS else 0.0)


def _times() -> Signal:
    return np.arange(LENGTH) / RATE_HZ


def _harmonics(
    speed: float, strengths: tuple[float, ...], random: np.random.RandomState, *, first: float = 1
) -> Signal:
    """Return sines at multiples of the speed, from `first` on, with random phases."""
    parts = [
        strength * np.sin(2 * np.pi * (first + i) * speed * _times() + random.uniform(0, 2 * np.pi))
        for i, strength in enumerate(strengths)
    ]
    return np.asarray(np.sum(parts, axis=0))


def _dent(speed: float, random: np.random.RandomState) -> Signal:
    """Return impacts that make the housing ring at its resonance."""
    period = RATE_HZ / (speed * IMPACTS_PER_TURN)
    starts = np.arange(random.uniform(0, period), LENGTH, period)
    since = (np.arange(LENGTH)[:, None] - starts[None, :]) / RATE_HZ
    ringing = np.exp(-DAMPING * np.abs(since)) * np.sin(2 * np.pi * RESONANCE_HZ * since)
    return random.uniform(0.15, 0.8) * np.asarray(np.sum(ringing * (since >= 0), axis=1))


def _imbalance(speed: float, random: np.random.RandomState) -> Signal:
    """Return a stronger sine at the speed itself."""
    return _harmonics(speed, (random.uniform(0.6, 2.0),), random)


def _looseness(speed: float, random: np.random.RandomState) -> Signal:
    """Return half orders: sines at 0.5, 1.5, 2.5 and more times the speed."""
    strength = random.uniform(0.1, 0.5)
    return _harmonics(speed, (strength,) * 8, random, first=0.5)


FAULTS: dict[str, Callable[[float, np.random.RandomState], Signal]] = {
    "dent": _dent,
    "imbalance": _imbalance,
    "looseness": _looseness,
}
