"""edgeq demo"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.cli import options as opt


def demo(
    board: opt.Board = "virt-m4",
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write to.")] = Path(
        "demo"
    ),
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Train a small CNN on digits and deploy it to a virtual board."""
    from edgeq import api
    from edgeq.cli.console import Progress, say
    from edgeq.cli.deployment import run_deploy

    say("training a small separable CNN on digits (under a minute)")
    progress = Progress()
    try:
        model = api.train_demo(out, on_progress=progress)
    finally:
        progress.close()
    run_deploy(api.DeployRequest(model=model, data="digits", board=board, out=out), form)
