"""How good and how alike: accuracy, AUC, mAP, error, SQNR, cosine and agreement of outputs."""

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


def powers(reference: Array, value: Array) -> Array:
    """Return each sample's sums (N, 4) of r^2, (r - v)^2, r v and v^2, for SQNR and cosine."""
    r = np.asarray(reference, np.float64).reshape(len(reference), -1)
    v = np.asarray(value, np.float64).reshape(len(value), -1)
    return np.stack([(r * r).sum(1), ((r - v) ** 2).sum(1), (r * v).sum(1), (v * v).sum(1)], axis=1)


def sqnr_of(sums: Array) -> Array:
    """Return the SQNR in dB, clipped to +-200, of sums (..., 4) that `powers` gave."""
    signal, noise = sums[..., 0], sums[..., 1]
    tiny = np.finfo(np.float64).tiny
    ratio = np.log10(np.maximum(signal, tiny)) - np.log10(np.maximum(noise, tiny))
    return np.where(noise == 0, SQNR_LIMIT_DB, np.clip(10 * ratio, -SQNR_LIMIT_DB, SQNR_LIMIT_DB))


def cosine_of(sums: Array) -> Array:
    """Return the cosine of the angle between all outputs, of sums (..., 4) that `powers` gave."""
    length = np.sqrt(sums[..., 0] * sums[..., 3])
    same = (sums[..., 0] == sums[..., 3]).astype(np.float64)  # both zero, or one of them
    return np.where(length == 0, same, sums[..., 2] / np.where(length == 0, 1.0, length))


def cosine(reference: Array, value: Array) -> float:
    """Return r v / (|r| |v|) over all outputs; 1 for two that are all zero, 0 where one is."""
    return float(cosine_of(powers(reference, value).sum(axis=0)))


def top1(outputs: Array, y: Array) -> float:
    """Return the share of samples whose largest output (N, classes) is the label (N,)."""
    return float(np.mean(right(outputs, y)))


def right(outputs: Array, y: Array) -> Array:
    """Return which samples (N,) are given their label."""
    return np.asarray(decide(outputs) == np.reshape(y, -1))


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
    ranks = mean_ranks(scores)
    p, n = int(positive.sum()), int((~positive).sum())
    if p == 0 or n == 0:
        raise ValueError("AUC needs positive and negative samples")
    return float((ranks[positive].sum() - p * (p + 1) / 2.0) / (p * n))


def mean_ranks(values: Array) -> Array:
    """Return the rank of each value, from 1; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = np.cumsum(counts) - (counts - 1) / 2.0
    return ranks[np.reshape(inverse, -1)]


def average_precision(scores: Array, positive: Array) -> float:
    """Return the sum of precisions over rising recall; equal scores are one threshold.

    NaN without positives. No interpolation (Manning et al. 2008, section 8.4).
    """
    total = int(positive.sum())
    if total == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits, ordered = np.cumsum(positive[order]), scores[order]
    last = np.append(ordered[1:] != ordered[:-1], True)  # the last sample of each threshold
    found, taken = hits[last], np.flatnonzero(last) + 1
    return float(np.sum(np.diff(found, prepend=0) * found / taken) / total)


def mean_average_precision(outputs: Array, y: Array) -> float:
    """Return the mean average precision over the classes that have positives, one against the rest.

    Args:
        outputs: a score of each class (N, classes); one column is that of class 1.
        y: labels (N,), or 0 and 1 for each class (N, classes).
    """
    found = class_precisions(outputs, y)
    known = found[~np.isnan(found)]
    return float(np.mean(known)) if len(known) else float("nan")


def class_precisions(outputs: Array, y: Array) -> Array:
    """Return each class's average precision (classes,), NaN where it has no positives."""
    scores = outputs.reshape(len(outputs), -1)
    truth = positives_of(y, scores.shape[1])
    return np.array([average_precision(s, t) for s, t in zip(scores.T, truth.T, strict=True)])


def positives_of(y: Array, classes: int) -> Array:
    """Return which classes each sample has, (N, classes) bool."""
    labels = np.asarray(y).reshape(len(y), -1)
    if labels.shape[1] == classes:  # also one score alone, of what is not class 0
        return np.asarray(labels > 0)
    return np.asarray(labels == np.arange(classes))


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
    return float(np.mean(absolute_errors(outputs, y)))


def absolute_errors(outputs: Array, y: Array) -> Array:
    """Return each sample's mean absolute error (N,)."""
    return np.asarray(
        np.mean(np.abs(outputs.reshape(len(outputs), -1) - y.reshape(len(y), -1)), axis=1)
    )
