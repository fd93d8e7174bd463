"""edgeq deploy"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.cli import options as opt


def deploy(
    model: opt.Model,
    data: opt.Data,
    board: opt.Board,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="[default: runs/MODEL-BOARD]")] = (
        None
    ),
    backend: Annotated[opt.Backend, typer.Option(help="The converter.")] = opt.DEFAULT_BACKEND,
    recipe: opt.RecipeName = None,
    seed: opt.RecipeSeed = None,
    samples: Annotated[int, typer.Option(min=1, help="Evaluation inputs to validate.")] = 100,
    port: opt.Port = None,
    toolchain: opt.Toolchain = None,
    optimize: opt.Optimize = opt.GoalName.balanced,
    no_pass: opt.NoPass = None,
    data_root: opt.DataRoot = None,
    meter: opt.Meter = None,
    gate: opt.Gate = "auto",
    battery: opt.Battery = None,
    every: opt.Every = None,
    awake: opt.Awake = None,
    idle_current: opt.IdleCurrent = None,
    sleep_current: opt.SleepCurrent = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """All of it: from a model to a measured, proved firmware.

    Converts, evaluates, fits, compiles, builds, flashes, validates, benches and reports.
    """
    from edgeq import api
    from edgeq.cli.deployment import run_deploy
    from edgeq.cli.energy import read_battery, read_meter

    run_deploy(
        api.DeployRequest(
            model=model,
            data=data,
            board=board,
            out=out,
            backend=backend.value,
            recipe=recipe,
            seed=seed,
            samples=samples,
            port=port,
            toolchain=toolchain,
            data_root=data_root,
            meter=read_meter(meter, gate),
            options=opt.compile_options(optimize, no_pass),
            battery=read_battery(battery, every, awake, idle_current, sleep_current),
        ),
        form,
    )
