"""The report of a deploy as one HTML file: no script, no network, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from edgeq.core.records import EnergyRecord, LatencyRecord, LayerRecord
from edgeq.core.units import format_bytes, format_count, format_quantity, format_seconds
from edgeq.report.charts import Bar, Usage, arena_chart, bar_chart, power_chart, region_chart
from edgeq.report.energy import energy_tables
from edgeq.report.records import ReportData
from edgeq.report.table import Table
from edgeq.report.tables import (
    conversion_tables,
    evaluation_tables,
    layer_table,
    metric_text,
    result_tables,
    validation_tables,
)


def render_page(data: ReportData) -> str:
    """Return the page. The same record gives the same bytes."""
    result = data.result
    title = f"{result.model.name} on {data.board.name}"
    sections = "\n".join(_sections(data))
    return _PAGE.format(
        title=escape(title),
        style=_STYLE,
        lead=escape(_lead(data)),
        tiles="\n".join(_tiles(data)),
        sections=sections,
        version=escape(data.versions.get("edgeq", "")),
    )


def _lead(data: ReportData) -> str:
    board = data.board
    clock = f"{board.clock_hz / 1e6:g} MHz"
    return f"{board.core.arch} at {clock}, {format_count(data.result.model.macs)} MACs"


def _tiles(data: ReportData) -> Iterator[str]:
    result, check, accuracy = data.result, data.validation, data.evaluation
    latency, memory = result.latency, result.memory
    exact = check.matched == check.inputs
    yield _tile(
        "bit-exact" if exact else "NOT bit-exact",
        f"{check.matched}/{check.inputs}",
        f"inputs, against {check.oracle}",
        "good" if exact else "bad",
    )
    yield _tile("latency", format_seconds(latency.median_s), _latency_note(latency))
    if latency.instructions is not None:
        per_mac = latency.instructions / max(1, result.model.macs)
        yield _tile("instructions", format_count(latency.instructions), f"{per_mac:.2f} per MAC")
    if result.energy is not None:
        energy = result.energy
        yield _tile(
            "energy", format_quantity(energy.per_inference_j, "J"), f"{energy.kind}, per inference"
        )
    arena = f"arena {format_bytes(memory.arena_bytes)}, stack {format_bytes(memory.stack_bytes)}"
    yield _tile("RAM", format_bytes(memory.ram_bytes), arena)
    flash = f"code {format_bytes(memory.code_bytes)}"
    yield _tile("flash", format_bytes(memory.flash_bytes), f"{flash}, the rest constants")
    if accuracy is None:
        return
    before = accuracy.float_value
    was = "" if before is None else f"float {metric_text(accuracy.metric, before)}, "
    yield _tile(
        accuracy.metric,
        metric_text(accuracy.metric, accuracy.int8_value),
        f"{was}{accuracy.samples} samples",
    )


def _latency_note(latency: LatencyRecord) -> str:
    note = f"{latency.kind}, {latency.runs} runs, median"
    if latency.low_s == latency.high_s:
        return note
    low, high = format_seconds(latency.low_s or 0.0), format_seconds(latency.high_s or 0.0)
    return f"{note}; 95 % sure: {low} to {high}"


def _tile(name: str, value: str, note: str, kind: str = "") -> str:
    return (
        f'<div class="tile {kind}"><div class="name">{escape(name)}</div>'
        f'<div class="value">{escape(value)}</div><div class="note">{escape(note)}</div></div>'
    )


def _sections(data: ReportData) -> Iterator[str]:
    result, plan = data.result, data.plan
    if result.layers:
        yield _section("Cost of each layer", _layer_chart(data), layer_table(result, plan))
    yield _section(
        "Memory over time",
        arena_chart(plan.tensors, len(plan.layers), plan.arena_bytes),
        note=f"Every activation in the arena of {format_count(plan.arena_bytes)} bytes: layers "
        f"from left to right, offsets upwards. Lifetimes alone need "
        f"{format_count(plan.arena_lower_bound)} bytes.",
    )
    yield _section("Memory map", region_chart(tuple(_usages(data))))
    tables = [*validation_tables(data.validation)]
    if data.evaluation is not None:
        tables = [*evaluation_tables(data.evaluation), *tables]
    if data.conversion is not None:
        tables += conversion_tables(data.conversion)
    yield _section("Accuracy and proof", "", *tables)
    if data.layer_errors:
        bars = [
            Bar(f"{e.index} {e.op}", e.sqnr_db, f"{e.sqnr_db:.1f} dB") for e in data.layer_errors
        ]
        yield _section(
            "Quantisation error",
            bar_chart(bars),
            note="Signal to quantisation noise of each layer's output, int8 against float.",
        )
    if result.energy is not None:
        yield _energy(result.energy)
    yield _section("Measurement", "", result_tables(result)[0])
    yield _section("Do it again", _again(data))


def _energy(record: EnergyRecord) -> str:
    plot = record.plot
    chart = power_chart(plot) if plot else ""
    note = "The whole recording: the least and most power of each step, with the measured windows "
    note += "and, paler, the idle windows shaded."
    return _section("Energy", chart, *energy_tables(record), note=note if plot else "")


def _usages(data: ReportData) -> Iterator[Usage]:
    """Yield what fills each region of the board: the model first, the rest of the firmware last."""
    sizes, build = data.image.sizes, data.board.build
    model = {
        build.code_region: (("constants", sizes.constant_bytes), ("model code", sizes.code_bytes)),
        build.data_region: (("arena", sizes.arena_bytes), ("stack", build.stack_bytes)),
    }
    for region in data.image.regions:
        known = model.get(region.region, ())
        rest = max(0, region.used - sum(size for _, size in known))
        yield Usage(region, (*known, ("firmware", rest)))


def _layer_chart(data: ReportData) -> str:
    return bar_chart([_layer_bar(layer) for layer in data.result.layers])


def _layer_bar(layer: LayerRecord) -> Bar:
    name = f"{layer.index} {layer.op}"
    if layer.instructions is not None:
        return Bar(name, layer.instructions, f"{format_count(layer.instructions)} instructions")
    return Bar(name, layer.time_s or 0.0, format_seconds(layer.time_s or 0.0))


def _again(data: ReportData) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(data.versions.items()))
    return (
        f"<pre>{escape(data.command)}</pre>"
        f'<p class="note">Model SHA-256 {escape(data.result.model.sha256)}; '
        f"built with {escape(data.image.toolchain)}; {escape(versions)}.</p>"
    )


def _section(title: str, chart: str, *tables: Table, note: str = "") -> str:
    words = f'<p class="note">{escape(note)}</p>' if note else ""
    body = "\n".join(_table(table) for table in tables)
    return f"<section>\n<h2>{escape(title)}</h2>\n{words}\n{chart}\n{body}\n</section>"


def _table(table: Table) -> str:
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
</body>
</html>
"""
