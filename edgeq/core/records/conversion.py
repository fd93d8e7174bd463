"""Conversion, accuracy and validation."""

from __future__ import annotations

from edgeq.core.records.base import Record


class CalibrationRecord(Record, frozen=True, kw_only=True):
    """Which data calibrated the model. `sha256` covers the samples in order, dtype and shape."""

    dataset: str
    samples: int
    sha256: str
    method: str


class ConversionRecord(Record, frozen=True, kw_only=True):
    """What a conversion did, and how far the int8 model is from its source on samples."""

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


class TensorErrorRecord(Record, frozen=True, kw_only=True):
    """Quantisation error of one layer's output against the float model."""

    index: int
    name: str
    op: str
    sqnr_db: float


class EvaluationRecord(Record, frozen=True, kw_only=True):
    """Accuracy of the float and the int8 model on the evaluation split.

    `metric` is top1, auc, mae or, without labels, agreement; `agreement` is the share of samples
    where both models decide alike.
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
