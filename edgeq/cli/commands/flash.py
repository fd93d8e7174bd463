"""edgeq flash"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def flash(
    model: opt.Int8Model,
    board: opt.Board,
    port: opt.Port = None,
    toolchain: opt.Toolchain = None,
    dry_run: Annotated[bool, typer.Option(help="Print the exact command, do nothing.")] = False,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Build the firmware and write it to the board."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.tables import flash_tables

    record = api.flash(model, board=board, port=port, toolchain=toolchain, dry_run=dry_run)
    show(record, lambda: flash_tables(record), form)
