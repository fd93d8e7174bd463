"""edgeq flash"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.cli import options as opt


def flash(
    board: opt.Board,
    model: Annotated[
        Path | None, typer.Argument(help="An int8 .tflite model.", show_default=False)
    ] = None,
    app: Annotated[
        Path | None, typer.Option(help="A folder that the board's SDK built, instead of a model.")
    ] = None,
    port: opt.Port = None,
    toolchain: opt.Toolchain = None,
    optimize: opt.Optimize = opt.GoalName.balanced,
    no_pass: opt.NoPass = None,
    protocol: opt.Protocol = opt.ProtocolName.edgeq,
    mode: opt.Mode = opt.ModeName.performance,
    mlperf_model: opt.MlperfModel = None,
    mlperf_vendor: opt.MlperfVendor = "edgeq",
    dry_run: Annotated[bool, typer.Option(help="Print the exact command, do nothing.")] = False,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Build the firmware and write it to the board, or write what the board's SDK built."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.core.errors import UsageError
    from edgeq.report.tables import flash_tables

    if (model is None) == (app is None):
        raise UsageError(
            "flash takes a model or a built folder", hint="edgeq flash MODEL, or --app FOLDER"
        )
    if app is not None:
        record = api.flash_app(app, board=board, port=port, dry_run=dry_run)
    else:
        assert model is not None
        spoken = api.ProtocolRecord(
            name=protocol.value, mode=mode.value, model=mlperf_model, vendor=mlperf_vendor
        )
        record = api.flash(
            model,
            board=board,
            port=port,
            toolchain=toolchain,
            dry_run=dry_run,
            protocol=spoken,
            options=opt.compile_options(optimize, no_pass),
        )
    show(record, lambda: flash_tables(record), form)
