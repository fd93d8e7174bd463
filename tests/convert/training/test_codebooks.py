"""Codebooks: k-means in one dimension is exact, and survives what folding does to channels."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.convert.training.codebooks import cluster_values, cluster_weights


def _error(values: np.ndarray, masses: np.ndarray, centres: np.ndarray) -> float:
    return float(np.sum(masses * np.min((values[:, None] - centres) ** 2, axis=1)))


def _best_error(values: np.ndarray, masses: np.ndarray, count: int) -> float:
    """The least error of all partitions of the sorted values into runs."""
    order = np.argsort(values)
    v, m = values[order], masses[order]
    best = np.inf
    for cuts in combinations(range(1, len(v)), min(count, len(v)) - 1):
        edges = [0, *cuts, len(v)]
        runs = [slice(a, b) for a, b in pairwise(edges)]
        total = sum(
            float(np.sum(m[r] * (v[r] - np.average(v[r], weights=m[r])) ** 2)) for r in runs
        )
        best = min(best, total)
    return best


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-40, 40), min_size=3, max_size=9, unique=True),
    st.integers(2, 4),
    st.integers(0, 99),
)
def test_centres_are_the_best_of_all_partitions(points: list[int], count: int, seed: int) -> None:
    values = np.asarray(points, np.float64) / 7
    masses = np.random.default_rng(seed).uniform(0.1, 3, len(values))
    centres = cluster_values(values, masses, count)
    assert len(centres) <= count
    assert _error(values, masses, centres) == pytest.approx(
        _best_error(values, masses, count), abs=1e-9
    )


def test_many_values_come_near_the_exact_error_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(size=40_000)
    error = _error(values, np.ones(40_000), cluster_values(values, np.ones(40_000), 8)) / 40_000
    assert error == pytest.approx(0.03454, rel=0.03)  # Max 1960, table I: 8 levels


@pytest.mark.parametrize("count", [2, 3, 4, 16, 17])
def test_a_codebook_is_ascending_int8_symmetric_and_of_the_size_asked(count: int) -> None:
    weights = np.random.default_rng(2).normal(size=(90, 12)) * np.geomspace(0.01, 2, 12)
    found = cluster_weights(weights, count)
    assert len(found.codebook) == count
    assert list(found.codebook) == sorted(-v for v in found.codebook)
    assert found.codebook[-1] == 127
    assert (0 in found.codebook) == bool(count % 2)


def test_more_values_err_less_and_scales_follow_their_channels() -> None:
    weights = np.random.default_rng(3).normal(size=(90, 12)) * np.geomspace(0.01, 2, 12)
    errors = [
        float(np.mean((cluster_weights(weights, n).weights - weights) ** 2)) for n in (2, 4, 8, 16)
    ]
    assert errors == sorted(errors, reverse=True)
    relative = (cluster_weights(weights, 16).weights - weights) / np.std(weights, axis=0)
    assert np.max(np.mean(relative**2, axis=0)) < 0.03


def test_zeros_stay_zero() -> None:
    weights = np.random.default_rng(4).normal(size=(90, 12))
    weights[np.abs(weights) < 0.7] = 0
    found = cluster_weights(weights, 16, zero=True)
    assert len(found.codebook) == 15
    assert np.array_equal(found.weights[weights == 0], np.zeros(int(np.sum(weights == 0))))


def test_negated_channels_have_the_same_codebook() -> None:
    weights = np.random.default_rng(5).normal(size=(90, 12))
    signs = np.where(np.arange(12) % 2, -1.0, 1.0)
    assert cluster_weights(weights, 16).codebook == cluster_weights(weights * signs, 16).codebook


def test_a_channel_of_zeros_and_a_constant_layer_are_no_trouble() -> None:
    weights = np.random.default_rng(6).normal(size=(20, 3))
    weights[:, 1] = 0
    assert np.isfinite(cluster_weights(weights, 4).weights).all()
    constant = cluster_weights(np.full((20, 3), 0.5), 16)
    assert np.allclose(constant.weights, 0.5)
