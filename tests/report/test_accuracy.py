"""Accuracy as text: intervals are shown, and what is no difference is called none."""

from __future__ import annotations

from msgspec.structs import replace

from edgeq.core.records import (
    ChangeRecord,
    ClassRecord,
    EvaluationRecord,
    IntervalRecord,
    MetricRecord,
)
from edgeq.report.accuracy import accuracy_note, evaluation_tables
from edgeq.report.page import render_page
from edgeq.report.tables import report_tables
from tests.report.records import make_report


def judged() -> EvaluationRecord:
    """Return an evaluation with 3 of 400 images more."""
    return EvaluationRecord(
        dataset="digits", split="evaluation", samples=400, metric="top1", float_value=0.975,
        int8_value=0.9825, sqnr_db=34.0, agreement=0.9875, engine="litert", cosine=0.99995,
        float_interval=IntervalRecord(low=0.9546, high=0.9864, method="Wilson"),
        int8_interval=IntervalRecord(low=0.9641, high=0.9915, method="Wilson"),
        change=ChangeRecord(
            change=0.0075, interval=IntervalRecord(low=-0.006, high=0.0213, method="Newcombe"),
            p_value=0.375, test="McNemar, exact", verdict="no significant difference", lost=1,
            won=4,
        ),
    )  # fmt: skip


def test_three_images_more_are_called_no_difference() -> None:
    (table,) = evaluation_tables(judged())
    cells = {row[0]: row[1] for row in table.rows}
    assert cells["top1, int8"] == "98.25% (95 % sure: 96.41% to 99.15%, Wilson)"
    assert cells["int8 against float"].startswith("no significant difference: +0.75 points")
    assert "lost 1, won 4" in cells["int8 against float"]
    assert cells["cosine"] == "0.999950"


def test_the_page_shows_the_interval_and_the_verdict() -> None:
    data = replace(make_report(), evaluation=judged())
    page = render_page(data)
    assert accuracy_note(judged()) in page
    assert "no significant difference" in page
    assert any("95 % sure" in cell for t in report_tables(data) for row in t.rows for cell in row)


def test_a_record_without_intervals_reads_as_before() -> None:
    report = make_report()
    assert report.evaluation is not None
    (table,) = evaluation_tables(report.evaluation)
    assert ("top1, int8", "98.25%") in table.rows


def precise(count: int) -> EvaluationRecord:
    """Return an evaluation of `count` classes, the last of which no sample has."""
    classes = [
        ClassRecord(label=f"class {n}", positives=n + 1, int8_value=n / count, float_value=0.5)
        for n in range(count - 1)
    ]
    classes.append(ClassRecord(label="absent", positives=0, int8_value=None))
    half = MetricRecord(
        metric="coco_map_50",
        int8_value=0.75,
        int8_interval=IntervalRecord(low=0.7, high=0.8, method="bootstrap, logit"),
    )
    return replace(judged(), metric="coco_map", classes=tuple(classes), also=(half,))


def test_classes_that_no_sample_has_are_told() -> None:
    accuracy, classes = evaluation_tables(precise(3))
    cells = {row[0]: row[1] for row in accuracy.rows}
    assert cells["coco_map_50, int8"] == "0.7500 (95 % sure: 0.7000 to 0.8000, bootstrap, logit)"
    assert classes.rows == (
        ("class 0", "1", "0.5000", "0.0000"),
        ("class 1", "2", "0.5000", "0.3333"),
    )
    assert classes.notes == ("without positives, left out of the mean: absent",)


def test_of_many_classes_the_lowest_are_shown() -> None:
    _, classes = evaluation_tables(precise(30))
    assert [row[0] for row in classes.rows] == [f"class {n}" for n in range(20)]
    assert classes.notes[0] == "the 20 lowest of 29 classes; JSON has all"
