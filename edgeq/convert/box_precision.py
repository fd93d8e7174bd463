"""Average precision of found boxes, as COCO's evaluation has it.

AP@[.5:.95] and AP@.5 of Lin et al. 2014 (arXiv:1405.0312, and cocodataset.org, "Detection
Evaluation"): of each class the detections are matched greedily, best score first, each with the
free box that it overlaps most; precision is the best at or beyond each of 101 recalls. What finds
a crowd counts neither for nor against the model.

Boxes y are (N, G, 6): ymin, xmin, ymax, xmax, class, crowd; a class below 0 is no box. Detections
are (N, K, 6): ymin, xmin, ymax, xmax, class, score, with the same rule.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgeq.convert.metrics import Array

VALUES = 6
OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST = 100  # detections of a class in an image that count, the best ones


class Matches(NamedTuple):
    """The detections of one class, image by image and in each the best score first, of T overlaps.

    `score` (D,); `hit` and `miss` (T, D): whether it found a box of its own, or none; neither: it
    found a crowd. `given` and `boxes` (N,): how many each image has, and has to find.
    """

    label: int
    score: Array
    hit: Array
    miss: Array
    given: Array
    boxes: Array


def match_boxes(found: Array, boxes: Array, overlaps: Array = OVERLAPS) -> tuple[Matches, ...]:
    """Return the matches of each class that has boxes, in the classes' order.

    Equal scores keep the order of the images, and within one that of the model.
    """
    known = boxes[(boxes[..., 4] >= 0) & (boxes[..., 5] == 0)]
    return tuple(
        _match_class(int(label), found, boxes, overlaps) for label in np.unique(known[:, 4])
    )


def mean_precision(matches: tuple[Matches, ...], images: Array) -> float:
    """Return the mean over classes and overlaps of some images, by their places, in that order.

    Classes without a box in those images are left out; NaN where all are.
    """
    values = [class_precision(match, images) for match in matches]
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def class_precision(match: Matches, images: Array) -> float:
    """Return one class's average precision, the mean over the overlaps; NaN without boxes."""
    total = int(match.boxes[images].sum())
    if total == 0:
        return float("nan")
    rows = _rows_of(match.given, images)
    rows = rows[np.argsort(-match.score[rows], kind="stable")]
    hits = np.cumsum(match.hit[:, rows], axis=1)
    taken = hits + np.cumsum(match.miss[:, rows], axis=1)
    precision = hits / np.maximum(taken, 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.append(best, np.zeros((len(best), 1)), axis=1)  # beyond the last recall: 0
    places = [np.searchsorted(row, RECALLS) for row in hits / total]
    return float(np.mean([row[place] for row, place in zip(reached, places, strict=True)]))


def _rows_of(counts: Array, images: Array) -> Array:
    """Return the rows of some images, where image i has `counts[i]` rows behind those before it."""
    chosen = counts[images]
    first = np.cumsum(counts) - counts
    before = np.cumsum(chosen) - chosen
    return np.repeat(first[images] - before, chosen) + np.arange(int(chosen.sum()))


def _match_class(label: int, found: Array, boxes: Array, overlaps: Array) -> Matches:
    mine, theirs = found[..., 4] == label, boxes[..., 4] == label
    parts, scores = [], []
    for image in np.flatnonzero(mine.any(axis=1)):
        given, truth = found[image, mine[image]], boxes[image, theirs[image]]
        given = given[np.argsort(-given[:, 5], kind="stable")][:MOST]
        parts.append(_match_image(given, truth, overlaps))
        scores.append(given[:, 5])
    nothing = np.zeros((2, len(overlaps), 0), bool)
    hit, miss = np.concatenate([nothing, *parts], axis=2)
    given, wanted = np.minimum(mine.sum(axis=1), MOST), theirs & (boxes[..., 5] == 0)
    return Matches(label, np.concatenate([np.zeros(0), *scores]), hit, miss, given, wanted.sum(1))


def _match_image(found: Array, boxes: Array, overlaps: Array) -> Array:
    """Return which detections (D, 6), best first, hit, and which miss: (2, T, D) bool."""
    if len(boxes) == 0:
        nothing = np.zeros((len(overlaps), len(found)), bool)
        return np.stack([nothing, ~nothing])
    crowds = boxes[:, 5] == 1
    shared = intersections(found, boxes)
    union = _areas(found)[:, None] + np.where(crowds, 0.0, _areas(boxes) - shared)
    share = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    least = np.minimum(overlaps, 1 - 1e-10)
    free = np.broadcast_to(~crowds, (len(least), len(boxes))).copy()
    hit = np.zeros((len(least), len(found)), bool)
    real = share[:, ~crowds].max(axis=1, initial=0.0)
    for place in np.flatnonzero(real >= least[0]):
        # Of equal overlaps the last box is taken, as in COCO's own evaluation.
        open_ = np.where(free, share[place], -1.0)[:, ::-1]
        best = len(boxes) - 1 - np.argmax(open_, axis=1)
        hit[:, place] = open_.max(axis=1) >= least
        free[hit[:, place], best[hit[:, place]]] = False
    crowded = share[:, crowds].max(axis=1, initial=0.0) >= least[:, None]
    return np.stack([hit, ~hit & ~crowded])


def intersections(a: Array, b: Array) -> Array:
    """Return the areas (A, B) that boxes (A, 4 or more) and (B, 4 or more) share."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    return np.asarray(np.prod(np.maximum(high - low, 0.0), axis=2))


def overlaps_of(boxes: Array, others: Array) -> Array:
    """Return the intersections over unions (A, B) of two sets of boxes."""
    shared = intersections(boxes, others)
    union = _areas(boxes)[:, None] + _areas(others)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _areas(boxes: Array) -> Array:
    return np.asarray(np.prod(np.maximum(boxes[:, 2:4] - boxes[:, :2], 0.0), axis=1))
