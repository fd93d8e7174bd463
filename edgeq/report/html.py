"""What every page is made of: a frame, tiles, sections, tables. Light and dark, no network."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from edgeq.report.table import Table


def frame(
    title: str,
    lead: str,
    tiles: Iterable[str],
    sections: str,
    version: str,
    *,
    style: str = "",
    script: str = "",
) -> str:
    """Return a whole page; `tiles` and `sections` are HTML, `style` and `script` are added."""
    return _PAGE.format(
        title=escape(title),
        style=f"{_STYLE}\n{style}" if style else _STYLE,
        lead=escape(lead),
        tiles="\n".join(tiles),
        sections=sections,
        version=escape(version),
        script=f"<script>\n{script}\n</script>\n" if script else "",
    )


def tile(name: str, value: str, note: str, kind: str = "") -> str:
    """Return a tile: a large value under its name, a note below; `kind` is good or bad."""
    return (
        f'<div class="tile {kind}"><div class="name">{escape(name)}</div>'
        f'<div class="value">{escape(value)}</div><div class="note">{escape(note)}</div></div>'
    )


def section(title: str, chart: str, *tables: Table, note: str = "") -> str:
    """Return a section: a note, a chart (SVG), tables."""
    words = f'<p class="note">{escape(note)}</p>' if note else ""
    body = "\n".join(html_table(table) for table in tables)
    return f"<section>\n<h2>{escape(title)}</h2>\n{words}\n{chart}\n{body}\n</section>"


def html_table(table: Table) -> str:
    """Return a table as HTML."""
    classes = [f' class="{c.align}"' if c.align == "right" else "" for c in table.columns]
    head = "".join(
        f"<th{k}>{escape(c.name)}</th>" for k, c in zip(classes, table.columns, strict=True)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td{k}>{escape(cell)}</td>" for k, cell in zip(classes, row, strict=True))
        + "</tr>"
        for row in table.rows
    )
    notes = "".join(f'<p class="note">{escape(n)}</p>' for n in table.notes)
    return (
        f'<div class="wide"><table><caption>{escape(table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>{notes}"
    )


_STYLE = """\
:root { --ink: #1c2430; --dim: #66707f; --line: #e3e6eb; --paper: #fff; --card: #f6f7f9;
  --bar: #3d6fb6; --tensor: #9dbbe3; --good: #1f7a4d; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --dim: #97a1b0; --line: #2c333d;
  --paper: #14181d; --card: #1c2229; --bar: #6c9be0; --tensor: #345a8c; --good: #5fbf8f;
  --bad: #f2857e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 48px 32px; max-width: 960px; color: var(--ink);
  background: var(--paper); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
h1 { margin: 0; font-size: 30px; font-weight: 650; letter-spacing: -0.01em; }
h2 { margin: 48px 0 12px; font-size: 19px; font-weight: 600; }
.lead { margin: 4px 0 28px; color: var(--dim); font-size: 17px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 14px; }
.tile { padding: 16px 18px; border-radius: 10px; background: var(--card); }
.tile .name { color: var(--dim); font-size: 13px; }
.tile .value { font-size: 25px; font-weight: 620; font-variant-numeric: tabular-nums; }
.tile.good .value { color: var(--good); }
.tile.bad .value { color: var(--bad); }
.note, footer { color: var(--dim); font-size: 13px; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; margin: 4px 0 8px; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg text.dim { fill: var(--dim); }
.bar { fill: var(--bar); }
.gate { fill: var(--good); opacity: 0.16; }
.rest { fill: var(--dim); opacity: 0.12; }
.track { fill: var(--card); }
.tensor { fill: var(--tensor); }
.part0 { fill: var(--bar); }
.part1 { fill: var(--tensor); }
.part2 { fill: var(--dim); opacity: 0.4; }
.wide { overflow-x: auto; }
table { width: 100%; margin: 14px 0; border-collapse: collapse; font-size: 13px; }
caption { padding: 6px 0; text-align: left; font-weight: 600; }
th, td { padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: break-word; }
th { color: var(--dim); font-weight: 500; white-space: nowrap; }
td:last-child { overflow-wrap: anywhere; }
.right { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
pre { padding: 14px 18px; border-radius: 10px; background: var(--card); overflow-x: auto; }
footer { margin-top: 56px; }
@media print { body { padding: 0; } section { break-inside: avoid; } }"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<h1>{title}</h1>
<p class="lead">{lead}</p>
<div class="tiles">
{tiles}
</div>
{sections}
<footer>Made by edgeq {version}.</footer>
{script}</body>
</html>
"""
