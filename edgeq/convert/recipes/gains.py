"""Child side: what each step of a recipe gained, measured on the samples that are held back."""

from __future__ import annotations

import numpy as np

from edgeq.convert import metrics
from edgeq.convert.judgement import METRICS, check_labels, judge_change
from edgeq.convert.metrics import Array
from edgeq.convert.recipes.materials import Labelled
from edgeq.core.records import StepRecord


class Gauge:
    """Judges outputs (N, ...) of the held samples against labels and the source's outputs."""

    def __init__(self, held: Labelled, source: Array, metric: str | None) -> None:
        self._held, self._source = held, source
        self.metric = self._choose(metric)

    def record(self, kind: str, before: Array, after: Array, seconds: float) -> StepRecord:
        """Return what a step gave that turned the outputs `before` into those `after`."""
        value, change = None, None
        x, y = self._held.x[0], self._target()
        if self.metric is not None and y is not None:
            value = METRICS[self.metric].value(x, after, y)
            change = judge_change(self.metric, x, before, after, y)
        return StepRecord(
            kind=kind,
            before_db=None if before is self._source else metrics.sqnr_db(self._source, before),
            sqnr_db=metrics.sqnr_db(self._source, after),
            value=value,
            change=change,
            seconds=round(seconds, 3),
        )

    def _choose(self, metric: str | None) -> str | None:
        """Return the metric that can be told of these samples, None without one."""
        y = self._held.y
        if metric is None or y is None:
            reconstructs = metrics.is_reconstruction(self._held.x[0], self._source)
            return "mae" if reconstructs else None
        if metric == "auc" and len(np.unique(y > 0)) < 2:
            return None
        check_labels(metric, self._source, y)
        return metric

    def _target(self) -> Array | None:
        return self._held.x[0] if self._held.y is None else self._held.y
