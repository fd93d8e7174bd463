"""How sure a latency is stands in the tables and on the page."""

from __future__ import annotations

import msgspec

from edgeq.bench.latency import summarise_latency
from edgeq.core.records import LatencyRecord
from edgeq.report.page import render_page
from edgeq.report.tables import result_tables
from tests.report.records import make_report

NOISY = [2.0, 1.0, 1.01, 0.99, 1.02, 0.98, 1.0, 1.01, 0.99, 1.0, 1.0, 1.5]


def _page_of(latency: LatencyRecord) -> str:
    report = make_report()
    result = msgspec.structs.replace(report.result, latency=latency)
    return render_page(msgspec.structs.replace(report, result=result))


def test_the_table_shows_the_interval_warmup_and_outliers() -> None:
    result = msgspec.structs.replace(
        make_report().result, latency=summarise_latency(NOISY, "measured")
    )
    rows = dict(result_tables(result)[0].rows)
    assert rows["median, 95 % sure"] == (
        "990 ms to 1.01 s (runs 980 ms to 1.5 s, warm-up left out: 1, outliers: 1)"
    )


def test_the_page_shows_the_interval_where_there_is_one() -> None:
    assert "95 % sure: " in _page_of(summarise_latency(NOISY, "measured"))
    tile = _page_of(summarise_latency([1.0] * 10, "estimated"))
    assert "95 % sure: " not in tile


def test_a_record_of_an_earlier_version_has_no_such_row() -> None:
    assert "median, 95 % sure" not in dict(result_tables(make_report().result)[0].rows)
