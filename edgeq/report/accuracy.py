"""Accuracy with its intervals: what an evaluation says, and what it does not."""

from __future__ import annotations

from edgeq.core.records import ChangeRecord, EvaluationRecord, IntervalRecord, MetricRecord
from edgeq.report.table import Table, Tables, facts, make_table

SHARES = frozenset({"top1", "agreement"})
SHOWN = 20  # classes that people are shown
NEAR_ONE = 0.9999  # a cosine above is shown by what it lacks


def evaluation_tables(record: EvaluationRecord) -> Tables:
    """Accuracy, float against quantised, with 95 % confidence intervals; then class by class."""
    values: dict[str, str | None] = {
        "samples": f"{record.samples} of {record.dataset}, {record.split} split"
    }
    if record.metric != "agreement":
        values |= _metric_facts(record)
    if record.change is not None:
        values["int8 against float"] = change_text(record.metric, record.change)
    for other in record.also:
        values |= _metric_facts(other)
        if other.change is not None:
            values[f"{other.metric}, against float"] = change_text(other.metric, other.change)
    values |= {
        "agreement": figure_text("agreement", record.agreement, record.agreement_interval),
        "SQNR": figure_text("sqnr", record.sqnr_db, record.sqnr_interval),
        "cosine": figure_text("cosine", record.cosine, record.cosine_interval),
        "engine": record.engine,
    }
    table = facts("Accuracy", values)
    return (table, _class_table(record)) if record.classes else (table,)


def _metric_facts(record: EvaluationRecord | MetricRecord) -> dict[str, str | None]:
    """Return the rows of one metric, of the float and of the quantised model."""
    metric = record.metric
    return {
        f"{metric}, float": figure_text(metric, record.float_value, record.float_interval),
        f"{metric}, int8": figure_text(metric, record.int8_value, record.int8_interval),
    }


def _class_table(record: EvaluationRecord) -> Table:
    """The classes with the lowest precision, and those that no sample has."""
    known = [c for c in record.classes if c.int8_value is not None]
    lowest = sorted(known, key=lambda c: c.int8_value or 0.0)[:SHOWN]
    rows = [
        (c.label, str(c.positives), *map(_precision_text, (c.float_value, c.int8_value)))
        for c in lowest
    ]
    absent = [c.label for c in record.classes if c.int8_value is None]
    notes = []
    if len(known) > SHOWN:
        notes.append(f"the {SHOWN} lowest of {len(known)} classes; JSON has all")
    if absent:
        names = ", ".join(absent[:SHOWN]) + (", ..." if len(absent) > SHOWN else "")
        notes.append(f"without positives, left out of the mean: {names}")
    return make_table("Average precision by class", "class|>positives|>float|>int8", rows, notes)


def _precision_text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


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
