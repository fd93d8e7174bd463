"""edgeq validate"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def validate(
    model: opt.Int8Model,
    board: opt.Board,
    data: opt.OptionalData = None,
    samples: Annotated[int, typer.Option(min=0, help="Inputs from the dataset.")] = 100,
    seeds: Annotated[int, typer.Option(min=0, help="Inputs lcg:1 to lcg:N.")] = 8,
    port: opt.Port = None,
    toolchain: opt.Toolchain = None,
    optimize: opt.Optimize = opt.GoalName.balanced,
    no_pass: opt.NoPass = None,
    oracle: opt.Oracle = opt.OracleName.edgeq,
    data_root: opt.DataRoot = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Prove that the board computes the same bytes.

    Names the first diverging layer; exit code 1 if there is one.
    """
    from edgeq import api
    from edgeq.cli.console import Progress, show
    from edgeq.report.tables import validation_tables

    progress = Progress()
    try:
        record = api.validate(
            model,
            board=board,
            data=data,
            samples=samples,
            seeds=seeds,
            port=port,
            toolchain=toolchain,
            oracle=oracle.value,
            data_root=data_root,
            on_progress=progress,
            options=opt.compile_options(optimize, no_pass),
        )
    finally:
        progress.close()
    show(record, lambda: validation_tables(record), form)
    if record.matched < record.inputs:
        raise typer.Exit(1)
