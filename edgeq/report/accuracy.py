"""Accuracy with its intervals: what an evaluation says, and what it does not."""

from __future__ import annotations

from edgeq.core.records import ChangeRecord, EvaluationRecord, IntervalRecord
from edgeq.report.table import Tables, facts

SHARES = frozenset({"top1", "agreement"})
NEAR_ONE = 0.9999  # a cosine above is shown by what it lacks


def evaluation_tables(record: EvaluationRecord) -> Tables:
    """Accuracy, float against quantised, with 95 % confidence intervals."""
    values: dict[str, str | None] = {
        "samples": f"{record.samples} of {record.dataset}, {record.split} split"
    }
    metric = record.metric
    if metric != "agreement":
        values[f"{metric}, float"] = figure_text(metric, record.float_value, record.float_interval)
        values[f"{metric}, int8"] = figure_text(metric, record.int8_value, record.int8_interval)
    if record.change is not None:
        values["int8 against float"] = change_text(metric, record.change)
    values |= {
        "agreement": figure_text("agreement", record.agreement, record.agreement_interval),
        "SQNR": figure_text("sqnr", record.sqnr_db, record.sqnr_interval),
        "cosine": figure_text("cosine", record.cosine, record.cosine_interval),
        "engine": record.engine,
    }
    return (facts("Accuracy", values),)


def metric_text(metric: str, value: float) -> str:
    """Return a metric's value as people read it."""
    if metric in SHARES:
        return f"{value:.2%}"
    if metric == "sqnr":
        return f"{value:.1f} dB"
    return f"{value:.6f}" if metric == "cosine" and value > NEAR_ONE else f"{value:.4f}"


def figure_text(metric: str, value: float | None, interval: IntervalRecord | None) -> str | None:
    """Return e.g. '98.25 % (95 % sure: 96.41 % to 99.15 %, Wilson)'."""
    if value is None:
        return None
    text = metric_text(metric, value)
    if interval is None:
        return text
    low, high = metric_text(metric, interval.low), metric_text(metric, interval.high)
    return f"{text} (95 % sure: {low} to {high}, {interval.method})"


def change_text(metric: str, change: ChangeRecord) -> str:
    """Return the difference of two models on the same samples, and whether it says anything."""
    low, high = (points_text(metric, v) for v in (change.interval.low, change.interval.high))
    counts = "" if change.lost is None else f", lost {change.lost}, won {change.won}"
    return (
        f"{change.verdict}: {points_text(metric, change.change)} "
        f"(95 % sure: {low} to {high}; p = {change.p_value:.2g}, {change.test}{counts})"
    )


def points_text(metric: str, value: float) -> str:
    """Return a difference with its sign, of shares in points."""
    return f"{100 * value:+.2f} points" if metric in SHARES else f"{value:+.4g}"


def accuracy_note(record: EvaluationRecord) -> str:
    """Return the note of a tile: the interval, the float model's value, the verdict."""
    parts = []
    if record.int8_interval is not None:
        bounds = (record.int8_interval.low, record.int8_interval.high)
        parts.append("95 % sure: " + " to ".join(metric_text(record.metric, v) for v in bounds))
    if record.float_value is not None:
        parts.append(f"float {metric_text(record.metric, record.float_value)}")
    if record.change is not None:
        parts.append(record.change.verdict)
    return ", ".join((*parts, f"{record.samples} samples"))
