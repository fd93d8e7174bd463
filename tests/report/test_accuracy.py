"""Accuracy as text: intervals are shown, and what is no difference is called none."""

from __future__ import annotations

from msgspec.structs import replace

from edgeq.core.records import ChangeRecord, EvaluationRecord, IntervalRecord
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
