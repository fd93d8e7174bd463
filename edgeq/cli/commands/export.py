"""edgeq export"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def export(
    model: opt.Int8Model,
    kind: Annotated[
        opt.ExportKind, typer.Option("--as", help="The build system that takes the library.")
    ],
    out: opt.OutFolder,
    engine: Annotated[
        opt.EngineName, typer.Option(help="edgeq's C, or TensorFlow Lite Micro.")
    ] = opt.EngineName.aot,
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
    """Write the model as a library for a build system, with an example and nothing to edit."""
    from edgeq import api
    from edgeq.cli.console import say, show
    from edgeq.report.listings import export_tables

    record = api.export(
        model,
        kind=kind.value,
        out=out,
        engine="tflm" if engine is opt.EngineName.tflm else "aot",
        board=board,
        name=name,
        options=opt.compile_options(optimize, no_pass, ram, flash),
    )
    show(record, lambda: export_tables(record), form)
    say(f"wrote {len(record.files)} files to {out}")
