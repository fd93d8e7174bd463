"""Every calibrator on one model and dataset: which one is best, as far as the samples tell."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from edgeq.convert import metrics
from edgeq.convert.child import MEMORY_BYTES, Progress, quiet, run_task
from edgeq.convert.conversion import calibration_record
from edgeq.convert.detections import Layout, judged_outputs, layout_of
from edgeq.convert.evaluation import SPLIT, choose_metric
from edgeq.convert.intervals import compare_sums
from edgeq.convert.judgement import ALPHA, METRICS, interval_record, judge_change, likeness
from edgeq.convert.metrics import Array
from edgeq.convert.quantization.diagnosis import diagnose_samples
from edgeq.convert.quantization.scheme import SCHEMES
from edgeq.convert.recipes.steps import Calibrate
from edgeq.convert.samples import Inputs, save_inputs
from edgeq.core.errors import UsageError, did_you_mean
from edgeq.core.files import refuse_missing
from edgeq.core.records import (
    CalibratedRecord,
    CalibrationComparisonRecord,
    DriftRecord,
)

if TYPE_CHECKING:
    from edgeq.data.dataset import Dataset

TIMEOUT_S = 3600.0
# What is compared; percentiles by name, as one says of them what the next does not.
METHODS: Mapping[str, Calibrate] = {
    "min-max": Calibrate(method="min-max"),
    "moving-average": Calibrate(method="moving-average"),
    "percentile-99.9": Calibrate(method="percentile", percentile=99.9),
    "percentile-99.99": Calibrate(method="percentile", percentile=99.99),
    "percentile-99.999": Calibrate(method="percentile", percentile=99.999),
    "mse": Calibrate(method="mse"),
    "entropy": Calibrate(method="entropy"),
    "best": Calibrate(method="best"),
}


def compare_calibrators(
    source: Path,
    dataset: Dataset,
    *,
    samples: int = 500,
    limit: int | None = None,
    scheme: str = "int8",
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    on_progress: Progress = quiet,
) -> CalibrationComparisonRecord:
    """Quantise `source` by every calibrator and judge each on the evaluation split.

    Args:
        source: .keras, .h5, a SavedModel folder or a float .tflite.
        samples: of the representative split, at most; they run once for all calibrators.
        limit: samples of the evaluation split at most.
        scheme: a name of SCHEMES with integer activations.

    Raises:
        InputError: the source is refused, or does not fit the dataset, its labels included.
        UsageError: a scheme that needs no calibration.
        ToolchainError: the child crashed, hung or ran out of memory.
    """
    _check_scheme(scheme)
    refuse_missing(source)
    began = time.monotonic()
    given = dataset.samples("representative", samples)
    judged = dataset.samples(SPLIT, limit)
    known, labels = dataset.manifest.metric, () if judged.y is None else (judged.y,)
    job = {"source": str(source.resolve()), "scheme": scheme, "names": given.names}
    outputs, answer = _run(
        {**job, "metric": known if known in METRICS else None},
        {"representative": given.inputs, SPLIT: judged.inputs, "labels": labels},
        {"timeout_s": timeout_s, "memory_bytes": memory_bytes, "on_progress": on_progress},
    )
    real, layout = outputs["real"], layout_of(dataset.manifest)
    found = judged_outputs((real,), layout)
    metric, y = choose_metric(dataset, judged.x, judged.y, found, found)
    judge = _Judge(metric, judged.x, y, real, layout)
    records = tuple(judge.record(m, outputs[m["name"]]) for m in answer["methods"])
    best, by = judge.best({name: outputs[name] for name in METHODS})
    spec = dataset.manifest.sample
    return CalibrationComparisonRecord(
        source=source.name,
        scheme=scheme,
        calibration=calibration_record(dataset, given.inputs, "all"),
        split=SPLIT,
        samples=len(judged.x),
        metric=metric,
        float_value=judge.value(real) if judge.judges else None,
        float_interval=judge.interval(real) if judge.judges else None,
        methods=records,
        best=best,
        best_by=by,
        drift=msgspec.convert(answer["drift"], DriftRecord),
        seconds=time.monotonic() - began,
        warnings=(
            *dataset.warnings,
            *diagnose_samples(given.inputs, spec.low, spec.high),
            *answer["warnings"],
        ),
    )


def _check_scheme(scheme: str) -> None:
    known = [name for name, row in SCHEMES.items() if row.mode == "static"]
    if scheme not in known:
        raise UsageError(
            f"the scheme {scheme!r} has no ranges to calibrate.{did_you_mean(scheme, known)}",
            hint=f"choose one of: {', '.join(known)}",
        )


def _run(
    job: dict[str, Any], samples: Mapping[str, Inputs], limits: dict[str, Any]
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the child's outputs (N, ...) by method, those of the float model as 'real'."""
    methods = [{"name": n, "params": msgspec.to_builtins(p)} for n, p in METHODS.items()]
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        for split, values in samples.items():
            save_inputs(folder, values, name=split)
        answer = run_task("compare-calibrators", {**job, "methods": methods}, folder, **limits)
        return {n: np.load(folder / f"{n}.npy") for n in ("real", *METHODS)}, answer


