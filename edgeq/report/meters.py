"""Meters and recordings, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeq.core.units import format_amount, format_count, format_quantity, format_seconds
from edgeq.report.table import Tables, facts, make_table

if TYPE_CHECKING:
    from edgeq.device.meters.recording import MeterListing, RecordingSummary


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
    rate = format_quantity(summary.sample_rate_hz, "Hz")
    values = {
        "meter": summary.meter,
        "file": summary.file,
        "duration": f"{format_seconds(summary.duration_s)} {summary.kind}",
        "samples": f"{format_count(summary.samples)} at {rate}",
        "energy": f"{format_amount(summary.energy_j, 'J')} {summary.kind}",
        "charge": f"{format_amount(summary.charge_c, 'C')} {summary.kind}",
        "average power": f"{format_amount(summary.average_w, 'W')} {summary.kind}"
        f" at {summary.voltage_v:.4g} V",
        "average, peak current": f"{format_amount(summary.average_a, 'A')},"
        f" {format_amount(summary.peak_a, 'A')} {summary.kind}",
        "lost samples": f"{format_count(summary.lost_samples)} in {summary.gaps} gaps",
        "clipped samples": format_count(summary.clipped_samples),
        "marks": format_count(summary.marks),
        "fault": summary.fault,
    }
    return (facts("Recording", values, summary.warnings),)
