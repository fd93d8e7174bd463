"""The report of a deploy as one HTML file: no script, no network, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from edgeq.core.records import EnergyRecord, LatencyRecord, LayerRecord
from edgeq.core.units import format_bytes, format_count, format_quantity, format_seconds
from edgeq.report.accuracy import accuracy_note, evaluation_tables, metric_text
from edgeq.report.charts import Bar, Usage, arena_chart, bar_chart, power_chart, region_chart
from edgeq.report.energy import energy_tables
from edgeq.report.html import frame, section, tile
from edgeq.report.latency import interval_text
from edgeq.report.records import ReportData
from edgeq.report.tables import (
    conversion_tables,
    layer_table,
    result_tables,
    validation_tables,
)


def render_page(data: ReportData) -> str:
    """Return the page. The same record gives the same bytes."""
    result = data.result
    title = f"{result.model.name} on {data.board.name}"
    sections = "\n".join(_sections(data))
    version = data.versions.get("edgeq", "")
    return frame(title, _lead(data), _tiles(data), sections, version)


def _lead(data: ReportData) -> str:
    board = data.board
    clock = f"{board.clock_hz / 1e6:g} MHz"
    return f"{board.core.arch} at {clock}, {format_count(data.result.model.macs)} MACs"


def _tiles(data: ReportData) -> Iterator[str]:
    result, check, accuracy = data.result, data.validation, data.evaluation
    latency, memory, counted = result.latency, result.memory, result.board.counted
    exact = check.matched == check.inputs
    yield tile(
        "bit-exact" if exact else "NOT bit-exact",
        f"{check.matched}/{check.inputs}",
        f"inputs, against {check.oracle}",
        "good" if exact else "bad",
    )
    yield tile("latency", format_seconds(latency.median_s), _latency_note(latency))
    if latency.instructions is not None:
        per_mac = latency.instructions / max(1, result.model.macs)
        yield tile(
            "instructions", format_count(latency.instructions), f"{counted}, {per_mac:.2f} per MAC"
        )
    if result.energy is not None:
        energy = result.energy
        yield tile(
            "energy", format_quantity(energy.per_inference_j, "J"), f"{energy.kind}, per inference"
        )
    arena = f"arena {format_bytes(memory.arena_bytes)}, stack {format_bytes(memory.stack_bytes)}"
    yield tile("RAM", format_bytes(memory.ram_bytes), f"{counted}: {arena}")
    flash = f"linked: code {format_bytes(memory.code_bytes)}, the rest constants"
    yield tile("flash", format_bytes(memory.flash_bytes), flash)
    if accuracy is None:
        return
    value = metric_text(accuracy.metric, accuracy.int8_value)
    yield tile(accuracy.metric, value, accuracy_note(accuracy))


def _latency_note(latency: LatencyRecord) -> str:
    note = f"{latency.kind}, {latency.runs} runs, median"
    if latency.low_s == latency.high_s:
        return note
    return f"{note}; 95 % sure: {interval_text(latency)}"


def _sections(data: ReportData) -> Iterator[str]:
    result, plan = data.result, data.plan
    if result.layers:
        yield section("Cost of each layer", _layer_chart(data), layer_table(result, plan))
    yield section(
        "Memory over time",
        arena_chart(plan.tensors, len(plan.layers), plan.arena_bytes),
        note=f"Every activation in the arena of {format_count(plan.arena_bytes)} bytes: layers "
        f"from left to right, offsets upwards. Lifetimes alone need "
        f"{format_count(plan.arena_lower_bound)} bytes.",
    )
    yield section("Memory map", region_chart(tuple(_usages(data))))
    tables = [*validation_tables(data.validation)]
    if data.evaluation is not None:
        tables = [*evaluation_tables(data.evaluation), *tables]
    if data.conversion is not None:
        tables += conversion_tables(data.conversion)
    yield section("Accuracy and proof", "", *tables)
    if data.layer_errors:
        bars = [
            Bar(f"{e.index} {e.op}", e.sqnr_db, f"{e.sqnr_db:.1f} dB") for e in data.layer_errors
        ]
        yield section(
            "Quantisation error",
            bar_chart(bars),
            note="Signal to quantisation noise of each layer's output, int8 against float.",
        )
    if result.energy is not None:
        yield _energy(result.energy)
    yield section("Measurement", "", result_tables(result)[0])
    yield section("Do it again", _again(data))


def _energy(record: EnergyRecord) -> str:
    plot = record.plot
    chart = power_chart(plot) if plot else ""
    note = "The whole recording: the least and most power of each step, with the measured windows "
    note += "and, paler, the idle windows shaded."
    return section("Energy", chart, *energy_tables(record), note=note if plot else "")


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
