"""Learned and compensated rounding of one layer, against nearest and against every rounding."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.convert.quantization.clipping import best_scales, squared_errors
from edgeq.convert.quantization.compensation import Quadratic, compensate, descend, moments_of
from edgeq.convert.quantization.reconstruction import (
    BOUNDS,
    Problem,
    Rounded,
    choose_best,
    errors_of,
    round_nearest,
)
from edgeq.convert.quantization.rounding import learn_integers

SEEDS = st.integers(0, 2**32 - 1)


def make_problem(
    seed: int, length: int = 24, outputs: int = 4, groups: int = 1, limit: int = 7, rows: int = 512
) -> Problem:
    """Return a layer whose inputs hang together, as those of a network do."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(length, length // 3 + 1))
    hidden = rng.normal(size=(groups, rows, mixed.shape[1]))
    x = np.maximum(hidden @ mixed.T + 0.3 * rng.normal(size=(groups, rows, length)), 0)
    weights = rng.normal(size=(groups, outputs, length))
    bias = rng.normal(size=(groups, 1, outputs))
    scales = np.abs(weights).max(axis=-1, keepdims=True) / limit
    arrays = (x, x @ weights.transpose(0, 2, 1) + bias, weights, scales, bias)
    return Problem(*(a.astype(np.float32) for a in arrays), limit)


def quadratics_of(problem: Problem) -> list[Quadratic]:
    return [moments.damped(0.01) for moments in moments_of(problem)]


def mean_error(problem: Problem, rounded: Rounded) -> float:
    return float(errors_of(problem, rounded).sum())


def in_units(problem: Problem, rounded: Rounded) -> float:
    """Return the error in units of that of rounding to nearest."""
    return mean_error(problem, rounded) / mean_error(problem, round_nearest(problem))


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.sampled_from((7, 127)), st.sampled_from((1, 3)))
def test_compensation_and_descent_lower_the_error_of_nearest(
    seed: int, limit: int, groups: int
) -> None:
    problem = make_problem(seed, groups=groups, limit=limit)
    errors = quadratics_of(problem)
    compensated = compensate(problem, errors)
    lower = descend(problem, compensated, errors)
    assert in_units(problem, compensated) < 1.0
    assert in_units(problem, lower) <= in_units(problem, compensated) * 1.05
    assert in_units(problem, descend(problem, round_nearest(problem), errors)) < 0.8


@settings(max_examples=5, deadline=None)
@given(SEEDS, st.sampled_from(("NONE", "RELU")))
def test_learned_rounding_lowers_the_error_behind_the_activation(
    seed: int, activation: str
) -> None:
    problem = replace(make_problem(seed), bounds=BOUNDS[activation])
    learned = learn_integers(problem, iterations=400)
    assert in_units(problem, learned) < 0.9
    steps = problem.weights / problem.scales
    assert np.all(np.abs(learned.integers - np.clip(steps, -7, 7)) <= 1.0)
    assert np.all(learned.integers == np.rint(learned.integers))


def test_learned_rounding_is_the_same_for_the_same_seed() -> None:
    problem = make_problem(3)
    first, again = (learn_integers(problem, iterations=50, seed=5) for _ in range(2))
    assert np.array_equal(first.integers, again.integers)
    assert np.array_equal(first.bias, again.bias)


def best_of_all(problem: Problem) -> float:
    """Return the least error of all roundings up or down of one output, bias being free."""
    floor = np.floor(problem.weights / problem.scales)
    least = np.inf
    for choice in product((0, 1), repeat=problem.weights.shape[-1]):
        integers = np.clip(floor + np.array(choice), -problem.limit, problem.limit)
        output = problem.rows @ (integers * problem.scales).transpose(0, 2, 1)
        bias = (problem.target - output).mean(axis=1, keepdims=True)
        least = min(least, mean_error(problem, Rounded(integers, bias)))
    return least


@pytest.mark.parametrize("seed", range(4))
def test_each_way_comes_near_the_best_of_all_roundings(seed: int) -> None:
    problem = make_problem(seed, length=9, outputs=1, rows=256)
    best = best_of_all(problem)
    errors = quadratics_of(problem)
    compensated = descend(problem, compensate(problem, errors), errors)
    learned = descend(problem, learn_integers(problem, iterations=400), errors)
    assert mean_error(problem, compensated) <= 1.6 * best
    assert mean_error(problem, learned) <= 1.6 * best


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_choice_is_never_worse_than_any_candidate(seed: int) -> None:
    problem = make_problem(seed, rows=256)
    candidates = [round_nearest(problem), compensate(problem, quadratics_of(problem))]
    errors = errors_of(problem, choose_best(problem, candidates))
    assert np.all(errors <= np.min([errors_of(problem, c) for c in candidates], axis=0) * 1.0001)


def test_few_rows_choose_for_the_whole_layer() -> None:
    problem = make_problem(2, rows=32)
    nearest = round_nearest(problem)
    other = compensate(problem, quadratics_of(problem))
    best = min((nearest, other), key=lambda c: mean_error(problem, c))
    assert np.array_equal(choose_best(problem, [nearest, other]).integers, best.integers)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from((7, 127)), st.sampled_from(("normal", "laplace", "uniform")))
def test_clipped_scales_err_at_most_as_much_as_unclipped_ones(
    seed: int, limit: int, shape: str
) -> None:
    rows = getattr(np.random.default_rng(seed), shape)(size=(5, 300)).astype(np.float32)
    plain = (np.abs(rows).max(axis=1) / limit).astype(np.float32)
    clipped = squared_errors(rows, best_scales(rows, limit), limit)
    assert np.all(clipped <= squared_errors(rows, plain, limit) * 1.0001)


def test_the_clip_of_heavy_tails_is_near_the_exhaustive_best() -> None:
    rows = np.random.default_rng(1).laplace(size=(3, 2000)).astype(np.float32)
    peaks = np.abs(rows).max(axis=1)
    tried = [
        squared_errors(rows, (peaks * share / 7).astype(np.float32), 7)
        for share in np.linspace(0.02, 1, 400)
    ]
    found = squared_errors(rows, best_scales(rows, 7), 7)
    assert np.all(found <= np.min(tried, axis=0) * 1.01)
    assert np.all(found < squared_errors(rows, (peaks / 7).astype(np.float32), 7) * 0.8)


def test_a_channel_of_noughts_gets_a_scale() -> None:
    rows = np.zeros((2, 4), np.float32)
    rows[1] = 1.0
    assert np.all(best_scales(rows, 7) > 0)
