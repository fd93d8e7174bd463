"""Child side: what each step of a recipe gained, measured on the samples that are held back."""

from __future__ import annotations

from edgeq.convert import metrics
from edgeq.convert.detections import Layout, judged_outputs
from edgeq.convert.judgement import METRICS, check_labels, judge_change
from edgeq.convert.metrics import Array
from edgeq.convert.recipes.materials import Labelled
from edgeq.core.records import StepRecord


class Gauge:
    """Judges outputs (N, ...) of the held samples against labels and the source's outputs."""

    def __init__(
        self, held: Labelled, source: Array, metric: str | None, layout: Layout | None = None
    ) -> None:
        self._held, self._source, self._layout = held, source, layout
        self.metric = self._choose(metric)

    def record(self, kind: str, before: Array, after: Array, seconds: float) -> StepRecord:
        """Return what a step gave that turned the outputs `before` into those `after`."""
        value, change = None, None
        x, y = self._held.x[0], self._target()
        if self.metric is not None and y is not None:
            first, second = self._read(before), self._read(after)
            value = METRICS[self.metric].value(x, second, y)
            change = judge_change(self.metric, x, first, second, y)
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
        outputs = self._read(self._source)
        check_labels(metric, outputs, y)
        return None if METRICS[metric].lacks(outputs, y) else metric

    def _read(self, outputs: Array) -> Array:
        return judged_outputs((outputs,), self._layout)

    def _target(self) -> Array | None:
        return self._held.x[0] if self._held.y is None else self._held.y
