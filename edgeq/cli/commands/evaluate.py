"""edgeq evaluate"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.cli import options as opt


def evaluate(
    model: opt.Int8Model,
    data: opt.Data,
    reference: Annotated[
        Path | None, typer.Option(help="The float model to compare with (.keras, .h5, .tflite).")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Evaluate at most this many.")] = None,
    data_root: opt.DataRoot = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Accuracy on the evaluation split, float against int8."""
    from edgeq import api
    from edgeq.cli.console import Progress, show
    from edgeq.report.accuracy import evaluation_tables

    progress = Progress()
    try:
        record = api.evaluate(
            model,
            data=data,
            reference=reference,
            limit=limit,
            data_root=data_root,
            on_progress=progress,
        )
    finally:
        progress.close()
    show(record, lambda: evaluation_tables(record), form)
