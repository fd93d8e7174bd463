"""What labels y (N, ...) must be for a metric; each function says in words what is amiss, or ''."""

from __future__ import annotations

import numpy as np

from edgeq.convert.box_precision import VALUES
from edgeq.convert.metrics import Array, positives_of


def lack_sides(outputs: Array, y: Array) -> str:
    """A ROC curve needs samples of both kinds."""
    return "" if len(np.unique(y > 0)) == 2 else "AUC needs positive and negative samples"


def refuse_sets(y: Array) -> str:
    """Several values a sample say for each class whether the sample has it."""
    if np.prod(np.shape(y)[1:]) == 1 or np.isin(y, (0, 1)).all():
        return ""
    return "labels of several values a sample must be 0 or 1 for each class"


def lack_positives(outputs: Array, y: Array) -> str:
    """An average precision needs a sample that has the class."""
    found = positives_of(y, outputs[0].size).any()
    return "" if found else "mean average precision needs a class with positives"


def boxes_of(y: Array) -> Array:
    """Return boxes (N, G, 6) of labels of as many values, in float64."""
    return np.reshape(y, (len(y), -1, VALUES)).astype(np.float64)


def refuse_boxes(y: Array) -> str:
    """Every row must be a box, or have a class below 0."""
    if not np.size(y) or np.prod(np.shape(y)[1:]) % VALUES:
        return (
            f"labels of a detector are rows of {VALUES} values: "
            "ymin, xmin, ymax, xmax, class, crowd"
        )
    rows = boxes_of(y).reshape(-1, VALUES)
    boxes = rows[~(rows[:, 4] < 0)]
    fine = np.isfinite(boxes).all() and np.array_equal(boxes[:, 4], np.rint(boxes[:, 4]))
    ordered = (boxes[:, :2] <= boxes[:, 2:4]).all() and np.isin(boxes[:, 5], (0, 1)).all()
    return "" if fine and ordered else "labels hold boxes with wrong corners, classes or crowds"


def lack_boxes(outputs: Array, y: Array) -> str:
    """An average precision needs a box to find; crowds count for nothing."""
    boxes = boxes_of(y)
    found = ((boxes[..., 4] >= 0) & (boxes[..., 5] == 0)).any()
    return "" if found else "mean average precision needs a box that is no crowd"
