"""What deploy and demo print: the stages as they pass, the verdict, and where the report lies."""

from __future__ import annotations

import typer

from edgeq.api import DeployRequest
from edgeq.cli.options import Format


def run_deploy(request: DeployRequest, form: Format) -> None:
    """Deploy, print the summary, and exit with 1 where a gate failed."""
    from edgeq import api
    from edgeq.cli.console import Progress, say, show
    from edgeq.cli.energy import leave_incomplete
    from edgeq.report.tables import report_tables

    progress = Progress()
    try:
        done = api.deploy(request, on_progress=progress)
    finally:
        progress.close()
    say(f"report: {done.page}")
    show(done.report, lambda: report_tables(done.report), form)
    if not done.passed:
        raise typer.Exit(1)
    leave_incomplete(done.report.result.energy)
