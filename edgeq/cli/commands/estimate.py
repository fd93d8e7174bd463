"""edgeq estimate"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.cli import options as opt

AnyModel = Annotated[
    Path,
    typer.Argument(help="A .tflite, .keras or .h5 model, or a SavedModel.", show_default=False),
]
OptionalBoard = Annotated[
    str | None, typer.Option("--board", "-b", help="A board id or file [default: every board].")
]
AllBoards = Annotated[bool, typer.Option("--all-boards", help="Every board, in one table.")]


def estimate(
    model: AnyModel,
    board: OptionalBoard = None,
    all_boards: AllBoards = False,
    optimize: opt.Optimize = opt.GoalName.balanced,
    no_pass: opt.NoPass = None,
    battery: opt.Battery = None,
    every: opt.Every = None,
    awake: opt.Awake = None,
    idle_current: opt.IdleCurrent = None,
    sleep_current: opt.SleepCurrent = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Would it fit, how fast would it be, on how much energy? No build, no board.

    Estimates inform: what does not fit, or is not supported, is said and leaves with 0 as well;
    `edgeq fit` is the gate. A float model is quantised with noise: its weights stay as they are,
    trained or not, and accuracy is not considered.
    """
    from edgeq import api
    from edgeq.cli.console import Progress, show
    from edgeq.cli.energy import read_battery
    from edgeq.core.errors import UsageError
    from edgeq.report.estimates import estimate_tables

    if board and all_boards:
        raise UsageError("--board and --all-boards contradict each other", hint="give one")
    plan = read_battery(battery, every, awake, idle_current, sleep_current)
    progress = Progress()
    try:
        records = api.estimate(
            model,
            board=board,
            battery=plan,
            on_progress=progress,
            options=opt.compile_options(optimize, no_pass),
        )
    finally:
        progress.close()
    show(records, lambda: estimate_tables(records), form)
