"""edgeq sweep"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeq.cli import options as opt

if TYPE_CHECKING:
    from edgeq.sweep.sweeping import SweepReport


def sweep(
    manifest: Annotated[Path, typer.Argument(help="The TOML of the sweep.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder [default: runs/sweep-NAME].")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, max=1024, help="At once [default: processors]."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Keep what is finished, or start anew.")
    ] = True,
    retry_failed: Annotated[bool, typer.Option(help="Do again what failed before.")] = False,
    scheduler: Annotated[
        str | None, typer.Option(help="Of a Dask cluster, tcp://HOST:PORT.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Show the cells only.")] = False,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Estimate, fit, bench or validate models x schemes x boards x options.

    Exit code 1 where a cell failed or was not bit-exact.
    """
    from edgeq import api
    from edgeq.cli.console import Progress, say, show
    from edgeq.sweep.table import csv_tables, preview_tables, sweep_tables

    if dry_run:
        plan = api.preview_sweep(manifest, out=out, fresh=not resume, retry_failed=retry_failed)
        show(plan, lambda: preview_tables(plan), form)
        return
    progress = Progress()
    try:
        done = api.sweep(
            manifest,
            out=out,
            jobs=jobs,
            fresh=not resume,
            retry_failed=retry_failed,
            scheduler=scheduler,
            on_progress=progress,
        )
    except KeyboardInterrupt:
        progress.close()
        say("interrupted: what is finished is kept, the same command goes on")
        raise
    finally:
        progress.close()
    _tell(done)
    tables = csv_tables if form is opt.Format.csv else sweep_tables
    show(done.record, lambda: tables(done.record), form)
    if not done.passed:
        raise typer.Exit(1)


def _tell(done: SweepReport) -> None:
    from edgeq.cli.console import say

    work = ", ".join(f"{n} {kind}" for kind, n in sorted(done.tally.started.items()))
    say(f"kept {done.tally.kept} cells; ran: {work or 'nothing'}")
    say(f"page: {done.page}")
