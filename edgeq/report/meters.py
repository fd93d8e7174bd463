"""Meters and recordings, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeq.core.units import format_count, format_seconds
from edgeq.report.table import Tables, facts, make_table

if TYPE_CHECKING:
    from edgeq.device.meters.recording import MeterListing, RecordingSummary

UNITS = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))


def meters_tables(meters: Sequence[MeterListing]) -> Tables:
    """Every meter in a line."""
    rows = (
        (m.name, m.title, m.sample_rate, " ".join(m.gates) or "-",
         "-" if m.needs is None else f"{m.needs} {m.installed or 'missing'}",
         ", ".join(m.connected) or "-", m.example)
        for m in meters
    )  # fmt: skip
    columns = "name|meter|sample rate|gates|needs|plugged in|spec"
    notes = ("UART markers gate with every meter; range and options of each: docs/meters.md",)
    return (make_table("Power meters", columns, rows, notes),)


def recording_tables(summary: RecordingSummary) -> Tables:
    """One recording."""
    values = {
        "meter": summary.meter,
        "file": summary.file,
        "duration": f"{format_seconds(summary.duration_s)} {summary.kind}",
        "samples": f"{format_count(summary.samples)} at {summary.sample_rate_hz:g} Hz",
        "energy": f"{format_si(summary.energy_j, 'J')} {summary.kind}",
        "charge": f"{format_si(summary.charge_c, 'C')} {summary.kind}",
        "average power": f"{format_si(summary.average_w, 'W')} {summary.kind}"
        f" at {summary.voltage_v:.4g} V",
        "average, peak current": f"{format_si(summary.average_a, 'A')},"
        f" {format_si(summary.peak_a, 'A')} {summary.kind}",
        "lost samples": f"{format_count(summary.lost_samples)} in {summary.gaps} gaps",
        "clipped samples": format_count(summary.clipped_samples),
        "marks": format_count(summary.marks),
        "fault": summary.fault,
    }
    return (facts("Recording", values, summary.warnings),)


def format_si(value: float, unit: str) -> str:
    """Return e.g. '1.23 mJ', '456 uW', '0 A'."""
    for scale, prefix in UNITS:
        if abs(value) >= scale:
            return f"{value / scale:.4g} {prefix}{unit}"
    return f"{value / 1e-12:.4g} p{unit}" if value else f"0 {unit}"
