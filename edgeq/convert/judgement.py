"""What a model is judged by: one row a metric, with its interval and its paired comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from edgeq.convert import box_precision, labels, metrics
from edgeq.convert.intervals import (
    Difference,
    Interval,
    bootstrap_precision,
    bootstrap_sums,
    compare_auc,
    compare_samples,
    compare_shares,
    compare_sums,
    delong,
    wilson,
)
from edgeq.convert.metrics import Array
from edgeq.core.errors import InputError
from edgeq.core.records import ChangeRecord, IntervalRecord

ALPHA = 0.05  # what a p-value must not exceed for a difference to be called one
HINT = "choose the dataset that the model was made for"


class ClassFigure(NamedTuple):
    """The average precision of one class, None where it has no `positives`."""

    label: int
    positives: int
    value: float | None


class Metric(NamedTuple):
    """A metric of inputs x (N, ...), outputs (N, ...) and what they are judged by, y (N, ...).

    `compare` takes the float model's outputs first, then the quantised one's. `values` tells how
    many values of a sample's label the metric takes, of a model with so many outputs (empty: any
    number); `classes` whether a single one is a class; `wrong` what else is wrong about labels, and
    `lacks` what they must have for the metric to have a value ('': nothing). `by_class` tells it
    class by class, `also` is another metric of the same kind that is told beside it. `boxes`:
    outputs are detections (N, K, 6), see `detections`, and y boxes (N, G, 6), see `box_precision`.
    """

    value: Callable[[Array, Array, Array], float]
    interval: Callable[[Array, Array, Array], Interval]
    compare: Callable[[Array, Array, Array, Array], Difference]
    higher_is_better: bool = True
    counts: bool = False
    values: Callable[[int], tuple[int, ...]] = lambda outputs: (1,)
    classes: bool = False
    wrong: Callable[[Array], str] = lambda y: ""
    lacks: Callable[[Array, Array], str] = lambda outputs, y: ""
    by_class: Callable[[Array, Array], tuple[ClassFigure, ...]] | None = None
    also: str | None = None
    boxes: bool = False


def _share_interval(x: Array, outputs: Array, y: Array) -> Interval:
    right = metrics.right(outputs, y)
    return wilson(int(right.sum()), len(right))


def _positive(y: Array) -> Array:
    return np.asarray(np.reshape(y, -1) > 0)


def _mean(sums: Array) -> Array:
    return np.asarray(sums[..., 0])


def _errors(outputs: Array, y: Array) -> Array:
    return metrics.absolute_errors(outputs, y)[:, None]


def _by_precision(statistic: Callable[[Array, Array], Callable[[Array], float]]) -> Metric:
    """Return the metric whose precision of (outputs, y) is one of sample indices (N,)."""
    return Metric(
        value=lambda x, outputs, y: statistic(outputs, y)(np.arange(len(y))),
        interval=lambda x, outputs, y: bootstrap_precision(len(y), statistic(outputs, y)),
        compare=lambda x, first, second, y: compare_samples(
            len(y), statistic(first, y), statistic(second, y)
        ),
    )


def _precision(outputs: Array, y: Array) -> Callable[[Array], float]:
    return lambda chosen: metrics.mean_average_precision(outputs[chosen], y[chosen])


def _class_figures(outputs: Array, y: Array) -> tuple[ClassFigure, ...]:
    values = metrics.class_precisions(outputs, y)
    counts = metrics.positives_of(y, len(values)).sum(axis=0)
    first = 1 if len(values) == 1 else 0  # one score alone is that of class 1
    return tuple(
        ClassFigure(label, int(count), float(value) if count else None)
        for label, (count, value) in enumerate(zip(counts, values, strict=True), first)
    )


def _detector(overlaps: Array, also: str) -> Metric:
    """Return the metric of boxes at some overlaps."""

    def precision(outputs: Array, y: Array) -> Callable[[Array], float]:
        matches = box_precision.match_boxes(outputs, labels.boxes_of(y), overlaps)
        return lambda chosen: box_precision.mean_precision(matches, chosen)

    def by_class(outputs: Array, y: Array) -> tuple[ClassFigure, ...]:
        once = np.arange(len(y))
        return tuple(
            ClassFigure(m.label, int(m.boxes.sum()), box_precision.class_precision(m, once))
            for m in box_precision.match_boxes(outputs, labels.boxes_of(y), overlaps)
        )

    return _by_precision(precision)._replace(
        values=lambda outputs: (),
        wrong=labels.refuse_boxes,
        lacks=labels.lack_boxes,
        by_class=by_class,
        also=also,
        boxes=True,
    )


TOP1 = Metric(
    value=lambda x, outputs, y: metrics.top1(outputs, y),
    interval=_share_interval,
    compare=lambda x, first, second, y: compare_shares(
        metrics.right(first, y), metrics.right(second, y)
    ),
    counts=True,
    classes=True,
)

METRICS: dict[str, Metric] = {
    "top1": TOP1,
    "agreement": TOP1,
    "auc": Metric(
        value=lambda x, outputs, y: metrics.auc(metrics.scores_of(x, outputs), y),
        interval=lambda x, outputs, y: delong(metrics.scores_of(x, outputs), _positive(y)),
        compare=lambda x, first, second, y: compare_auc(
            metrics.scores_of(x, first), metrics.scores_of(x, second), _positive(y)
        ),
        lacks=labels.lack_sides,
    ),
    "map": _by_precision(_precision)._replace(
        values=lambda outputs: (1, outputs),
        classes=True,
        wrong=labels.refuse_sets,
        lacks=labels.lack_positives,
        by_class=_class_figures,
    ),
    "coco_map": _detector(box_precision.OVERLAPS, also="coco_map_50"),
    "coco_map_50": _detector(box_precision.OVERLAPS[:1], also="coco_map"),
    "mae": Metric(
        value=lambda x, outputs, y: metrics.mae(outputs, y),
        interval=lambda x, outputs, y: bootstrap_sums(_errors(outputs, y), _mean),
        compare=lambda x, first, second, y: compare_sums(
            _errors(first, y), _errors(second, y), _mean
        ),
        higher_is_better=False,
        values=lambda outputs: (outputs,),
    ),
}


def demand_labels(metric: str, outputs: Array, y: Array) -> None:
    """Refuse labels as `check_labels` does, and those of which a metric has no value.

    Raises:
        InputError: see `check_labels`; or they are of one side alone, or without a positive.
    """
    check_labels(metric, outputs, y)
    if lacking := METRICS[metric].lacks(outputs, y):
        raise InputError(lacking, hint="judge more samples")


def check_labels(metric: str, outputs: Array, y: Array) -> None:
    """Refuse labels or targets y (N, ...) that a metric cannot hold against outputs (N, ...).

    Raises:
        InputError: another number of values a sample than the metric takes, labels that the
            outputs have no place for, other values than 0 and 1, or boxes that are none.
    """
    each, classes = int(np.prod(np.shape(y)[1:])), outputs[0].size
    row = METRICS[metric]
    fitting = row.values(classes)
    if fitting and each not in fitting:
        raise InputError(
            f"the labels have {each} values a sample, {metric} takes {max(fitting)} of this model",
            hint=HINT,
        )
    if wrong := row.wrong(np.asarray(y)):
        raise InputError(wrong, hint=HINT)
    if not row.classes or each == classes > 1 or not len(y):
        return
    if not (np.equal(y, np.rint(y)).all() and y.min() >= 0 and y.max() < max(2, classes)):
        raise InputError(
            f"labels go from {y.min():g} to {y.max():g}, the model has {classes} outputs",
            hint=HINT,
        )


def interval_record(interval: Interval) -> IntervalRecord:
    """Return an interval as a record."""
    return IntervalRecord(low=interval.low, high=interval.high, method=interval.method)


def judge_change(metric: str, x: Array, first: Array, second: Array, y: Array) -> ChangeRecord:
    """Return what the outputs `second` have more than `first`, and whether that says anything."""
    row = METRICS[metric]
    found = row.compare(x, first, second, y)
    gained = found.change > 0 if row.higher_is_better else found.change < 0
    lost, won = None, None
    if row.counts:
        before, after = metrics.right(first, y), metrics.right(second, y)
        lost, won = int(np.sum(before & ~after)), int(np.sum(~before & after))
    significant = found.p_value <= ALPHA and found.change != 0
    return ChangeRecord(
        change=found.change,
        interval=interval_record(found.interval),
        p_value=found.p_value,
        test=found.test,
        verdict=("better" if gained else "worse") if significant else "no significant difference",
        lost=lost,
        won=won,
    )


def likeness(real: Array, value: Array) -> tuple[IntervalRecord, float, IntervalRecord]:
    """Return the SQNR's interval in dB, the cosine and its interval, of outputs (N, ...)."""
    sums = metrics.powers(real, value)
    return (
        interval_record(bootstrap_sums(sums, metrics.sqnr_of)),
        metrics.cosine(real, value),
        interval_record(bootstrap_sums(sums, metrics.cosine_of)),
    )
