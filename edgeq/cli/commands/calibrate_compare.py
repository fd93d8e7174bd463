"""edgeq calibrate-compare"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def calibrate_compare(
    model: opt.Model,
    data: opt.Data,
    samples: Annotated[int, typer.Option(min=1, help="Representative samples at most.")] = 500,
    limit: Annotated[int | None, typer.Option(min=1, help="Evaluate at most this many.")] = None,
    scheme: Annotated[str, typer.Option(help="int8, int8-per-tensor, int16x8 or int4.")] = "int8",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for the child.")] = 3600,
    memory: Annotated[float, typer.Option(min=0.5, help="GiB for the child.")] = 12,
    data_root: opt.DataRoot = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Accuracy and SQNR of every calibrator on one dataset, and what its samples lack.

    Takes .keras, .h5 (Keras 3 and 2), a SavedModel folder or a float .tflite.
    """
    from edgeq import api
    from edgeq.cli.console import Progress, show
    from edgeq.report.calibration import calibration_tables

    progress = Progress()
    try:
        record = api.compare_calibrators(
            model,
            data=data,
            samples=samples,
            limit=limit,
            scheme=scheme,
            timeout_s=timeout,
            memory_bytes=int(memory * (1 << 30)),
            data_root=data_root,
            on_progress=progress,
        )
    finally:
        progress.close()
    show(record, lambda: calibration_tables(record), form)
