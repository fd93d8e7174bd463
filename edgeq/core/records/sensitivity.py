"""Sensitivity: what each layer costs when it alone is quantised to a narrower type."""

from __future__ import annotations

from typing import Literal

from edgeq.core.records.base import Record
from edgeq.core.records.conversion import ChangeRecord, IntervalRecord

Kernels = Literal["optimized", "reference"]


class FigureRecord(Record, frozen=True, kw_only=True):
    """How a quantised model does: its SQNR against float and, with labels, the metric.

    `change` is against the model whose layers all have the base types.
    """

    sqnr_db: float
    sqnr_interval: IntervalRecord
    value: float | None = None
    interval: IntervalRecord | None = None
    change: ChangeRecord | None = None


class LayerSensitivityRecord(Record, frozen=True, kw_only=True):
    """One layer. `lowered`: it alone has the narrow types. `spared`: all others have them.

    `refusal` says why the layer cannot have them; it keeps the base types everywhere then.
    `place` counts the layers in the graph's order.
    """

    layer: str
    place: int = 0
    ops: tuple[str, ...]
    weights: int
    lowered: FigureRecord | None = None
    spared: FigureRecord | None = None
    refusal: str | None = None


class SensitivityRecord(Record, frozen=True, kw_only=True):
    """Every layer, the most sensitive first by `sorted_by`.

    `base` and `all_lowered`: the model whose layers all have the base types, or all the narrow
    ones. `kernels` are those of LiteRT that computed the figures.
    """

    schema: Literal["edgeq.sensitivity/1"] = "edgeq.sensitivity/1"
    source: str
    scheme: str
    base_scheme: str
    dataset: str
    split: str
    samples: int
    calibration: int
    metric: str | None
    sorted_by: Literal["sqnr", "accuracy"]
    kernels: Kernels
    base: FigureRecord
    all_lowered: FigureRecord
    layers: tuple[LayerSensitivityRecord, ...]
    seconds: float
    warnings: tuple[str, ...] = ()
