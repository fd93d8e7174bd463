"""The report: complete, self-contained, and safe against what names may hold."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from edgeq.core.errors import InputError
from edgeq.core.files import write_atomic
from edgeq.report import tables
from edgeq.report.charts import Bar, arena_chart, bar_chart
from edgeq.report.formats import to_csv, to_json
from edgeq.report.page import render_page
from edgeq.report.records import read_report
from edgeq.report.table import make_table
from tests.report.records import EVIL, make_report, make_result
from tests.support.bench_data import PLAN


class _Tags(HTMLParser):
    """Collects the elements that are open, and complains about those closed out of order."""

    VOID = frozenset({"meta", "rect", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_well_formed() -> None:
    parser = _Tags()
    parser.feed(render_page(make_report()))
    assert parser.open == []


def test_the_page_says_what_was_found() -> None:
    page = render_page(make_report())
    said = ("99/100", "1.2 ms", "estimated, 10 runs", "98.25%", "40.0 dB", "edgeq deploy")
    assert [text for text in said if text not in page] == []
    assert "NOT bit-exact" in page


def test_the_page_needs_no_network_and_no_script() -> None:
    page = render_page(make_report())
    assert not re.search(r"https?://|src=|@import|url\(|<script|<link", page)


def test_a_name_is_never_markup() -> None:
    page = render_page(make_report(EVIL))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_same_record_gives_the_same_page() -> None:
    assert render_page(make_report()) == render_page(make_report())


def test_a_record_comes_back_from_json(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_atomic(path, to_json(make_report()))
    assert read_report(path) == make_report()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[" * 100_000, b"\xff", b'{"schema": "edgeq.report/2"}']
)
def test_a_damaged_record_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"report\.json"):
        read_report(path)


def test_json_ends_its_last_line_and_keeps_every_field() -> None:
    text = to_json(make_result())
    assert text.endswith(b"}\n")
    assert set(msgspec.json.decode(text)) == set(make_result().__struct_fields__)


def test_csv_has_a_line_for_each_row_and_no_formula() -> None:
    table = make_table("t", "name|>size", [("=cmd()", "1"), ('a,"b"', "2")])
    assert to_csv(table) == 'name,size\n\'=cmd(),1\n"a,""b""",2\n'


def test_every_row_of_a_table_has_its_columns() -> None:
    for table in tables.report_tables(make_report()):
        assert all(len(row) == len(table.columns) for row in table.rows), table.title


def test_the_first_mismatch_is_told_by_layer_and_element() -> None:
    _, mismatch = tables.validation_tables(make_report().validation)
    assert "layer 1 (FULLY_CONNECTED" in mismatch.title
    assert mismatch.rows == (("2", "5", "6"),)


def test_bars_are_as_long_as_their_values() -> None:
    chart = bar_chart([Bar("a", 10, "10"), Bar("b", 5, "5")])
    first, second = (float(w) for w in re.findall(r'class="bar".*?width="([\d.]+)"', chart))
    assert first == pytest.approx(2 * second, rel=0.01)


def test_the_arena_chart_has_every_tensor() -> None:
    chart = arena_chart(PLAN.tensors, len(PLAN.layers), PLAN.arena_bytes)
    assert chart.count('class="tensor"') == len(PLAN.tensors)
