"""edgeq compile"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def compile_(
    model: opt.Int8Model,
    out: opt.OutFolder,
    board: Annotated[
        str | None, typer.Option("--board", "-b", help="Choose kernels for this board's core.")
    ] = None,
    name: opt.Name = None,
    optimize: opt.Optimize = opt.GoalName.balanced,
    no_pass: opt.NoPass = None,
    ram: opt.RamBudget = None,
    flash: opt.FlashBudget = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Compile an int8 .tflite to standalone C99.

    Leaves NAME.c, NAME.h, the kernels it uses, CMakeLists.txt and NAME.json.
    """
    from edgeq import api
    from edgeq.cli.console import say, show
    from edgeq.report.tables import plan_tables

    compiled = api.compile_model(
        model,
        out=out,
        board=board,
        name=name,
        options=opt.compile_options(optimize, no_pass, ram, flash),
    )
    show(compiled.plan, lambda: plan_tables(compiled.plan), form)
    say(f"wrote {len(compiled.files)} files to {out}")
