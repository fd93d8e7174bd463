"""The table and the page: every number with its kind, the best marked, nothing of others run."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.report.charts import Axis, Point, scatter_chart
from edgeq.report.formats import to_csv
from edgeq.sweep.collection import find_best
from edgeq.sweep.page import render_sweep
from edgeq.sweep.records import Failure, Figure, Outcome, Row, SweepRecord
from edgeq.sweep.table import csv_tables, sweep_tables


def outcome(latency: float, flash: float, status: str = "ok") -> Outcome:
    return msgspec.convert(
        {
            "status": status,
            "latency": {"value": latency, "kind": "estimated"},
            "flash": {"value": flash, "kind": "linked"},
            "bit_exact": True,
        },
        Outcome,
    )


FAILURE = Failure(error="ToolchainError", cause="zig <fell> over", hint="stand & it up")


def record(model: str = "kws") -> SweepRecord:
    outcomes = (
        outcome(1e-3, 5000),
        outcome(2e-3, 6000),
        Outcome(status="failed", failure=FAILURE),
    )
    rows = tuple(
        Row(model=model, scheme=None, board=f"b{i}", options="a", key="0", pareto=i == 0, outcome=o)
        for i, o in enumerate(outcomes)
    )
    return SweepRecord(name="trial", action="bench", edgeq_version="1", rows=rows, notes=("n",))


@given(
    st.lists(
        st.tuples(
            st.sampled_from("xy"),
            st.integers(1, 5),
            st.integers(1, 5),
            st.sampled_from(["ok", "mismatch"]),
        ),
        max_size=12,
    )
)
def test_the_best_are_those_that_no_other_of_the_model_beats(
    cells: list[tuple[str, int, int, str]],
) -> None:
    found = find_best([(m, outcome(latency, flash, s)) for m, latency, flash, s in cells])
    good = [(i, m, a, b) for i, (m, a, b, s) in enumerate(cells) if s == "ok"]
    wanted = {
        i
        for i, m, a, b in good
        if not any(n == m and c <= a and d <= b and (c, d) != (a, b) for _, n, c, d in good)
    }
    assert found == wanted


def test_a_cell_without_a_figure_is_not_compared() -> None:
    none = Outcome(status="ok", latency=Figure(value=1e-9, kind="estimated"))
    assert find_best([("m", none), ("m", outcome(1, 1))]) == {1}


def test_every_number_of_the_table_has_its_kind() -> None:
    table, failures = sweep_tables(record())
    heads = [column.name for column in table.columns]
    assert heads == [
        "model", "board", "options", "latency, estimated", "flash, linked", "bit-exact", "best",
        "status",
    ]  # fmt: skip
    assert table.rows[0] == ("kws", "b0", "a", "1 ms", "4.9 KiB", "yes", "*", "ok")
    assert table.rows[2] == ("kws", "b2", "a", "-", "-", "-", "", "failed")
    assert "estimated: from a model or a table" in table.notes
    assert "linked: counted in the firmware that the linker made" in table.notes
    assert failures.rows == (
        ("kws", "-", "b2", "a", "ToolchainError", FAILURE.cause, FAILURE.hint),
    )


def test_kinds_that_differ_stand_at_each_number() -> None:
    first, second, _ = record().rows
    measured = msgspec.structs.replace(second.outcome, latency=Figure(value=2e-3, kind="measured"))
    rows = (first, msgspec.structs.replace(second, outcome=measured))
    (table,) = sweep_tables(msgspec.structs.replace(record(), rows=rows))
    assert [row[3] for row in table.rows] == ["1 ms (estimated)", "2 ms (measured)"]
    assert table.columns[3].name == "latency"


def test_the_csv_has_plain_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(csv_tables(record())[0]))))
    assert rows[0]["latency_s"] == "0.001"
    assert (rows[0]["flash_bytes"], rows[0]["flash_kind"]) == ("5000", "linked")
    assert [row["pareto"] for row in rows] == ["true", "false", "false"]
    assert (rows[2]["status"], rows[2]["cause"]) == ("failed", FAILURE.cause)
    assert rows[2]["latency_s"] == ""


class Parser(HTMLParser):
    """Checks that elements nest, and collects them."""

    VOID = ("meta", "br", "hr", "line", "circle", "rect")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("model", ["kws", "<script>alert(1)</script>", "\x1b[2J\"'&"])
def test_the_page_is_whole_and_runs_nothing_of_a_name(model: str) -> None:
    page = render_sweep(record(model))
    parser = Parser()
    parser.feed(page)
    parser.close()
    tags = [tag for tag, _ in parser.seen]
    assert parser.open == []
    assert (tags.count("script"), tags.count("table"), tags.count("svg")) == (1, 2, 2)
    assert "\x1b" not in page
    assert not re.search(r"(src|href)=|https?://|@import|url\(", page)
    rows = [attrs["class"] for tag, attrs in parser.seen if tag == "tr" and attrs]
    assert rows == ["ok best", "ok", "failed"]
    assert FAILURE.cause.replace("<", "&lt;").replace(">", "&gt;") in page


def test_the_same_record_gives_the_same_page() -> None:
    assert render_sweep(record()) == render_sweep(record())


@given(
    st.lists(
        st.tuples(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9), st.text(max_size=3)),
        min_size=1,
        max_size=9,
    )
)
def test_points_lie_inside_the_chart(points: list[tuple[float, float, str]]) -> None:
    chart = scatter_chart(
        [Point(x, y, group, "") for x, y, group in points],
        Axis("x", str),
        Axis("y", str, 1024),
    )
    places = re.findall(r'<circle class="group\d" cx="([-\d.]+)" cy="([-\d.]+)"', chart)
    groups = len({group for _, _, group in points})
    dots = places[groups:]
    assert len(dots) == len(points)
    assert all(80 <= float(x) <= 690 and 20 <= float(y) <= 330 for x, y in dots)
