"""Energy from a recording that was kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.bench.requests import BatteryPlan as BatteryPlan
from edgeq.bench.requests import MeterRequest as MeterRequest
from edgeq.bench.requests import parse_plan as parse_plan

if TYPE_CHECKING:
    from edgeq.core.records import EnergyRecord


def energy(
    recording: Path,
    *,
    gate: str = "auto",
    inferences: int | None = None,
    windows: int | None = None,
    battery: BatteryPlan | None = None,
    board: str | None = None,
) -> EnergyRecord:
    """Return the energy of a recording, as a benchmark with its meter gives it.

    Args:
        inferences: in each window; None where the recording's markers say it.
        windows: how many there should be; None takes what is there.
        board: whose profile gives the currents that the battery's life needs beside.
    """
    from msgspec.structs import replace

    from edgeq.api.catalog import find_board
    from edgeq.bench.budget import add_battery
    from edgeq.bench.energy import measure_energy
    from edgeq.device.meters.replay import read_trace

    trace = read_trace(recording)
    record = measure_energy(trace, gate, inferences=inferences, windows=windows)
    record = replace(record, recording=str(recording))
    if battery is None:
        return record
    return add_battery(record, find_board(board) if board else None, battery)
