"""What the commands share that tell energy: options of meter and battery, and a meter lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from edgeq.bench.requests import BatteryPlan, MeterRequest
    from edgeq.core.records import EnergyRecord


def read_battery(
    battery: str | None,
    every: str | None,
    awake: str | None,
    idle: str | None,
    sleep: str | None,
) -> BatteryPlan | None:
    """Return the plan that the battery options describe, None where there is no battery."""
    from edgeq.api import parse_plan
    from edgeq.core.errors import UsageError

    if battery is not None:
        return parse_plan(battery, every, awake=awake, idle=idle, sleep=sleep)
    given = {"--every": every, "--awake": awake, "--idle-current": idle, "--sleep-current": sleep}
    if names := [name for name, value in given.items() if value is not None]:
        raise UsageError(f"{', '.join(names)} without --battery", hint="add --battery 230mAh@3V")
    return None


def read_meter(
    meter: str | None,
    gate: str,
    *,
    windows: int | None = None,
    window_s: float | None = None,
    idle_s: float | None = None,
    keep: Path | None = None,
) -> MeterRequest | None:
    """Return the request that the meter's options describe, None where there is no meter."""
    from edgeq.api import MeterRequest
    from edgeq.core.errors import UsageError

    given = {"windows": windows, "window_s": window_s, "idle_s": idle_s, "keep": keep}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if meter is not None:
        return MeterRequest(meter, gate, **chosen)
    if chosen or gate != "auto":
        raise UsageError(
            "--gate, --windows, --window-seconds, --idle-seconds and --keep-trace need --meter",
            hint="name the meter: --meter ppk2:/dev/ttyACM0,voltage=3.0",
        )
    return None


def leave_incomplete(energy: EnergyRecord | None) -> None:
    """Leave with 5, and where the recording lies, where the meter was lost in mid-run.

    The record is on stdout by then: the error goes to stderr alone.
    """
    from edgeq.cli.console import say
    from edgeq.core.errors import DeviceError

    if energy is None or energy.complete:
        return
    fault = energy.meter.fault if energy.meter else None
    say(f"error: the meter was lost in mid-run ({fault}); {energy.recording} keeps its recording")
    say("hint: plug it in again and measure anew; `edgeq energy` reads what was kept")
    raise typer.Exit(DeviceError.exit_code)
