"""Records as tables: what the command line prints and CSV holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeq.core.records import (
    ConversionRecord,
    FirmwareImage,
    Plan,
    RegionUse,
    Result,
    ValidationRecord,
)
from edgeq.core.units import format_bytes, format_count, format_seconds, short_name
from edgeq.report.accuracy import evaluation_tables
from edgeq.report.energy import energy_tables, energy_text
from edgeq.report.latency import latency_text, spread_text
from edgeq.report.linux import linux_tables
from edgeq.report.recipes import recipe_tables
from edgeq.report.table import Table, Tables, facts, make_table, shape_text

if TYPE_CHECKING:
    from edgeq.device.flashers import FlashReport
    from edgeq.firmware.fit import FitReport
    from edgeq.graph.inspection import Inspection, TensorSummary
    from edgeq.report.records import ReportData

CHART_WIDTH = 40


# --- models --------------------------------------------------------------------------------------


def conversion_tables(record: ConversionRecord) -> Tables:
    """What a conversion did."""
    c = record.calibration
    values = {
        "source": f"{record.source} ({format_bytes(record.source_bytes)})",
        "backend": f"{record.backend} {record.backend_version}",
        "scheme": ", ".join((record.scheme, *record.per_layer)),
        "float .tflite": format_bytes(record.float_bytes),
        "quantised .tflite": format_bytes(record.int8_bytes),
        "input, output": f"{record.input_dtype}, {record.output_dtype}",
        "SQNR against the source": f"{record.sqnr_db:.1f} dB",
        "float .tflite against the source": None
        if record.float_max_error is None
        else f"{record.float_max_error:.2g} at most",
        "calibration": f"{c.samples} samples of {c.dataset}, {c.method}",
        "calibration SHA-256": c.sha256,
        "took": format_seconds(record.seconds),
    }
    conversion = facts("Conversion", values, record.warnings)
    return (conversion, *(recipe_tables(record.recipe) if record.recipe else ()))


_FEW = ">#|operator|weights|>distinct values|>bits of a code"


def inspection_tables(record: Inspection) -> Tables:
    """Ports, operators and memory over time of a model."""
    totals = {
        "model": record.name,
        "SHA-256": record.sha256,
        "file": format_bytes(record.bytes),
        "operators": ", ".join(f"{n} {op}" for op, n in record.op_counts.items()),
        "tensors": format_count(record.tensors),
        "MACs": format_count(record.macs),
        "constants": format_bytes(record.constant_bytes),
        "activation peak": f"{format_bytes(record.activation_peak_bytes)} "
        f"at operator {record.peak_operator}",
    }
    ports = [("input", t) for t in record.inputs] + [("output", t) for t in record.outputs]
    operators = (
        (
            str(o.index), o.op if o.known else f"{o.op} (unknown)",
            ", ".join(shape_text(t.shape) for t in o.inputs),
            ", ".join(shape_text(t.shape) for t in o.outputs),
            ", ".join(_quantization_text(t) for t in o.outputs),
            format_count(o.macs), format_bytes(o.constant_bytes), format_bytes(o.live_bytes),
        )
        for o in record.operators
    )  # fmt: skip
    few = tuple(
        (str(o.index), o.op, shape_text(t.shape), str(t.values), str(t.code_bits))
        for o in record.operators
        for t in o.constants
        if t.values
    )
    return (
        facts("Model", totals),
        make_table(
            "Inputs and outputs", "port|name|shape|dtype|quantisation",
            ((k, t.name, shape_text(t.shape), t.dtype, _quantization_text(t)) for k, t in ports),
        ),
        make_table(
            "Operators",
            ">#|operator|input|output|quantisation of the output|>MACs|>constants|>live",
            operators,
        ),
        *([make_table("Weights of few values", _FEW, few)] if few else []),
        _memory_chart(record),
    )  # fmt: skip


def _memory_chart(record: Inspection) -> Table:
    peak = max(record.activation_peak_bytes, 1)
    rows = (
        (str(o.index), o.op, "#" * round(CHART_WIDTH * live / peak), format_bytes(live))
        for o, live in zip(record.operators, record.memory_over_time, strict=True)
    )
    return make_table("Memory over time", ">#|operator|live activations|>bytes", rows)


def _quantization_text(tensor: TensorSummary) -> str:
    if not tensor.scales:
        return "-"
    if len(tensor.scales) > 1:
        low, high = min(tensor.scales), max(tensor.scales)
        return f"{len(tensor.scales)} scales {low:.3g}..{high:.3g} along {tensor.axis}"
    return f"{tensor.scales[0]:.6g}, {tensor.zero_points[0]}"


_CODED = ">#|operator|weights|>bytes of flash saved"


def plan_tables(plan: Plan) -> Tables:
    """What the compiler decided."""
    saved = sum(layer.saved_bytes for layer in plan.layers)
    totals = {
        "name": plan.name,
        "MACs": _macs_text(plan),
        "arena": f"{format_count(plan.arena_bytes)} bytes "
        f"(at least {format_count(plan.arena_lower_bound)} by lifetimes)",
        "constants": f"{format_count(plan.constant_bytes)} bytes"
        + (f", {format_count(saved)} saved by codes" if saved else ""),
    }
    layers = (
        (
            str(p.index), p.op, p.kernel, shape_text(p.output_shape), str(p.output_offset),
            format_count(p.macs), format_count(p.constant_bytes),
        )
        for p in plan.layers
    )  # fmt: skip
    columns = ">#|operator|kernel|output|>offset|>MACs|>constant bytes"
    coded = tuple(
        (
            str(p.index), p.op, f"{p.weight_bits} bits, {p.weight_values} values",
            format_count(p.saved_bytes),
        )
        for p in plan.layers
        if p.weight_bits
    )  # fmt: skip
    passes = tuple((p.name, format_count(p.changes), p.note) for p in plan.passes if p.changes)
    return (
        facts("Plan", totals, plan.notes),
        *([make_table("Passes", "pass|>changes|what it did", passes)] if passes else []),
        make_table("Layers", columns, layers),
        *([make_table("Weights kept as codes", _CODED, coded)] if coded else []),
    )


def _macs_text(plan: Plan) -> str:
    computed = plan.macs if plan.computed_macs is None else plan.computed_macs
    text = format_count(plan.macs)
    return text if computed == plan.macs else f"{text}, {format_count(computed)} of them computed"


def fit_tables(record: FitReport) -> Tables:
    """Whether a model fits a board."""
    verdict = "fits" if record.fits else "does not fit"
    title = f"{record.model_name} {verdict} {record.board_id} ({record.kind})"
    tensors = (
        (short_name(t.name), shape_text(t.shape), format_bytes(t.bytes), f"{t.first}..{t.last}")
        for t in record.largest
    )
    return (
        _region_table(title, record.regions, record.problems),
        make_table("Largest tensors at the peak", "tensor|shape|>size|layers", tensors),
    )


# --- firmware ------------------------------------------------------------------------------------


def _region_table(title: str, regions: Sequence[RegionUse], notes: Sequence[str] = ()) -> Table:
    rows = (
        (r.region, f"{r.start:#010x}", format_bytes(r.used), format_bytes(r.size),
         f"{r.used / r.size:.1%}" if r.size else "-")
        for r in regions
    )  # fmt: skip
    return make_table(title, "region|>start|>used|>size|>share", rows, notes)


def image_tables(image: FirmwareImage) -> Tables:
    """A built firmware: sizes and regions."""
    s = image.sizes
    sizes = {
        "ELF": image.elf,
        "toolchain": image.toolchain,
        "protocol": " ".join(filter(None, (image.protocol, image.mode))),
        "model in flash": f"{format_count(s.flash_bytes)} bytes "
        f"(code {format_count(s.code_bytes)}, constants {format_count(s.constant_bytes)})",
        "arena": f"{format_count(s.arena_bytes)} bytes",
        "static data": f"{format_count(s.static_bytes)} bytes",
        "whole image": f"{format_count(s.image_bytes)} bytes",
    }
    return (
        facts(f"Firmware of {image.model_name} for {image.board_id}", sizes),
        _region_table("Regions", image.regions),
    )


def flash_tables(record: FlashReport) -> Tables:
    """What was written to a board."""
    values = {
        "board": record.board_id,
        "method": record.method,
        "commands": "; ".join(record.commands) or None,
        "verified": record.verified,
        "ELF SHA-256": record.elf_sha256,
        "image": f"{format_count(record.image_bytes)} bytes",
        "took": format_seconds(record.seconds),
    }
    title = "Would flash (dry run)" if record.dry_run else "Flashed"
    return (facts(title, values), _region_table("Regions", record.regions))


# --- measurements --------------------------------------------------------------------------------


def result_tables(result: Result) -> Tables:
    """A benchmark: the summary and the cost of each layer."""
    if result.host is not None:
        return linux_tables(result)
    latency, memory, output = result.latency, result.memory, result.output
    exact = {True: "yes", False: "NO", None: "not compared"}[output.bit_exact]
    counted = result.board.counted
    cycles = None
    if latency.cycles is not None:
        cycles = f"{format_count(latency.cycles)} ({latency.cycles_kind}, {latency.cycles_source})"
    values = {
        "model": f"{result.model.name} ({format_count(result.model.macs)} MACs)",
        "board": f"{result.board.id} ({result.board.core}, {result.board.clock_hz / 1e6:g} MHz)",
        "engine": f"{result.engine.name} {result.engine.version}",
        "bit-exact": exact + (f" (against {output.oracle})" if output.oracle else ""),
        "output CRC-32": output.crc32,
        "latency": latency_text(latency),
        "median, 95 % sure": spread_text(latency),
        "instructions": None
        if latency.instructions is None
        else f"{format_count(latency.instructions)} ({counted}), "
        f"{latency.instructions / max(1, result.model.macs):.2f} per MAC",
        "cycles": cycles,
        "RAM": f"{format_count(memory.ram_bytes)} bytes ({counted}: arena "
        f"{format_count(memory.arena_bytes)}, static {format_count(memory.static_bytes)}, stack "
        f"{format_count(memory.stack_bytes)})",
        "flash": f"{format_count(memory.flash_bytes)} bytes (linked: code "
        f"{format_count(memory.code_bytes)}, constants {format_count(memory.constant_bytes)})",
        "energy": energy_text(result.energy) if result.energy else None,
    }
    summary = facts("Benchmark", values, result.warnings)
    energy = energy_tables(result.energy) if result.energy else ()
    return (summary, *energy, *((layer_table(result),) if result.layers else ()))


def layer_table(result: Result, plan: Plan | None = None) -> Table:
    """Return the cost of each layer; with `plan`, also the bytes of its constants."""
    total = sum(layer.time_s or 0.0 for layer in result.layers)
    rows = [
        [
            str(x.index), x.op, short_name(x.name), format_count(x.macs),
            "-" if x.instructions is None else format_count(x.instructions),
            "-" if not x.instructions or not x.macs else f"{x.instructions / x.macs:.2f}",
            "-" if x.time_s is None else format_seconds(x.time_s),
            "-" if not x.time_s or not total else f"{x.time_s / total:.1%}",
        ]
        for x in result.layers
    ]  # fmt: skip
    columns = ">#|operator|output|>MACs|>instructions|>per MAC|>time|>share"
    if plan is not None:
        columns += "|>constants"
        for row, layer in zip(rows, plan.layers, strict=True):
            row.append(format_bytes(layer.constant_bytes))
    note = f"instructions: {result.board.counted}; time: {result.latency.kind}"
    return make_table("Layers", columns, rows, (note,))


def validation_tables(record: ValidationRecord) -> Tables:
    """Board against oracle."""
    values = {
        "bit-exact": f"{record.matched} of {record.inputs} inputs",
        "oracle": record.oracle,
    }
    summary = facts("Validation", values)
    miss = record.first_mismatch
    if miss is None:
        return (summary,)
    place = f"layer {miss.layer} ({miss.op}, {short_name(miss.layer_name)}), input {miss.input}"
    note = f"{miss.differing} of {miss.elements} elements differ"
    rows = ((str(i), str(ours), str(theirs)) for i, ours, theirs in miss.examples)
    return (
        summary,
        make_table(f"First mismatch: {place}", ">element|>board|>oracle", rows, (note,)),
    )


def report_tables(data: ReportData) -> Tables:
    """A whole deploy."""
    conversion = conversion_tables(data.conversion) if data.conversion else ()
    return (
        *conversion,
        *(evaluation_tables(data.evaluation) if data.evaluation else ()),
        *validation_tables(data.validation),
        *result_tables(data.result),
        _region_table("Regions", data.image.regions),
    )
