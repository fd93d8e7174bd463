"""The Nordic PPK2's stream: 32-bit words to amperes, losses and digital levels.

A word, little-endian: bits 0-13 the ADC divided by 4, 14-16 the range, 18-23 a counter of samples
modulo 64, 24-31 the digital channels D0 to D7. 100,000 words a second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeq.core.errors import DeviceError
from edgeq.device.meters.trace import Floats

PERIOD_S = 1e-5
RANGES = 5
ADC_END = (1 << 14) - 1
# Amperes a count through one ohm: 1.8 V reference, gain and resolution of the ADC.
ADC_VOLTS = 1.8 / 163840
# Shunts of the five ranges in ohms, where the metadata names none.
SHUNTS = (1031.64, 101.65, 10.15, 0.94, 0.043)
# What no kit's constants are: the greatest shunt is of 1 kilohm, the least of 43 milliohm.
MAX_CONSTANT, MIN_SHUNT = 1e5, 1e-3
# So many words in a row with a jump of the counter (all but one), over more than one turn of it,
# are no losses: a byte was lost, the words are out of step. So many without one are in step.
RUN = 6
# A word out of step has the right counter once in 64 times: of those beside a slip, none is kept.
DOUBTED = 2
SEARCH = 1 << 16
# A stream that slips more often is none.
MAX_SLIPS = 1000
# The filter of the range switch: weights of the running means, samples that it replaces.
ALPHA, ALPHA_TOP, SPIKE_SAMPLES = 0.18, 0.06, 3
BLOCK = 256

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The meter's constants, one of each a range: see `to_amperes` for what they do."""

    r: tuple[float, ...] = SHUNTS
    gs: tuple[float, ...] = (1.0,) * RANGES
    gi: tuple[float, ...] = (1.0,) * RANGES
    o: tuple[float, ...] = (0.0,) * RANGES
    s: tuple[float, ...] = (0.0,) * RANGES
    i: tuple[float, ...] = (0.0,) * RANGES
    ug: tuple[float, ...] = (1.0,) * RANGES


class Words(NamedTuple):
    """Fields of the words in a stream, each of shape (n,); `ends` are byte offsets.

    `slips` counts the places where the words were out of step.
    """

    adc: npt.NDArray[np.uint16]
    range: Bytes
    counter: Bytes
    digital: Bytes
    ends: Ints
    slips: int


def parse_metadata(text: str) -> Calibration:
    """Return the calibration in the metadata; what it does not name has its default.

    Raises:
        DeviceError: a value is no number, or one that no kit has.
    """
    values = dict(re.findall(r"^\s*([A-Za-z]+\d?)\s*:\s*(\S+)\s*$", text, re.MULTILINE))
    try:
        groups = {
            name: tuple(
                float(values.get(f"{name.upper()}{i}", default))
                for i, default in enumerate(getattr(Calibration(), name))
            )
            for name in Calibration.__slots__
        }
    except ValueError as error:
        raise _damaged(str(error)) from error
    if not all(abs(value) <= MAX_CONSTANT for group in groups.values() for value in group):
        raise _damaged(f"a value is not within {MAX_CONSTANT:,.0f} of zero")
    if min(groups["r"]) < MIN_SHUNT:
        raise _damaged(f"a shunt is below {MIN_SHUNT:g} ohm")
    return Calibration(**groups)


def parse_words(data: bytes) -> Words:
    """Split a stream into words; where bytes were lost, find the step again by the counter."""
    parts: list[npt.NDArray[np.uint32]] = []
    ends: list[Ints] = []
    at = slips = 0
    while len(data) - at >= 4 and slips <= MAX_SLIPS:
        left = (len(data) - at) // 4
        words = np.frombuffer(data, "<u4", min(SEARCH, left), at)
        whole = _in_step(words)
        slipped = whole < len(words)
        if slipped:
            whole = max(0, whole - DOUBTED)
        elif whole < left:
            whole -= RUN  # seen again with what follows
        parts.append(words[:whole])
        ends.append(at + 4 * np.arange(1, whole + 1, dtype=np.int64))
        at += 4 * whole
        if slipped:
            at, slips = _next_step(data, at) + 4 * DOUBTED, slips + 1
    raw = np.concatenate(parts) if parts else np.zeros(0, np.uint32)
    return Words(
        adc=(raw & 0x3FFF).astype(np.uint16), range=(raw >> 14 & 7).astype(np.uint8),
        counter=(raw >> 18 & 0x3F).astype(np.uint8), digital=(raw >> 24).astype(np.uint8),
        ends=np.concatenate(ends) if ends else np.zeros(0, np.int64), slips=slips,
    )  # fmt: skip


