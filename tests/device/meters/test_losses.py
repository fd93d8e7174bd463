"""Losses greater than the counter: told by the times of arrival, or said not to be known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.device.meters.losses import Losses, resolve_losses

PERIOD = 1e-5
CHUNK = 500
CHUNKS = 400


def lose(
    lost: dict[int, int], *, jitter: float, seed: int, skew: float = 0.0
) -> tuple[np.ndarray, Losses]:
    """Return what is missing modulo 64 when `lost` samples (by index) never came, and the rest."""
    random = np.random.default_rng(seed)
    count = CHUNK * CHUNKS
    gaps = np.zeros(count, np.int64)
    for at, samples in lost.items():
        gaps[at] = samples
    true_index = np.cumsum(gaps + 1)
    done = np.arange(1, CHUNKS + 1) * CHUNK
    ends = true_index[CHUNK - 1 :: CHUNK] * PERIOD * (1 + skew)
    arrived = np.maximum.accumulate(ends + random.exponential(jitter, CHUNKS))
    missing = gaps % 64
    index, jumps = np.cumsum(missing + 1) - 1, np.flatnonzero(missing)
    return missing, resolve_losses(index, jumps, done, arrived, modulo=64, period_s=PERIOD)


@settings(deadline=None)
@given(
    seed=st.integers(0, 500),
    at=st.integers(CHUNK * 20, CHUNK * 380),
    samples=st.integers(1, 20_000).filter(lambda n: n % 64),
    skew=st.floats(-1e-4, 1e-4),
)
def test_a_loss_is_told_to_the_sample(seed: int, at: int, samples: int, skew: float) -> None:
    missing, found = lose({at: samples}, jitter=1e-3, seed=seed, skew=skew)
    assert missing[at] + found.extra.get(at, 0) == samples


def test_without_a_loss_nothing_is_found() -> None:
    _, found = lose({}, jitter=2e-3, seed=1)
    assert not any(found.extra.values())
    assert found.warnings == ()


def test_two_losses_are_told_apart() -> None:
    missing, found = lose({30_000: 1000, 120_000: 77}, jitter=5e-4, seed=2)
    assert [missing[at] + found.extra[at] for at in (30_000, 120_000)] == [1000, 77]


def test_a_loss_of_whole_turns_of_the_counter_is_told_of() -> None:
    _, found = lose({100_000: 64 * 100}, jitter=5e-4, seed=3)
    assert any("without a jump" in w for w in found.warnings)


@pytest.mark.parametrize("at", [10, CHUNK * 399 + 5])
def test_at_the_ends_a_loss_is_said_to_be_unsure(at: int) -> None:
    _, found = lose({at: 100}, jitter=5e-4, seed=4)
    assert any("multiples of 64" in w for w in found.warnings)


def test_a_stream_that_is_not_timed_counts_modulo() -> None:
    _, found = lose({100_000: 100}, jitter=1e-5, seed=5, skew=0.5)
    assert not any(found.extra.values())
    assert any("modulo 64" in w for w in found.warnings)


def test_no_samples_have_no_losses() -> None:
    nothing = np.zeros(0, np.int64)
    found = resolve_losses(nothing, nothing, nothing, np.zeros(0), modulo=64, period_s=PERIOD)
    assert found == Losses({}, ())
