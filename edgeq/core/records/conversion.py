"""Conversion, accuracy and validation."""

from __future__ import annotations

from typing import Literal

from edgeq.core.records.base import Record


class CalibrationRecord(Record, frozen=True, kw_only=True):
    """Which data calibrated the model. `sha256` covers the samples in order, dtype and shape."""

    dataset: str
    samples: int
    sha256: str
    method: str


class IntervalRecord(Record, frozen=True, kw_only=True):
    """The 95 % confidence interval of a figure, and the method that gave it."""

    low: float
    high: float
    method: str


class ChangeRecord(Record, frozen=True, kw_only=True):
    """What a second model has more than a first one, on the same samples.

    `p_value`: the probability of at least such a difference where there is none. `lost` and `won`
    count the samples that only the first, or only the second model gets right.
    """

    change: float
    interval: IntervalRecord
    p_value: float
    test: str
    verdict: Literal["no significant difference", "better", "worse"]
    lost: int | None = None
    won: int | None = None


class StepRecord(Record, frozen=True, kw_only=True):
    """What one step of a recipe gave, on the samples that are held back.

    Training steps are measured in float against the source, graph steps in integers (ranges by
    min-max where none are chosen yet) against the float model that training left; `quantize` shows
    what integers cost in all. `before_db` is what `sqnr_db` was before the step. `value` is the
    dataset's metric, `change` what the step did to it. What a step with `kept` false did was taken
    back: it helped nothing.
    """

    kind: str
    sqnr_db: float | None = None
    before_db: float | None = None
    value: float | None = None
    change: ChangeRecord | None = None
    seconds: float = 0.0
    kept: bool = True


class RecipeRecord(Record, frozen=True, kw_only=True):
    """The recipe that made a model, with all that makes the same bytes again.

    `sha256` covers `text`, the recipe's TOML; `data_sha256` the samples and labels that calibrated
    and trained; `source_sha256` the source's bytes, and those of teachers that the recipe names.
    `metric` of `held` samples, from `held_of`, judges the steps.
    """

    name: str
    text: str
    sha256: str
    seed: int
    source_sha256: str
    data_sha256: str
    metric: str | None
    held: int
    held_of: str
    steps: tuple[StepRecord, ...]


class ConversionRecord(Record, frozen=True, kw_only=True):
    """What a conversion did, and how far the quantised model is from its source on samples.

    `int8_bytes` is the size of the quantised model, whatever its scheme.
    """

    source: str
    backend: str
    backend_version: str
    input_dtype: str
    output_dtype: str
    source_bytes: int
    float_bytes: int
    int8_bytes: int
    float_max_error: float | None
    sqnr_db: float
    calibration: CalibrationRecord
    seconds: float
    warnings: tuple[str, ...] = ()
    recipe: RecipeRecord | None = None
    scheme: str = "int8"
    per_layer: tuple[str, ...] = ()


class TensorErrorRecord(Record, frozen=True, kw_only=True):
    """Quantisation error of one layer's output against the float model."""

    index: int
    name: str
    op: str
    sqnr_db: float


class MetricRecord(Record, frozen=True, kw_only=True):
    """Another metric of the same outputs, told beside the one that judges."""

    metric: str
    int8_value: float
    int8_interval: IntervalRecord
    float_value: float | None = None
    float_interval: IntervalRecord | None = None
    change: ChangeRecord | None = None


class ClassRecord(Record, frozen=True, kw_only=True):
    """The average precision of one class, None without `positives`: samples or boxes that are it.

    What has none is left out of the mean.
    """

    label: str
    positives: int
    int8_value: float | None
    float_value: float | None = None


class EvaluationRecord(Record, frozen=True, kw_only=True):
    """Accuracy of the float and the int8 model on the evaluation split.

    `metric` is top1, auc, map, mae, coco_map, coco_map_50 or, without labels, agreement;
    `agreement` is the share of samples where both models decide alike. `int8_value` is the
    quantised model's, of any type. A mean average precision has its `classes`; `also` are metrics
    told beside it.
    """

    dataset: str
    split: str
    samples: int
    metric: str
    float_value: float | None
    int8_value: float
    sqnr_db: float | None
    agreement: float | None
    engine: str
    float_interval: IntervalRecord | None = None
    int8_interval: IntervalRecord | None = None
    sqnr_interval: IntervalRecord | None = None
    agreement_interval: IntervalRecord | None = None
    cosine: float | None = None
    cosine_interval: IntervalRecord | None = None
    change: ChangeRecord | None = None
    also: tuple[MetricRecord, ...] = ()
    classes: tuple[ClassRecord, ...] = ()


class MismatchRecord(Record, frozen=True, kw_only=True):
    """The first diverging layer and the elements that differ: (flat index, board, oracle)."""

    input: str
    layer: int
    layer_name: str
    op: str
    differing: int
    elements: int
    examples: tuple[tuple[int, int, int], ...]


class ValidationRecord(Record, frozen=True, kw_only=True):
    """Board against oracle, byte for byte."""

    inputs: int
    matched: int
    oracle: str
    first_mismatch: MismatchRecord | None = None


class TensorDriftRecord(Record, frozen=True, kw_only=True):
    """How far one layer's activations are apart on two sets of samples.

    `overlap`: of both ranges, 0 to 1. `saturated`: share of the second set's values outside the
    first one's range. `distance`: Jensen-Shannon, 0 (equal) to 1.
    """

    index: int
    layer: str
    overlap: float
    saturated: float
    distance: float


class DriftRecord(Record, frozen=True, kw_only=True):
    """Calibration drift from a first set of samples to a second, the worst layers first."""

    first: str
    second: str
    samples: tuple[int, int]
    tensors: tuple[TensorDriftRecord, ...]


class CalibratedRecord(Record, frozen=True, kw_only=True):
    """The model that one calibrator gives, on the evaluation split.

    `change` compares its metric with the float model's. `clipped`: the layer that loses the
    largest share of its calibration values to the range, with that share.
    """

    method: str
    value: float
    interval: IntervalRecord
    change: ChangeRecord | None
    sqnr_db: float
    sqnr_interval: IntervalRecord
    agreement: float | None
    clipped: tuple[str, float] | None
    seconds: float


class CalibrationComparisonRecord(Record, frozen=True, kw_only=True):
    """Every calibrator on one model and dataset, from one pass over the calibration samples.

    `best` is the calibrator whose metric, else whose SQNR, is better than every other's by a test
    on the same samples; None where chance could explain the difference.
    """

    source: str
    scheme: str
    calibration: CalibrationRecord
    split: str
    samples: int
    metric: str
    float_value: float | None
    float_interval: IntervalRecord | None
    methods: tuple[CalibratedRecord, ...]
    best: str | None
    best_by: str | None
    drift: DriftRecord
    seconds: float
    warnings: tuple[str, ...] = ()
