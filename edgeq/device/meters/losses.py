"""Losses that a counter shows modulo its size: how many more, by the times of arrival."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeq.device.meters.trace import Floats

# Chunks before and after a loss whose arrival is compared.
WINDOW = 64
# A meter whose clock runs further off than this is no crystal: its data do not come as measured.
MAX_SKEW = 2e-3
# Without a jump of the counter, a lag of this long that stays is told of.
SILENT_S = 0.02
FEW = 5


class Losses(NamedTuple):
    """`extra[i]` samples were lost beside those that the counter shows before sample i."""

    extra: npt.NDArray[np.int64]
    warnings: tuple[str, ...]


def resolve_losses(
    missing: npt.NDArray[np.int64],
    chunk_of: npt.NDArray[np.int64],
    arrived_s: Floats,
    *,
    modulo: int,
    period_s: float,
) -> Losses:
    """Tell a loss of k samples from one of k + n * modulo by how late the stream is after it.

    The lag of a chunk is its arrival less the time of its last sample by count. What the way adds
    differs from chunk to chunk, but its least value within a window stays: where the least lag is
    greater after a loss than before it, that much more time, thus samples, was lost.

    Args:
        missing: samples lost before each by the counter, 0 to modulo - 1, shape (n,).
        chunk_of: the chunk that each sample's last byte came with, shape (n,).
        arrived_s: arrival of each chunk, shape (chunks,).
    """
    extra = np.zeros(len(missing), np.int64)
    if not len(missing):
        return Losses(extra, ())
    counts = np.cumsum(missing + 1)
    chunks, first = np.unique(chunk_of, return_index=True)
    last = np.append(first[1:], len(missing)) - 1
    lag = arrived_s[chunks] - counts[last] * period_s
    jumps = np.flatnonzero(missing)
    if abs(_skew(lag, arrived_s[chunks])) > MAX_SKEW:
        told = f"arrival times do not follow the meter's clock: losses count modulo {modulo}"
        return Losses(extra, (told,) if len(jumps) else ())
    spots, at = np.unique(np.searchsorted(chunks, chunk_of[jumps]), return_index=True)
    borders = [0, *(int(s) for s in spots), len(lag)]
    unsure = 0
    for i, spot in enumerate(spots, start=1):
        before = lag[max(borders[i - 1], spot - WINDOW) : spot]
        after = lag[spot : min(borders[i + 1], spot + WINDOW)]
        if not len(before):
            unsure += 1
            continue
        turns = max(0, round(float(after.min() - before.min()) / (modulo * period_s)))
        extra[jumps[at[i - 1]]] = turns * modulo
        unsure += max(_jitter(before), _jitter(after)) > modulo * period_s / 2
    warnings = [
        f"{unsure} of {len(spots)} losses may be greater or less by multiples of {modulo} samples:"
        " chunks came too unevenly to tell"
    ] * (unsure > 0)
    silent = _silent_steps(lag, borders)
    warnings += [
        f"the stream paused {silent} times without a jump of its counter:"
        f" the meter was late, or multiples of {modulo} samples are lost"
    ] * (silent > 0)
    return Losses(extra, tuple(warnings))


def _skew(lag: Floats, arrived_s: Floats) -> float:
    """Return the usual slope of the least lag; 0 where the recording is too short to tell."""
    if len(lag) < 4 * WINDOW:
        return 0.0
    blocks = len(lag) // WINDOW
    floors = lag[: blocks * WINDOW].reshape(blocks, WINDOW).min(axis=1)
    times = arrived_s[: blocks * WINDOW].reshape(blocks, WINDOW).mean(axis=1)
    return float(np.median(np.diff(floors) / np.maximum(np.diff(times), 1e-9)))


def _jitter(lag: Floats) -> float:
    """Return how far the few least lags are apart; infinite where there are too few."""
    return float(np.ptp(np.sort(lag)[:FEW])) if len(lag) >= FEW else float("inf")


def _silent_steps(lag: Floats, borders: list[int]) -> int:
    """Count the places between losses where the least lag rises for good."""
    found = 0
    for start, end in pairwise(borders):
        part = lag[start:end]
        later = np.minimum.accumulate(part[::-1])[::-1]
        found += int(np.count_nonzero(np.diff(later)[:-FEW] > SILENT_S))
    return found
