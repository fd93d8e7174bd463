"""Calibrators side by side, and the drift of their samples, as tables."""

from __future__ import annotations

from edgeq.core.records import (
    CalibratedRecord,
    CalibrationComparisonRecord,
    DriftRecord,
    IntervalRecord,
)
from edgeq.core.units import format_seconds, short_name
from edgeq.report.accuracy import metric_text
from edgeq.report.table import Table, Tables, make_table

SHOWN = 5  # layers of the drift that people are shown


def calibration_tables(record: CalibrationComparisonRecord) -> Tables:
    """Every calibrator on one model and dataset."""
    c = record.calibration
    title = (
        f"{record.source}, {record.scheme}: calibrated by {c.samples} samples of {c.dataset}, "
        f"judged on {record.samples} of its {record.split} split"
    )
    rows = [_row(record.metric, method) for method in record.methods]
    if record.float_value is not None:
        value = _value_text(record.metric, record.float_value, record.float_interval)
        rows.insert(0, ("none (float)", value, "-", "-", "-", "-", "-"))
    columns = f"calibrator|>{record.metric}|against float|>SQNR|>agreement|clips most|>took"
    return (
        make_table(title, columns, rows, (_best_text(record), *record.warnings)),
        drift_table(record.drift),
    )


def drift_table(record: DriftRecord) -> Table:
    """The layers whose values differ most between two sets of samples."""
    counts = record.samples
    rows = (
        (short_name(t.layer), f"{t.distance:.3f}", f"{t.overlap:.2f}", f"{t.saturated:.2%}")
        for t in record.tensors[:SHOWN]
    )
    return make_table(
        f"Drift from {counts[0]} {record.first} to {counts[1]} {record.second} samples",
        "layer|>distance|>ranges' overlap|>outside the range",
        rows,
        ("distance: Jensen-Shannon, 0 (equal) to 1, less what chance alone gives",),
    )


def _row(metric: str, m: CalibratedRecord) -> tuple[str, ...]:
    span = m.sqnr_interval
    return (
        m.method,
        _value_text(metric, m.value, m.interval),
        m.change.verdict if m.change else "-",
        f"{m.sqnr_db:.1f} dB ({span.low:.1f} to {span.high:.1f})",
        "-" if m.agreement is None else f"{m.agreement:.2%}",
        f"{m.clipped[0]} ({m.clipped[1]:.2%})" if m.clipped else "-",
        format_seconds(m.seconds),
    )


def _value_text(metric: str, value: float, interval: IntervalRecord | None) -> str:
    if interval is None:
        return metric_text(metric, value)
    low, high = (metric_text(metric, end) for end in (interval.low, interval.high))
    return f"{metric_text(metric, value)} ({low} to {high})"


def _best_text(record: CalibrationComparisonRecord) -> str:
    if record.best is None:
        return "best: none that these samples tell from all others, at 5 %"
    return f"best: {record.best}, by {record.best_by}, against each of the others at 5 % (Holm)"
