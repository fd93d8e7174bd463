"""Sensitivity as tables."""

from __future__ import annotations

from edgeq.core.records import FigureRecord, LayerSensitivityRecord, SensitivityRecord
from edgeq.core.units import format_count, format_seconds
from edgeq.report.accuracy import figure_text, metric_text, points_text
from edgeq.report.table import Tables, facts, make_table


def sensitivity_tables(record: SensitivityRecord) -> Tables:
    """The whole model in both types, then every layer, the most sensitive first."""
    values: dict[str, str | None] = {
        "model": record.source,
        "judged on": f"{record.samples} samples of {record.dataset}, {record.split} split",
        "calibrated on": f"{record.calibration} samples, min-max",
        "kernels": f"LiteRT {record.kernels}",
    }
    for name, figure in ((record.base_scheme, record.base), (record.scheme, record.all_lowered)):
        values[f"{name}, SQNR"] = figure_text("sqnr", figure.sqnr_db, figure.sqnr_interval)
        if record.metric is not None:
            text = figure_text(record.metric, figure.value, figure.interval)
            values[f"{name}, {record.metric}"] = text
    values["took"] = format_seconds(record.seconds)
    metric = record.metric or "-"
    columns = (
        f"layer|operators|>weights|>SQNR, it {record.scheme}|>{metric}|>change|what it says|"
        f">SQNR, it spared|>{metric}, it spared"
    )
    notes = [
        f"it {record.scheme}: the rest is {record.base_scheme}; "
        f"it spared: it is {record.base_scheme}, the rest {record.scheme}",
        *(f"{x.layer}: {x.refusal}" for x in record.layers if x.refusal),
    ]
    rows = (_row(record.metric, layer) for layer in record.layers)
    return (
        facts("Sensitivity", values, record.warnings),
        make_table("Layers", columns, rows, notes),
    )


def _row(metric: str | None, layer: LayerSensitivityRecord) -> tuple[str, ...]:
    names = layer.layer, ", ".join(layer.ops), format_count(layer.weights)
    if layer.lowered is None or layer.spared is None:
        return (*names, "-", "-", "-", "cannot", "-", "-")
    change = layer.lowered.change
    words = ("-", "-")
    if change is not None and metric is not None:
        words = points_text(metric, change.change), f"{change.verdict} (p = {change.p_value:.2g})"
    return (
        *names,
        metric_text("sqnr", layer.lowered.sqnr_db),
        _value(metric, layer.lowered),
        *words,
        metric_text("sqnr", layer.spared.sqnr_db),
        _value(metric, layer.spared),
    )


def _value(metric: str | None, figure: FigureRecord) -> str:
    return "-" if metric is None or figure.value is None else metric_text(metric, figure.value)
