"""Learned rounding: up or down for each weight, by the error of the layer's output.

AdaRound (Nagel et al. 2020, "Up or Down?", sections 3.2 to 3.5) in numpy: every weight stands
between two integers, a rectified sigmoid says where, Adam moves it so that the layer's output on
the inputs that the quantised network gives comes near the float network's, and a regulariser that
sharpens with time drives each to one of the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.compensation import DAMPINGS, descend, moments_of
from edgeq.convert.quantization.draft import Draft, Observer
from edgeq.convert.quantization.products import Floats
from edgeq.convert.quantization.reconstruction import (
    Problem,
    Rounded,
    errors_of,
    reconstruct,
    round_nearest,
)
from edgeq.convert.recipes.steps import LearnRounding

# The rectified sigmoid reaches past 0 and 1, so that its ends have a gradient (section 3.3).
LOW, HIGH = -0.1, 1.1
# The regulariser's exponent falls from the first to the second; it is 0 during the warm-up.
SHARPNESS = (20.0, 2.0)
WARM_UP = 0.2
PULL = 10.0
RATE = 0.02
MOMENTS = (0.9, 0.999)
BATCH = 512
# Channels whose error is a smaller share of the mean do not ask for more attention.
FAINT = 1e-4
TINY = 1e-12


def learn_rounding(draft: Draft, observe: Observer, params: LearnRounding) -> Draft:
    """Return the draft with learned integers and biases: the step `learn-rounding`.

    Layer after layer, on the inputs that the network gives with the earlier layers' integers.
    Scales are the draft's where a step chose them. Weights of a codebook stay as they are.

    Raises:
        ToolchainError: the draft cannot be quantised (as `quantize_graph`).
    """

    def solve(problem: Problem) -> list[Rounded]:
        learned = learn_integers(problem, iterations=params.iterations)
        moments = moments_of(problem)
        errors = ([group.damped(damping) for group in moments] for damping in DAMPINGS)
        return [learned, *(descend(problem, learned, each) for each in errors)]

    return reconstruct(draft, observe, params.layers, params.samples, solve)


def learn_integers(problem: Problem, *, iterations: int, seed: int = 0) -> Rounded:
    """Return the rounding that Adam finds in `iterations` steps; the same seed, the same result.

    Every channel's error is measured in units of its error when all weights go to the nearest
    integer, so that the pull of the regulariser means the same in every layer.
    """
    rng = np.random.default_rng(seed)
    floor, soft = _start(problem)
    nearest = errors_of(problem, round_nearest(problem))
    least = max(float(nearest.mean()) * FAINT, TINY)
    unit = (1.0 / np.maximum(nearest, least))[:, None, :].astype(np.float32)
    count = problem.rows.shape[1]
    bias, optimiser, drift = _level(problem), Adam(soft.shape), Adam(problem.bias.shape)
    rate = RATE * float(np.sqrt(np.mean(nearest)))
    for step in range(iterations):
        chosen = rng.integers(0, count, min(BATCH, count))
        heights = _rectified(soft)
        slope, lift = _slopes(problem, floor + heights, bias, unit, chosen)
        slope += _pull(heights, step / iterations) / soft.shape[-1]
        soft -= RATE * optimiser.direction(slope * _steepness(soft), step)
        bias -= rate * drift.direction(lift, step)
    integers = np.clip(floor + (_rectified(soft) >= 0.5), -problem.limit, problem.limit)
    return Rounded(integers.astype(np.float32), bias)


class Adam:
    """Adam's running moments (Kingma and Ba 2015, algorithm 1) of one array."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._first = np.zeros(shape, np.float32)
        self._second = np.zeros(shape, np.float32)

    def direction(self, slope: Floats, step: int) -> Floats:
        """Return the step to subtract for a rate of 1, `step` counted from 0."""
        slow, slower = MOMENTS
        self._first += (1 - slow) * (slope - self._first)
        self._second += (1 - slower) * (np.square(slope) - self._second)
        first = self._first / (1 - slow ** (step + 1))
        second = np.sqrt(self._second / (1 - slower ** (step + 1)))
        return np.asarray(first / (second + 1e-12))


def _start(problem: Problem) -> tuple[Floats, Floats]:
    """Return the integers below the weights, and the variables that put them where they are."""
    steps = np.clip(problem.weights / problem.scales, -problem.limit, problem.limit)
    floor = np.minimum(np.floor(steps), problem.limit - 1)
    share = np.clip((steps - floor - LOW) / (HIGH - LOW), 1e-4, 1 - 1e-4)
    return floor.astype(np.float32), np.log(share / (1 - share)).astype(np.float32)


def _level(problem: Problem) -> Floats:
    """Return the bias (G, 1, M) with which the float weights give the target's mean."""
    output = problem.rows @ problem.weights.transpose(0, 2, 1)
    return np.asarray((problem.target - output).mean(axis=1, keepdims=True), np.float32)


def _rectified(soft: Floats) -> Floats:
    return np.clip((HIGH - LOW) / (1 + np.exp(-soft)) + LOW, 0.0, 1.0)


def _steepness(soft: Floats) -> Floats:
    share = 1 / (1 + np.exp(-soft))
    inside = (share * (HIGH - LOW) + LOW > 0) & (share * (HIGH - LOW) + LOW < 1)
    return np.asarray((HIGH - LOW) * share * (1 - share) * inside, np.float32)


def _slopes(
    problem: Problem, integers: Floats, bias: Floats, unit: Floats, chosen: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return the slopes of the error in units, by integers (G, M, K) and by bias (G, 1, M)."""
    rows, target = problem.rows[:, chosen], problem.target[:, chosen]
    output = rows @ (integers * problem.scales).transpose(0, 2, 1) + bias
    low, high = problem.bounds
    gap = np.clip(output, low, high) - np.clip(target, low, high)
    gap *= (output > low) & (output < high)
    gap *= unit * np.float32(2 / len(chosen))
    return gap.transpose(0, 2, 1) @ rows * problem.scales, gap.sum(axis=1, keepdims=True)


def _pull(heights: Floats, done: float) -> Floats:
    """Return the slope of the regulariser sum(1 - |2h - 1|^b), equation 24, with b annealed."""
    if done < WARM_UP:
        return np.zeros_like(heights)
    first, last = SHARPNESS
    share = (done - WARM_UP) / (1 - WARM_UP)
    sharpness = last + (first - last) * 0.5 * (1 + np.cos(np.pi * share))
    side = 2 * heights - 1
    pull = np.sign(side) * np.abs(side) ** (sharpness - 1)
    return np.asarray(-2 * PULL * sharpness * pull, np.float32)