def count_samples(counter: Bytes) -> tuple[Ints, Ints]:
    """Return the place of each sample, shape (n,), and before which the counter jumped.

    Places count from 0, and losses modulo 64.
    """
    steps = np.ones(len(counter), np.uint8)
    steps[1:] = ((counter[1:] - counter[:-1] - 1) & 63) + 1
    return np.cumsum(steps, dtype=np.int64) - 1, np.flatnonzero(steps[1:] > 1) + 1


def to_amperes(words: Words, calibration: Calibration, voltage_v: float) -> Floats:
    """Return the current of each word in amperes, shape (n,).

    I = UG (r (GS r + GI) + S V + I) with r = (4 ADC - O) 1.8 / 163840 / R, constants by range.
    """
    table = np.array([getattr(calibration, n) for n in Calibration.__slots__], np.float64)
    current = np.empty(len(words.adc))
    for at in range(0, len(current), SEARCH):
        part = slice(at, at + SEARCH)
        r, gs, gi, o, s, i, ug = table[:, np.minimum(words.range[part], RANGES - 1)]
        raw = (4.0 * words.adc[part] - o) * ADC_VOLTS / r
        current[part] = ug * (raw * (gs * raw + gi) + s * voltage_v + i)
    return current


def filter_spikes(current: Floats, ranges: Bytes) -> Floats:
    """Replace the three samples after each change of range by a running mean, shape (n,)."""
    changed = np.flatnonzero(ranges[1:] != ranges[:-1]) + 1
    if not len(changed):
        return current
    spots = np.unique((changed[:, None] + np.arange(SPIKE_SAMPLES)).ravel())
    spots = spots[spots < len(current)]
    mean, mean_top = running_mean(current, ALPHA), running_mean(current, ALPHA_TOP)
    filtered = current.copy()
    filtered[spots] = np.where(ranges[spots] == RANGES - 1, mean_top[spots], mean[spots])
    return filtered


def running_mean(values: Floats, alpha: float) -> Floats:
    """Return y[n] = alpha x[n] + (1 - alpha) y[n-1] with y[0] = x[0], shape (n,)."""
    if not len(values):
        return values
    steps = np.arange(BLOCK)
    decay = (1 - alpha) ** (steps + 1.0)
    lag = steps[:, None] - steps[None, :]
    weights = np.where(lag >= 0, alpha * (1 - alpha) ** np.maximum(lag, 0), 0.0)
    padded = np.append(values, np.zeros(-len(values) % BLOCK)).reshape(-1, BLOCK)
    out = padded @ weights.T
    last = float(values[0])
    for row in out:
        row += decay * last
        last = float(row[-1])
    return out.ravel()[: len(values)]


def _jumps(words: npt.NDArray[np.uint32]) -> Ints:
    """Return how many samples the counter skips before each word but the first."""
    counter = (words >> 18 & 0x3F).astype(np.int64)
    return np.asarray((np.diff(counter) - 1) & 63)


def _in_step(words: npt.NDArray[np.uint32]) -> int:
    """Return how many words come before the counter runs wild."""
    jumps = _jumps(words)
    if np.count_nonzero(jumps) < RUN - 1:
        return len(words)
    ones = np.ones(RUN, np.int64)
    often = np.convolve(jumps > 0, ones)[RUN - 1 :] >= RUN - 1
    far = np.convolve(jumps, ones)[RUN - 1 :] >= 64
    wild = often & far & (jumps > 0)
    if not wild.any():
        return len(words)
    first = int(wild.argmax())
    # It may run wild by small steps at first.
    for _ in range(4 * RUN):
        if first == 0 or not jumps[max(0, first - 2) : first].any():
            break
        first -= 1
    return first + 1


def _next_step(data: bytes, at: int) -> int:
    """Return the next byte from which the counter counts, or where to look on."""
    found = []
    for start in range(at, at + 4):
        words = np.frombuffer(data, "<u4", max(0, min(SEARCH, (len(data) - start) // 4)), start)
        calm = _jumps(words) == 0
        if len(calm) >= RUN:
            run = np.convolve(calm, np.ones(RUN, np.int64), "valid") == RUN
            found += [start + 4 * int(run.argmax())] * bool(run.any())
    return min(found, default=at + 4 * SEARCH)


def _damaged(why: str) -> DeviceError:
    return DeviceError(
        f"the PPK2's calibration is damaged: {why}", hint="plug the PPK2 in again and retry"
    )
