"""The page of a sweep: one file, a sortable table, a chart; no network, light and dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from html import escape

from edgeq.core.errors import visible
from edgeq.core.units import format_count, format_seconds
from edgeq.report.charts import SCATTER_STYLE, Axis, Bar, Point, bar_chart, scatter_chart
from edgeq.report.html import frame, section, tile
from edgeq.sweep.records import Figure, Row, SweepRecord
from edgeq.sweep.table import (
    FIGURES,
    NAMES,
    VERDICTS,
    FigureColumn,
    WordColumn,
    bytes_text,
    cause_table,
    notes_of,
)

MOST_BARS = 60


def render_sweep(record: SweepRecord) -> str:
    """Return the page. The same record gives the same bytes."""
    counts: Counter[str] = Counter(row.outcome.status for row in record.rows)
    lead = f"{record.action}: {format_count(len(record.rows))} cells"
    tiles = (_tile(status, counts[status]) for status in WORDS if counts[status])
    sections = "\n".join(_sections(record))
    version = record.edgeq_version
    return frame(record.name, lead, tiles, sections, version, style=_STYLE, script=_SCRIPT)


WORDS = {
    "ok": ("good", "cells with a result"),
    "misfit": ("", "cells whose model does not fit the board"),
    "mismatch": ("bad", "cells whose bytes differ from the oracle's"),
    "failed": ("bad", "cells without a result"),
}


def _tile(status: str, count: int) -> str:
    kind, note = WORDS[status]
    return tile(status, format_count(count), note, kind)


def _sections(record: SweepRecord) -> Iterator[str]:
    points = [p for p in map(_point, record.rows) if p is not None]
    if points:
        yield section(
            "Latency against flash",
            scatter_chart(points, Axis("flash", bytes_text, 1024), Axis("latency", format_seconds)),
            note="A colour a model; ringed: none of the model's cells has less of both.",
        )
    yield section("Cells", _table(record), note="A click on a heading sorts.")
    bars = [bar for row in record.rows if (bar := _bar(row))]
    if 0 < len(bars) <= MOST_BARS:
        yield section("Latency", bar_chart(bars))
    if causes := cause_table(record):
        yield section("Without a result", "", *causes)


def _label(row: Row) -> str:
    parts = (row.model, row.scheme, row.board, row.options)
    return " ".join(visible(part) for part in parts if part)


def _point(row: Row) -> Point | None:
    latency, flash = row.outcome.latency, row.outcome.flash
    if latency is None or flash is None or latency.value <= 0 or flash.value <= 0:
        return None
    title = f"{_label(row)}: {_said(latency, format_seconds)}, {_said(flash, bytes_text)}"
    return Point(flash.value, latency.value, visible(row.model), title, row.pareto)


def _said(figure: Figure, text: Callable[[float], str]) -> str:
    return f"{text(figure.value)} ({figure.kind})"


def _bar(row: Row) -> Bar | None:
    latency = row.outcome.latency
    if latency is None:
        return None
    return Bar(_label(row), latency.value, _said(latency, format_seconds))


def _table(record: SweepRecord) -> str:
    names = [column for column in NAMES if column.is_used(record)]
    figures = [column for column in FIGURES if column.kinds(record)]
    verdicts = [column for column in VERDICTS if column.is_used(record)]
    head = "".join(
        f'<th{kind}><button type="button">{column.name}</button></th>'
        for columns, kind in ((names, ""), (figures, ' class="right"'), (verdicts, ""))
        for column in columns
    )
    rows = "\n".join(
        f'<tr class="{_class(row)}">{_words(names, row)}'
        f"{''.join(_number(column, row) for column in figures)}{_words(verdicts, row)}</tr>"
        for row in record.rows
    )
    notes = "".join(f'<p class="note">{escape(visible(n))}</p>' for n in notes_of(record))
    return (
        f'<div class="wide"><table class="sortable"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>{notes}"
    )


def _class(row: Row) -> str:
    return f"{row.outcome.status} best" if row.pareto else row.outcome.status


def _words(columns: Sequence[WordColumn], row: Row) -> str:
    return "".join(f"<td>{escape(visible(column.text(row)))}</td>" for column in columns)


def _number(column: FigureColumn, row: Row) -> str:
    figure = column.figure(row.outcome)
    if figure is None:
        return '<td class="right">-</td>'
    text, kind = escape(column.text(figure.value)), f'<span class="kind">{figure.kind}</span>'
    return f'<td class="right" data-value="{figure.value!r}">{text} {kind}</td>'


_STYLE = (
    """\
body { max-width: 1240px; }
.sortable th { padding: 0; }
.sortable button { all: unset; padding: 5px 10px 5px 0; cursor: pointer; }
.sortable button:focus-visible { outline: 2px solid var(--bar); }
.sortable th[aria-sort=ascending] button::after { content: " \\2191"; }
.sortable th[aria-sort=descending] button::after { content: " \\2193"; }
.kind { color: var(--dim); font-size: 11px; }
tr.best td:first-child { border-left: 3px solid var(--good); padding-left: 7px; }
tr.failed td, tr.mismatch td { color: var(--bad); }
tr.misfit td { color: var(--dim); }
"""
    + SCATTER_STYLE
)

_SCRIPT = """\
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.querySelectorAll("th")];
  const body = table.tBodies[0];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    const sign = down ? -1 : 1;
    const numeric = [...body.rows].some(row => row.cells[column].dataset.value !== undefined);
    const value = row => numeric ? parseFloat(row.cells[column].dataset.value)
                                 : row.cells[column].textContent;
    const order = (a, b) => {
      const x = value(a), y = value(b);
      if (numeric) {
        const missing = Number.isNaN(x) - Number.isNaN(y);
        return missing || sign * (x - y);
      }
      return sign * x.localeCompare(y, undefined, { numeric: true });
    };
    body.append(...[...body.rows].sort(order));
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  }));
}"""
