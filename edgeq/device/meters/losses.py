"""Losses that a counter shows modulo its size: how many more, by the times of arrival."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeq.device.meters.trace import Floats

Ints = npt.NDArray[np.int64]

# Chunks before and after a loss whose arrival is compared.
WINDOW = 64
# A meter whose clock runs further off than this is no crystal: its data do not come as measured.
MAX_SKEW = 2e-3
# Without a jump of the counter, a lag of this long that stays is told of.
SILENT_S = 0.02
FEW = 5
# A lag that grows by so many times what it varies by is a loss, of about that many samples.
FAR = 10


class Losses(NamedTuple):
    """Before sample i, `extra[i]` samples were lost beside those that the counter shows."""

    extra: dict[int, int]
    warnings: tuple[str, ...]


def resolve_losses(
    index: Ints, jumps: Ints, done: Ints, arrived_s: Floats, *, modulo: int, period_s: float
) -> Losses:
    """Tell a loss of k samples from one of k + n * modulo by how late the stream is after it.

    The lag of a chunk is its arrival less the time of its last sample by count. What the way adds
    differs from chunk to chunk, but its least value within a window stays: where the least lag is
    greater after a loss than before it, that much more time, thus samples, was lost.

    Args:
        index: the place of each sample by the counter, shape (n,), from 0.
        jumps: the samples before which the counter jumped.
        done: how many samples were whole when each chunk had come, shape (chunks,).
        arrived_s: when each chunk came, in seconds of the host's clock, shape (chunks,).
        modulo: what the counter counts to.
        period_s: seconds between two samples.
    """
    chunks = np.flatnonzero(np.diff(done, prepend=0))
    if not len(chunks):
        return Losses({}, ())
    ends, arrived = done[chunks], arrived_s[chunks]
    lag = np.asarray(arrived - (index[ends - 1] + 1) * period_s, np.float64)
    if abs(_skew(lag, arrived)) > MAX_SKEW:
        told = f"arrival times do not follow the meter's clock: losses count modulo {modulo}"
        return Losses({}, (told,) if len(jumps) else ())
    spots, at = np.unique(np.searchsorted(ends, jumps, side="right"), return_index=True)
    borders = [0, *(int(s) for s in spots), len(lag)]
    extra, unsure = _measure_steps(lag, borders, modulo * period_s)
    warnings = [
        f"{unsure} of {len(spots)} losses may be greater or less by multiples of {modulo} samples:"
        " chunks came too unevenly to tell"
    ] * (unsure > 0)
    silent = _silent_steps(lag, borders)
    warnings += [
        f"the stream paused {silent} times without a jump of its counter:"
        f" the meter was late, or multiples of {modulo} samples are lost"
    ] * (silent > 0)
    found = {int(jumps[at[i]]): turns * modulo for i, turns in extra.items()}
    return Losses(found, tuple(warnings))


def _measure_steps(lag: Floats, borders: list[int], turn_s: float) -> tuple[dict[int, int], int]:
    """Return how many turns of the counter each loss took, and of how many it is not sure."""
    turns: dict[int, int] = {}
    unsure = 0
    for i, spot in enumerate(borders[1:-1]):
        before = lag[max(borders[i], spot - WINDOW) : spot]
        after = lag[spot : min(borders[i + 2], spot + WINDOW)]
        jitter = max(_jitter(before), _jitter(after))
        unsure += jitter >= turn_s / 2
        step = float(after.min() - before.min()) if len(before) else 0.0
        if jitter < turn_s / 2 or step > FAR * jitter:
            turns[i] = max(0, round(step / turn_s))
    return turns, unsure


def _skew(lag: Floats, arrived_s: Floats) -> float:
    """Return the usual slope of the least lag; 0 where the recording is too short to tell."""
    if len(lag) < 4 * WINDOW:
        return 0.0
    blocks = len(lag) // WINDOW
    floors = lag[: blocks * WINDOW].reshape(blocks, WINDOW).min(axis=1)
    times = arrived_s[: blocks * WINDOW].reshape(blocks, WINDOW).mean(axis=1)
    return float(np.median(np.diff(floors) / np.maximum(np.diff(times), 1e-9)))


def _jitter(lag: Floats) -> float:
    """Return how far the least lag can be trusted; infinite where there are too few.

    That is how far the few least lags are apart, or those of both halves: a computer that is busy
    for a while is late with all chunks of that while alike.
    """
    if len(lag) < 2 * FEW:
        return float("inf")
    early, late = np.split(lag, [len(lag) // 2])
    return max(float(np.ptp(np.sort(lag)[:FEW])), float(abs(early.min() - late.min())))


def _silent_steps(lag: Floats, borders: list[int]) -> int:
    """Count the places between losses where the least lag rises for good."""
    found = 0
    for start, end in pairwise(borders):
        part = lag[start:end]
        later = np.minimum.accumulate(part[::-1])[::-1]
        found += int(np.count_nonzero(np.diff(later)[:-FEW] > SILENT_S))
    return found