class _Judge:
    """What outputs are judged by: a metric of inputs x and labels y, and the float model's.

    `layout`: of a detector's outputs, None for other models.
    """

    def __init__(
        self, metric: str, x: Array, y: Array, real: Array, layout: Layout | None = None
    ) -> None:
        self.metric, self.x, self.y, self.real, self.layout = metric, x, y, real, layout
        self.row = METRICS[metric]
        self.judges = metric != "agreement"  # the float model agrees with itself

    def value(self, outputs: Array) -> float:
        """Return the metric."""
        return self.row.value(self.x, self._read(outputs), self.y)

    def interval(self, outputs: Array) -> Any:
        """Return the metric's interval."""
        return interval_record(self.row.interval(self.x, self._read(outputs), self.y))

    def record(self, method: Mapping[str, Any], outputs: Array) -> CalibratedRecord:
        """Return one calibrator's record."""
        alike = self.layout is None and not metrics.is_reconstruction(self.x, outputs)
        real, given, clipped = self._read(self.real), self._read(outputs), method["clipped"]
        return CalibratedRecord(
            method=method["name"],
            value=self.value(outputs),
            interval=self.interval(outputs),
            change=judge_change(self.metric, self.x, real, given, self.y) if self.judges else None,
            sqnr_db=metrics.sqnr_db(self.real, outputs),
            sqnr_interval=likeness(self.real, outputs)[0],
            agreement=float(np.mean(metrics.decide(self.real) == metrics.decide(outputs)))
            if alike
            else None,
            clipped=None if clipped is None else (clipped[0], clipped[1]),
            seconds=method["seconds"],
        )

    def best(self, outputs: Mapping[str, Array]) -> tuple[str | None, str | None]:
        """Return the calibrator that beats every other one, and by what: the metric, or SQNR.

        Holm's correction: with n rivals the k-th least p-value must not exceed ALPHA / (n - k + 1).
        """
        for by, rank, test in (
            (self.metric, self._rank_metric, self._test_metric),
            ("SQNR", self._rank_sqnr, self._test_sqnr),
        ):
            first, *rivals = sorted(outputs, key=lambda name: -rank(outputs[name]))
            rivals = [r for r in rivals if not np.array_equal(outputs[r], outputs[first])]
            values = sorted(test(outputs[rival], outputs[first]) for rival in rivals)
            limits = [ALPHA / (len(values) - k) for k in range(len(values))]
            if values and all(p <= limit for p, limit in zip(values, limits, strict=True)):
                return first, by
        return None, None

    def _rank_metric(self, outputs: Array) -> float:
        return self.value(outputs) * (1 if self.row.higher_is_better else -1)

    def _test_metric(self, rival: Array, first: Array) -> float:
        return self.row.compare(self.x, self._read(rival), self._read(first), self.y).p_value

    def _read(self, outputs: Array) -> Array:
        return judged_outputs((outputs,), self.layout)

    def _rank_sqnr(self, outputs: Array) -> float:
        return metrics.sqnr_db(self.real, outputs)

    def _test_sqnr(self, rival: Array, first: Array) -> float:
        theirs, ours = metrics.powers(self.real, rival), metrics.powers(self.real, first)
        return compare_sums(theirs, ours, metrics.sqnr_of).p_value
