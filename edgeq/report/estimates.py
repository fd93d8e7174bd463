"""Estimates as a table: every board in a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeq.core.records import RegionUse
from edgeq.core.units import (
    format_bytes,
    format_count,
    format_duration,
    format_quantity,
    format_seconds,
)
from edgeq.report.table import Tables, make_table

if TYPE_CHECKING:
    from edgeq.bench.estimation import EstimateRecord

COLUMNS = (
    "board|core|>clock|fits|>flash|>flash size|>RAM|>RAM size|>instructions|>low|>typical|>high"
)
ENERGY, BATTERY = "|>energy", "|>battery"
UNKNOWN = "-"


def estimate_tables(records: Sequence[EstimateRecord]) -> Tables:
    """What a model would take on each board; notes that boards share stand once."""
    name = records[0].model_name if records else "no board"
    energy = any(record.energy for record in records)
    battery = any(record.battery for record in records)
    columns = COLUMNS + ENERGY * energy + BATTERY * battery
    rows = (
        (*_row(record), *(_joules(record),) * energy, *(_life(record),) * battery)
        for record in records
    )
    return (make_table(f"{name} (estimated)", columns, rows, _notes(records)),)


def _row(record: EstimateRecord) -> tuple[str, ...]:
    seconds = record.latency
    times = (seconds.low_s, seconds.typical_s, seconds.high_s) if seconds else ()
    return (
        record.board_id,
        record.core,
        f"{record.clock_hz / 1e6:g} MHz",
        "yes" if record.fits else "no",
        *_sizes(record.flash),
        *_sizes(record.ram),
        UNKNOWN if record.instructions is None else format_count(record.instructions),
        *([format_seconds(s) for s in times] or [UNKNOWN] * 3),
    )


def _joules(record: EstimateRecord) -> str:
    return format_quantity(record.energy.typical_j, "J") if record.energy else UNKNOWN


def _life(record: EstimateRecord) -> str:
    return format_duration(record.battery.life_s) if record.battery else UNKNOWN


def _sizes(use: RegionUse | None) -> tuple[str, str]:
    return (format_bytes(use.used), format_bytes(use.size)) if use else (UNKNOWN, UNKNOWN)


def _notes(records: Sequence[EstimateRecord]) -> tuple[str, ...]:
    found: dict[str, list[str]] = {}
    for record in records:
        basis = (f"latency from {record.latency.source}",) if record.latency else ()
        power = (f"energy from the {record.energy.source}",) if record.energy else ()
        for note in (*record.problems, *record.notes, *basis, *power):
            found.setdefault(note, []).append(record.board_id)
    return tuple(_note(note, boards, len(records)) for note, boards in found.items())


def _note(note: str, boards: Sequence[str], count: int) -> str:
    return note if len(boards) == count else f"{', '.join(boards)}: {note}"
