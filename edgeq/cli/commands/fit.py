"""edgeq fit"""

from __future__ import annotations

import typer

from edgeq.cli import options as opt


def fit(
    model: opt.Int8Model,
    board: opt.Board,
    optimize: opt.Optimize = opt.GoalName.balanced,
    no_pass: opt.NoPass = None,
    ram: opt.RamBudget = None,
    flash: opt.FlashBudget = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Does the model fit the board? Exit code 1 if not.

    Names the region that is short, by how much, and the largest tensors at the peak.
    """
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.tables import fit_tables

    record = api.fit(model, board=board, options=opt.compile_options(optimize, no_pass, ram, flash))
    show(record, lambda: fit_tables(record), form)
    if not record.fits:
        raise typer.Exit(1)
