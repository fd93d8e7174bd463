"""Results of Linux boards as tables."""

from __future__ import annotations

from edgeq.core.records import (
    ComparisonRecord,
    HostRecord,
    HostState,
    LayerRecord,
    MemoryRecord,
    Result,
)
from edgeq.core.units import format_bytes, format_count, format_seconds, short_name
from edgeq.report.energy import energy_tables, energy_text
from edgeq.report.latency import latency_text, spread_text
from edgeq.report.table import Table, Tables, facts, make_table

YES = {True: "yes", False: "no", None: "-"}


def linux_tables(result: Result) -> Tables:
    """A benchmark on a Linux board: the summary, the threads, and the cost of each operator."""
    assert result.host is not None
    parts = [_summary(result, result.host)]
    parts += energy_tables(result.energy) if result.energy else ()
    if len(result.host.scaling) > 1:
        parts.append(_scaling_table((result,)))
    if result.layers:
        parts.append(_operator_table(result))
    return tuple(parts)


def _summary(result: Result, host: HostRecord) -> Table:
    output = result.output
    exact = {True: "equal to", False: "differs from", None: "not compared"}[output.bit_exact]
    values = {
        "model": f"{result.model.name} ({format_count(result.model.macs)} MACs, "
        f"{format_bytes(result.model.bytes)})",
        "board": f"{result.board.id}: {host.machine}, {host.cpus} x {host.cpu}",
        "system": f"{host.kernel}, Python {host.python}",
        "runtime": f"{host.runtime} {host.runtime_version}, {_kernels(host)}, "
        f"threads {host.threads}",
        "output": f"{output.crc32} (CRC-32), {exact} {output.oracle or ''}".rstrip(),
        "latency": latency_text(result.latency),
        "median, 95 % sure": spread_text(result.latency),
        "cold start": f"{format_seconds(host.cold_start_s)} from an empty process; loading "
        f"{format_seconds(host.load_s)}, first inference "
        f"{format_seconds(host.first_inference_s)} (measured)",
        "RAM": _memory_text(result.memory),
        "before": _state(host.before),
        "after": _state(host.after),
        "energy": energy_text(result.energy) if result.energy else None,
        "valid": "yes" if host.valid else "NO",
    }
    return facts("Benchmark", values, result.warnings)


def _memory_text(memory: MemoryRecord) -> str | None:
    """Return how much the process grew by the model, and its peak; None where nothing tells."""
    if memory.peak_rss_bytes is None:
        return None
    grown, peak = format_bytes(memory.ram_bytes), format_bytes(memory.peak_rss_bytes)
    return f"{grown} by the model, {peak} peak of the process (measured)"


def _kernels(host: HostRecord) -> str:
    if not host.xnnpack:
        return "built-in kernels"
    if host.delegated is None:
        return "XNNPACK"
    return f"XNNPACK runs {host.delegated} of {host.operators} operators"


def _state(state: HostState) -> str | None:
    parts = [
        state.governor,
        None if state.frequency_hz is None else f"{state.frequency_hz / 1e6:g} MHz",
        None if state.temperature_c is None else f"{state.temperature_c:.1f} C",
        None if state.throttled is None else ", ".join(state.throttled) or "not throttled",
    ]
    return ", ".join(part for part in parts if part) or None


def _scaling_table(results: tuple[Result, ...]) -> Table:
    rows = (
        (result.model.name, str(row.threads), format_seconds(row.median_s),
         format_seconds(row.p95_s), f"{result.host.scaling[0].median_s / row.median_s:.2f}")
        for result in results if result.host
        for row in result.host.scaling
    )  # fmt: skip
    return make_table("Threads (measured)", "model|>threads|>median|>p95|>times as fast", rows)


def _operator_table(result: Result) -> Table:
    total = sum(layer.time_s or 0.0 for layer in result.layers)
    rows = (_operator_row(layer, total) for layer in result.layers)
    columns = ">#|operator|output|>MACs|>bytes moved|XNNPACK|>time|>share"
    note = "times: differences between ever longer parts of the model, measured"
    return make_table("Operators", columns, rows, (note,) if total else ())


def _operator_row(layer: LayerRecord, total: float) -> tuple[str, ...]:
    return (
        str(layer.index), layer.op, short_name(layer.name), format_count(layer.macs),
        format_count(layer.traffic_bytes or 0), YES[layer.delegated],
        "-" if layer.time_s is None else format_seconds(layer.time_s),
        "-" if layer.time_s is None or not total else f"{layer.time_s / total:.1%}",
    )  # fmt: skip


def comparison_tables(record: ComparisonRecord) -> Tables:
    """Two models side by side, what explains the difference, and the cost by operator type."""
    results = (record.first, record.second)
    summary = (
        (r.model.name, format_seconds(r.latency.median_s), format_seconds(r.latency.p95_s),
         format_bytes(r.model.bytes), _memory_text(r.memory) or "-",
         _kernels(r.host) if r.host else "-", "yes" if r.passed else "NO")
        for r in results
    )  # fmt: skip
    columns = "model|>median|>p95|>file|RAM|kernels|valid"
    warnings = [f"{r.model.name}: {text}" for r in results for text in r.warnings]
    findings = ((str(i), text) for i, text in enumerate(record.findings, start=1))
    groups = (
        (g.model, g.op, str(g.operators), "-" if g.delegated is None else str(g.delegated),
         format_count(g.macs), format_bytes(g.traffic_bytes),
         "-" if g.time_s is None else format_seconds(g.time_s))
        for g in record.groups
    )  # fmt: skip
    heads = "model|operator|>count|>by XNNPACK|>MACs|>bytes moved|>time"
    return (
        make_table(f"Comparison on {record.first.board.id} ({record.kind})", columns, summary,
                   warnings),
        make_table("What explains it", ">#|finding", findings),
        _scaling_table(results),
        make_table("Operator types", heads, groups),
    )  # fmt: skip
