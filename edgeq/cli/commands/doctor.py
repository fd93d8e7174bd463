"""edgeq doctor"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def doctor(
    board: Annotated[
        str | None, typer.Option("--board", "-b", help="Only what this board needs.")
    ] = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """What is installed, what is missing, how to get it."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import doctor_tables

    rows = api.doctor(board)
    show(rows, lambda: doctor_tables(rows), form)
    if any(row.required and row.found is None for row in rows):
        raise typer.Exit(4)
