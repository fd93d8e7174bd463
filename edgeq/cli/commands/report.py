"""edgeq report"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.cli import options as opt


def report(
    folder: Annotated[Path, typer.Argument(help="The folder of a deploy, or its report.json.")],
    out: opt.OutFile = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Show the report of a deploy again; write its HTML page."""
    from edgeq import api
    from edgeq.cli.console import say, show
    from edgeq.report.tables import report_tables

    data, page = api.report(folder, out=out)
    show(data, lambda: report_tables(data), form)
    say(f"wrote {page}")
