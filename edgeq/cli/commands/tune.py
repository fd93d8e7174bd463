"""edgeq tune"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from edgeq.cli import options as opt


def tune(
    model: Annotated[
        Path, typer.Argument(help="A .keras, .h5 or float .tflite.", show_default=False)
    ],
    data: opt.Data,
    board: opt.Board,
    max_drop: Annotated[
        float, typer.Option(min=0, max=100, help="Points of accuracy lost at most.")
    ] = 1.0,
    flash: opt.FlashBudget = None,
    ram: opt.RamBudget = None,
    latency: Annotated[
        str | None, typer.Option(help="Of an inference at most, e.g. 20ms [default: any].")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, max=10_000, help="Trials at most.")] = 24,
    minutes: Annotated[float, typer.Option(min=0.1, help="No trial starts later.")] = 10.0,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, max=64, help="Trials at once [default: processors]."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The folder [default: runs/tune-MODEL-BOARD]."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Keep finished trials, or start anew.")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the search and of all training.")] = 0,
    optimize: opt.Optimize = opt.GoalName.balanced,
    toolchain: opt.Toolchain = None,
    data_root: opt.DataRoot = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Find the cheapest model that meets the limits: types, calibration, bits, compression.

    Exit code 1 where none meets them; what comes closest is said. The same command resumes.
    """
    from edgeq import api
    from edgeq.cli.console import Progress, say, show
    from edgeq.core.units import parse_bytes, parse_quantity
    from edgeq.tuning.page import trial_table, tune_tables, verdict

    limits = api.TuneLimits(
        max_drop=max_drop,
        flash_bytes=None if flash is None else parse_bytes(flash, what="--flash"),
        ram_bytes=None if ram is None else parse_bytes(ram, what="--ram"),
        latency_s=None if latency is None else parse_quantity(latency, "s", what="--latency"),
    )
    request = api.TuneRequest(
        model=model,
        data=data,
        board=board,
        limits=limits,
        trials=trials,
        minutes=minutes,
        jobs=jobs,
        out=out,
        fresh=not resume,
        seed=seed,
        toolchain=toolchain,
        data_root=data_root,
        options=opt.compile_options(optimize, None),
    )
    progress, began = Progress(), time.monotonic()
    try:
        choice = api.tune(request, on_progress=progress)
    except KeyboardInterrupt:
        progress.close()
        say("interrupted: finished trials are kept, the same command goes on")
        raise
    finally:
        progress.close()
    record = choice.record
    plain = form is opt.Format.csv
    show(record, lambda: (trial_table(record),) if plain else tune_tables(record), form)
    if len(record.trials) < trials and time.monotonic() - began > 60 * minutes:
        say(f"{len(record.trials)} of {trials} trials in {minutes:g} minutes: the same goes on")
    say(verdict(record))
    say(f"page: {choice.page}" + (f", model: {choice.model}" if choice.model else ""))
    if choice.model is None:
        raise typer.Exit(1)
