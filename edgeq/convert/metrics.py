"""How good and how alike: accuracy, AUC, error, SQNR and agreement of float and int8 outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SQNR_LIMIT_DB = 200.0


def sqnr_db(reference: Array, value: Array) -> float:
    """Return 10 log10(sum r^2 / sum (r - v)^2) in dB, clipped to +-200 (equal arrays: 200)."""
    signal = float(np.sum(np.square(reference, dtype=np.float64)))
    noise = float(np.sum(np.square(np.subtract(reference, value, dtype=np.float64))))
    return ratio_db(signal, noise)


def ratio_db(signal: float, noise: float) -> float:
    """Return the ratio of two powers in dB, clipped to +-200."""
    if noise == 0.0:
        return SQNR_LIMIT_DB
    if signal == 0.0:
        return -SQNR_LIMIT_DB
    return float(np.clip(10.0 * np.log10(signal / noise), -SQNR_LIMIT_DB, SQNR_LIMIT_DB))


def top1(outputs: Array, y: Array) -> float:
    """Return the share of samples whose largest output (N, classes) is the label (N,)."""
    return float(np.mean(decide(outputs) == np.reshape(y, -1)))


def decide(outputs: Array) -> Array:
    """Return the class each sample is given: the largest output, or above 0.5 for a single one."""
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] == 1:
        return (flat[:, 0] > 0.5).astype(np.int64)
    return np.asarray(np.argmax(flat, axis=1))


def auc(scores: Array, y: Array) -> float:
    """Return the area under the ROC curve: P(score of a positive > of a negative), ties half.

    By the rank sum of Mann and Whitney (1947), with mean ranks for ties.
    """
    positive = np.reshape(y, -1) > 0
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[np.reshape(inverse, -1)]
    p, n = int(positive.sum()), int((~positive).sum())
    if p == 0 or n == 0:
        raise ValueError("AUC needs positive and negative samples")
    return float((ranks[positive].sum() - p * (p + 1) / 2.0) / (p * n))


def scores_of(x: Array, outputs: Array) -> Array:
    """Return one score a sample (N,): an autoencoder's mean squared error, else P(last class)."""
    flat = outputs.reshape(len(outputs), -1)
    if is_reconstruction(x, outputs):
        return np.asarray(np.mean(np.square(x.reshape(flat.shape) - flat), axis=1))
    return flat[:, -1]


def is_reconstruction(x: Array, outputs: Array) -> bool:
    """Whether the output has as many elements as the input, and more than one."""
    return outputs.size == x.size and outputs[0].size > 1


def mae(outputs: Array, y: Array) -> float:
    """Return the mean absolute error against targets of as many elements."""
    return float(np.mean(np.abs(outputs.reshape(len(outputs), -1) - y.reshape(len(y), -1))))
