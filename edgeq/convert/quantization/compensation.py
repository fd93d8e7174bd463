"""Compensated rounding: weights are rounded one after the other, the rest makes up for the error.

GPTQ (Frantar et al. 2022, section 3) on the rows that the quantised network gives, then single
steps downhill: the integer whose change by one lowers the error most changes, until none does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.draft import Draft, Observer
from edgeq.convert.quantization.products import Floats
from edgeq.convert.quantization.reconstruction import Problem, Rounded, reconstruct
from edgeq.convert.recipes.steps import CompensateRounding

# Shares of the mean diagonal that are added to it, so that rare inputs do not take wild weights:
# the right one depends on how many samples there are, and is found on rows kept for it.
DAMPINGS = (0.01, 0.1, 1.0)
BLOCK = 64
# Changes a channel may see at most, by its weights; in practice a fifth of them is enough.
CHANGES = 2

Doubles = NDArray[np.float64]


def compensate_rounding(draft: Draft, observe: Observer, params: CompensateRounding) -> Draft:
    """Return the draft with compensated integers and biases: the step `compensate-rounding`.

    Scales are the draft's where a step chose them. Weights of a codebook stay as they are.

    Raises:
        ToolchainError: the draft cannot be quantised (as `quantize_graph`).
    """

    return reconstruct(draft, observe, params.layers, params.samples, solve)


def solve(problem: Problem) -> list[Rounded]:
    """Return, for each damping, what GPTQ finds, and that after steps downhill."""
    moments, found = moments_of(problem), []
    for damping in DAMPINGS:
        errors = [group.damped(damping) for group in moments]
        compensated = compensate(problem, errors)
        found += [compensated, descend(problem, compensated, errors)]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Quadratic:
    """One group's squared error in front of the activation, as a function of its weights.

    Around the means of rows and targets, which the bias takes: (w - best) hessian (w - best)^T
    for each row w (K,) of weights; `mean` (K,) of the rows, `level` (M,) of the targets.
    """

    hessian: Doubles
    best: Doubles
    mean: Doubles
    level: Doubles

    def bias(self, weights: Floats | Doubles) -> Doubles:
        """Return the bias (M,) that takes the mean error of weights (M, K)."""
        return np.asarray(self.level - weights @ self.mean)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What the rows and targets of one group tell, whatever the damping.

    `gram` (K, K) of the centred rows, `pull` (K, M) of the rows on what the float weights (M, K)
    leave of the targets; `mean` and `level` as in `Quadratic`.
    """

    gram: Doubles
    pull: Doubles
    weights: Floats
    mean: Doubles
    level: Doubles

    def damped(self, damping: float) -> Quadratic:
        """Return the error with this share of the mean diagonal added to the diagonal."""
        share = max(float(np.mean(np.diag(self.gram))) * damping, 1e-9)
        hessian = self.gram + np.eye(len(self.gram)) * share
        shift = np.linalg.solve(hessian, self.pull)
        return Quadratic(hessian, self.weights + shift.T, self.mean, self.level)


def moments_of(problem: Problem) -> list[Moments]:
    """Return the moments of every group of a problem."""
    found = []
    for rows, target, weights in zip(problem.rows, problem.target, problem.weights, strict=True):
        mean, level = rows.mean(axis=0, dtype=np.float64), target.mean(axis=0, dtype=np.float64)
        centred = rows - mean.astype(np.float32)
        gram = (centred.T @ centred).astype(np.float64)
        gap = target - level.astype(np.float32) - centred @ weights.T
        pull = (centred.T @ gap).astype(np.float64)
        found.append(Moments(gram, pull, weights, mean, level))
    return found


def compensate(problem: Problem, errors: Sequence[Quadratic]) -> Rounded:
    """Return the integers that GPTQ finds, and the bias that takes the mean that is left."""
    scales = _scales(problem)
    integers = [
        round_in_order(error, scale, problem.limit)
        for error, scale in zip(errors, scales, strict=True)
    ]
    return _level(errors, integers, scales)


def descend(problem: Problem, start: Rounded, errors: Sequence[Quadratic]) -> Rounded:
    """Return `start` after single changes by one, the most useful of each channel first."""
    scales = _scales(problem)
    integers = [
        step_downhill(error, given, scale, problem.limit)
        for error, given, scale in zip(errors, start.integers, scales, strict=True)
    ]
    return _level(errors, integers, scales)


def _scales(problem: Problem) -> Floats:
    """Return the scales (G, M, 1), one for each channel even where all have the same."""
    return np.broadcast_to(problem.scales, (*problem.weights.shape[:2], 1))


def _level(errors: Sequence[Quadratic], integers: Sequence[Floats], scales: Floats) -> Rounded:
    """Return the integers of all groups, and the biases that take their mean errors."""
    biases = [e.bias(w * s) for e, w, s in zip(errors, integers, scales, strict=True)]
    return Rounded(np.stack(integers), np.stack(biases)[:, None].astype(np.float32))


def round_in_order(error: Quadratic, scales: Floats, limit: int) -> Floats:
    """Return integers (M, K) for scales (M, 1): the heaviest inputs are rounded first.

    Each column's error goes to those still to come by the inverse of the hessian (equations 2
    and 3, in the Cholesky form of section 3.3).
    """
    order = np.argsort(-np.diag(error.hessian), kind="stable")
    left = np.array(error.best[:, order], np.float64)
    inverse = np.linalg.inv(error.hessian[np.ix_(order, order)])
    upper = np.linalg.cholesky((inverse + inverse.T) / 2).T
    integers = np.empty(left.shape, np.float32)
    for begin in range(0, left.shape[1], BLOCK):
        end = min(begin + BLOCK, left.shape[1])
        gaps = np.empty((len(left), end - begin))
        for i in range(begin, end):
            integers[:, i] = np.clip(np.rint(left[:, i] / scales[:, 0]), -limit, limit)
            gap = (left[:, i] - integers[:, i] * scales[:, 0]) / upper[i, i]
            left[:, i:end] -= np.outer(gap, upper[i, i:end])
            gaps[:, i - begin] = gap
        left[:, end:] -= gaps @ upper[begin:end, end:]
    return np.asarray(integers[:, np.argsort(order)])


def step_downhill(error: Quadratic, start: Floats, scales: Floats, limit: int) -> Floats:
    """Return integers (M, K) that no single change by one improves, or after many changes."""
    integers, steps = start.astype(np.float64), scales.astype(np.float64)
    slopes = (integers * steps - error.best) @ error.hessian
    bends = np.square(steps) * np.diag(error.hessian)
    channels = np.arange(len(integers))
    enough = -1e-9 * bends.max(axis=1)
    for _ in range(CHANGES * integers.shape[1]):
        change = bends - 2 * steps * np.abs(slopes)
        change[np.abs(integers - np.sign(slopes)) > limit] = np.inf
        best = change.argmin(axis=1)
        useful = change[channels, best] < enough
        if not useful.any():
            break
        move = np.where(useful, -np.sign(slopes[channels, best]), 0.0)
        integers[channels, best] += move
        slopes += (move * steps[:, 0])[:, None] * error.hessian[best]
    return integers.astype(np.float32)
