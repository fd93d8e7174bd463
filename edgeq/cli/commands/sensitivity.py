"""edgeq sensitivity"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def sensitivity(
    model: opt.Model,
    data: opt.Data,
    scheme: Annotated[str, typer.Option(help="The narrow types, of one layer at a time.")] = "int4",
    base: Annotated[
        str | None, typer.Option(help="The types of the rest [default: int8; int16x8 for int8].")
    ] = None,
    metric: Annotated[opt.SortKey, typer.Option(help="What sorts the layers.")] = opt.SortKey.sqnr,
    samples: Annotated[int, typer.Option(min=2, help="Samples at most that judge.")] = 256,
    kernels: Annotated[opt.Kernels, typer.Option(help="LiteRT's kernels that compute.")] = (
        opt.Kernels.optimized
    ),
    data_root: opt.DataRoot = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Which layers a narrower type hurts: SQNR and accuracy with each layer lowered, or spared.

    Layers are judged on the train split (else the representative one), never on the evaluation
    split.
    """
    from edgeq import api
    from edgeq.cli.console import Progress, show
    from edgeq.report.sensitivity import sensitivity_tables

    progress = Progress()
    try:
        record = api.sensitivity(
            model,
            data=data,
            scheme=scheme,
            base=base,
            sort=metric.value,
            samples=samples,
            kernels=kernels.value,
            data_root=data_root,
            on_progress=progress,
        )
    finally:
        progress.close()
    show(record, lambda: sensitivity_tables(record), form)
