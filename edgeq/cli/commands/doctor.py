"""edgeq doctor"""

from __future__ import annotations

import typer

from edgeq.cli import options as opt


def doctor(form: opt.OutputFormat = opt.Format.text) -> None:
    """What is installed, what is missing, how to get it."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import doctor_tables

    rows = api.doctor()
    show(rows, lambda: doctor_tables(rows), form)
    if any(row.required and row.found is None for row in rows):
        raise typer.Exit(4)
