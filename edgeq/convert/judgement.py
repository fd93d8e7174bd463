"""What a model is judged by: one row a metric, with its interval and its paired comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from edgeq.convert import metrics
from edgeq.convert.intervals import (
    Difference,
    Interval,
    bootstrap_samples,
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


class Metric(NamedTuple):
    """A metric of inputs x (N, ...), outputs (N, ...) and what they are judged by, y (N, ...).

    `compare` takes the float model's outputs first, then the quantised one's. `values` tells how
    many values of a sample's label the metric takes, of a model with so many outputs; `classes`
    whether a single one is a class.
    """

    value: Callable[[Array, Array, Array], float]
    interval: Callable[[Array, Array, Array], Interval]
    compare: Callable[[Array, Array, Array, Array], Difference]
    higher_is_better: bool = True
    counts: bool = False
    values: Callable[[int], tuple[int, ...]] = lambda outputs: (1,)
    classes: bool = False


def _share_interval(x: Array, outputs: Array, y: Array) -> Interval:
    right = metrics.right(outputs, y)
    return wilson(int(right.sum()), len(right))


def _positive(y: Array) -> Array:
    return np.asarray(np.reshape(y, -1) > 0)


def _mean(sums: Array) -> Array:
    return np.asarray(sums[..., 0])


def _errors(outputs: Array, y: Array) -> Array:
    return metrics.absolute_errors(outputs, y)[:, None]


def _precision(outputs: Array, y: Array) -> Callable[[Array], float]:
    return lambda chosen: metrics.mean_average_precision(outputs[chosen], y[chosen])


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
    ),
    "map": Metric(
        value=lambda x, outputs, y: metrics.mean_average_precision(outputs, y),
        interval=lambda x, outputs, y: bootstrap_samples(len(y), _precision(outputs, y)),
        compare=lambda x, first, second, y: compare_samples(
            len(y), _precision(first, y), _precision(second, y)
        ),
        values=lambda outputs: (1, outputs),
        classes=True,
    ),
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


def check_labels(metric: str, outputs: Array, y: Array) -> None:
    """Refuse labels or targets y (N, ...) that a metric cannot hold against outputs (N, ...).

    Raises:
        InputError: another number of values a sample than the metric takes, labels that the
            outputs have no place for, or labels of one kind alone where the metric is auc.
    """
    each, classes = int(np.prod(np.shape(y)[1:])), outputs[0].size
    row = METRICS[metric]
    fitting = row.values(classes)
    if each not in fitting:
        raise InputError(
            f"the labels have {each} values a sample, {metric} takes {max(fitting)} of this model",
            hint=HINT,
        )
    if metric == "auc" and len(np.unique(y > 0)) < 2:
        raise InputError("AUC needs positive and negative samples", hint="judge more samples")
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
