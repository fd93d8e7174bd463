"""The page of a sweep: one file, a sortable table, a chart; no network, light and dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from html import escape

from edgeq.core.errors import visible
from edgeq.core.units import format_bytes, format_count, format_seconds
from edgeq.report.charts import Axis, Bar, Point, bar_chart, scatter_chart
from edgeq.report.html import frame, section, tile
from edgeq.sweep.records import Figure, Outcome, Row, SweepRecord
from edgeq.sweep.table import cells_of, figure_notes, sweep_tables

HEADS = (
    "model", "scheme", "board", "options", "latency", "instructions", "flash", "RAM", "energy",
    "bit-exact", "best", "status",
)  # fmt: skip
NUMBERS = HEADS[4:9]
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
            scatter_chart(points, Axis("flash", _bytes, 1024), Axis("latency", format_seconds)),
            note="A colour a model; ringed: none of the model's cells has less of both.",
        )
    yield section("Cells", _table(record), note="A click on a heading sorts.")
    bars = [bar for row in record.rows if (bar := _bar(row))]
    if 0 < len(bars) <= MOST_BARS:
        yield section("Latency", bar_chart(bars))
    if failures := sweep_tables(record)[1:]:
        yield section("Without a result", "", *failures)


def _bytes(value: float) -> str:
    return format_bytes(round(value))


def _label(row: Row) -> str:
    parts = (row.model, row.scheme, row.board, row.options)
    return " ".join(visible(part) for part in parts if part)


def _point(row: Row) -> Point | None:
    latency, flash = row.outcome.latency, row.outcome.flash
    if latency is None or flash is None or latency.value <= 0 or flash.value <= 0:
        return None
    title = f"{_label(row)}: {_said(latency, format_seconds)}, {_said(flash, _bytes)}"
    return Point(flash.value, latency.value, visible(row.model), title, row.pareto)


def _said(figure: Figure, text: Callable[[float], str]) -> str:
    return f"{text(figure.value)} ({figure.kind})"


def _bar(row: Row) -> Bar | None:
    latency = row.outcome.latency
    if latency is None:
        return None
    return Bar(_label(row), latency.value, _said(latency, format_seconds))


def _table(record: SweepRecord) -> str:
    heads = ((h, ' class="right"' if h in NUMBERS else "") for h in HEADS)
    head = "".join(f'<th{k}><button type="button">{h}</button></th>' for h, k in heads)
    rows = "\n".join(map(_row, record.rows))
    notes = "".join(f'<p class="note">{escape(visible(n))}</p>' for n in _notes(record))
    return (
        f'<div class="wide"><table class="sortable"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>{notes}"
    )


def _notes(record: SweepRecord) -> tuple[str, ...]:
    return (*record.notes, *figure_notes(record))


def _row(row: Row) -> str:
    o = row.outcome
    texts = cells_of(row)
    names = "".join(f"<td>{escape(visible(text))}</td>" for text in texts[:4])
    figures = (o.latency, o.instructions, o.flash, o.ram, o.energy)
    pairs = zip(figures, texts[4:14:2], strict=True)
    numbers = "".join(_number(figure, text) for figure, text in pairs)
    rest = "".join(f"<td>{escape(text)}</td>" for text in texts[14:])
    return f'<tr class="{_class(row.pareto, o)}">{names}{numbers}{rest}</tr>'


def _class(best: bool, outcome: Outcome) -> str:
    return " ".join([outcome.status] + (["best"] if best else []))


def _number(figure: Figure | None, text: str) -> str:
    if figure is None:
        return '<td class="right">-</td>'
    kind = f' <span class="kind">{figure.kind}</span>'
    return f'<td class="right" data-value="{figure.value!r}">{escape(text)}{kind}</td>'


_STYLE = """\
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
.grid { stroke: var(--line); }
circle { fill-opacity: 0.55; }
circle.best { fill-opacity: 1; stroke: var(--ink); stroke-width: 2; }
.group0 { fill: #0072b2; }
.group1 { fill: #e69f00; }
.group2 { fill: #009e73; }
.group3 { fill: #cc79a7; }
.group4 { fill: #56b4e9; }
.group5 { fill: #d55e00; }"""

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
