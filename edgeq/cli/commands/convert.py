"""edgeq convert"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def convert(
    model: opt.Model,
    data: opt.Data,
    out: opt.OutFile = None,
    backend: Annotated[
        opt.Backend, typer.Option(help="tflite (TFLiteConverter) or aeq (ai-edge-quantizer).")
    ] = opt.Backend.tflite,
    input_type: Annotated[opt.PortType, typer.Option(help="Type of the inputs.")] = (
        opt.PortType.int8
    ),
    output_type: Annotated[opt.PortType, typer.Option(help="Type of the outputs.")] = (
        opt.PortType.int8
    ),
    samples: Annotated[int, typer.Option(min=1, help="Representative samples at most.")] = 500,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for the converter.")] = 600,
    memory: Annotated[float, typer.Option(min=0.5, help="GiB for the converter.")] = 12,
    data_root: opt.DataRoot = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Quantise a model to a full-integer int8 .tflite.

    Takes .keras, .h5 (Keras 3 and 2), a SavedModel folder or a float .tflite.
    """
    from edgeq import api
    from edgeq.cli.console import Progress, say, show
    from edgeq.report.tables import conversion_tables

    progress = Progress()
    try:
        path, record = api.convert(
            model,
            data=data,
            out=out,
            backend=backend.value,
            input_dtype=input_type.value,
            output_dtype=output_type.value,
            samples=samples,
            timeout_s=timeout,
            memory_bytes=int(memory * (1 << 30)),
            data_root=data_root,
            on_progress=progress,
        )
    finally:
        progress.close()
    show(record, lambda: conversion_tables(record), form)
    say(f"wrote {path}")
