"""edgeq energy"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.cli import options as opt


def energy(
    recording: Annotated[
        Path,
        typer.Argument(help="A recording of a meter: .npz of edgeq, or .csv.", show_default=False),
    ],
    gate: opt.Gate = "auto",
    inferences: Annotated[
        int | None, typer.Option(min=1, help="In each window [default: as the markers say].")
    ] = None,
    windows: Annotated[
        int | None, typer.Option(min=1, help="How many there should be [default: any].")
    ] = None,
    battery: opt.Battery = None,
    every: opt.Every = None,
    awake: opt.Awake = None,
    idle_current: opt.IdleCurrent = None,
    sleep_current: opt.SleepCurrent = None,
    board: Annotated[
        str | None, typer.Option("--board", "-b", help="Its profile gives currents for --battery.")
    ] = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Energy of a recording that was kept, analysed again: no board, no meter."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.cli.energy import read_battery
    from edgeq.report.energy import energy_tables

    plan = read_battery(battery, every, awake, idle_current, sleep_current)
    record = api.energy(
        recording, gate=gate, inferences=inferences, windows=windows, battery=plan, board=board
    )
    show(record, lambda: energy_tables(record), form)
