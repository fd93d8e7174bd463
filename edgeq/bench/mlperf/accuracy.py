"""Accuracy over the files of a dataset: top-1, area under the ROC curve, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeq.convert.metrics import auc
from edgeq.core.errors import DeviceError
from edgeq.core.records.mlperf import AccuracyRecord, ClassScore


@dataclass(frozen=True, slots=True)
class Scored:
    """A file, its true class, and the mean of the board's results over its windows."""

    file: str
    label: int
    classes: int
    values: tuple[float, ...]


def mean_results(windows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Return the mean of the results of a file's windows, element by element.

    Raises:
        DeviceError: the windows have results of different lengths.
    """
    if len({len(w) for w in windows}) != 1:
        raise DeviceError(
            "the board gives results of different lengths for the windows of one file",
            hint="lost bytes on the wire: use a shorter cable or a lower baud rate",
        )
    return tuple(float(v) for v in np.mean(np.asarray(windows, np.float64), axis=0))


def score(files: Sequence[Scored]) -> AccuracyRecord:
    """Return the accuracy of a run.

    One value a file is a score (a larger one is more of an anomaly, class 1): it has an area under
    the curve, no top-1. Of two classes the second's share is the score.

    Raises:
        DeviceError: a board that gives another number of values than there are classes.
    """
    values = np.asarray([f.values for f in files], np.float64)
    labels = np.asarray([f.label for f in files], np.int64)
    classes = files[0].classes
    if values.shape[1] == 1:
        return AccuracyRecord(files=len(files), top1=None, auc=_auc(values[:, 0], labels == 1))
    if values.shape[1] != classes:
        raise DeviceError(
            f"the board gives {values.shape[1]} results, the dataset has {classes} classes",
            hint="flash the firmware of this dataset's model, or choose with --task",
        )
    right = values.argmax(axis=1) == labels
    return AccuracyRecord(
        files=len(files),
        top1=100.0 * float(right.mean()),
        auc=_mean_auc(values, labels),
        classes=tuple(
            ClassScore(
                label=label,
                files=int((labels == label).sum()),
                correct=int(right[labels == label].sum()),
            )
            for label in range(classes)
        ),
    )


def _mean_auc(values: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> float | None:
    """Return the area for two classes, else the mean over classes of one against the rest."""
    totals = values.sum(axis=1, keepdims=True)
    shares = np.divide(values, totals, out=np.zeros_like(values), where=totals != 0)
    chosen = [1] if values.shape[1] == 2 else range(values.shape[1])
    areas = [_auc(shares[:, c], labels == c) for c in chosen]
    known = [a for a in areas if a is not None]
    return float(np.mean(known)) if len(known) == len(areas) else None


def _auc(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float | None:
    """Return the area under the ROC curve, None where one of both sides has no file."""
    if positive.all() or not positive.any():
        return None
    return auc(scores, positive.astype(np.int64))
