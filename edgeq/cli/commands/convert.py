"""edgeq convert"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def convert(
    model: opt.Model,
    data: opt.Data,
    out: opt.OutFile = None,
    scheme: Annotated[
        str,
        typer.Option(
            help="int8, int8-per-tensor, int16x8, int4, dynamic, weight-only, float16 or float32."
        ),
    ] = "int8",
    per_layer: Annotated[
        list[str] | None,
        typer.Option(help="Another scheme for some layers: 'REGEX=SCHEME'; may be repeated."),
    ] = None,
    backend: Annotated[
        opt.Backend,
        typer.Option(help="edgeq, tflite (TFLiteConverter) or aeq (ai-edge-quantizer)."),
    ] = opt.DEFAULT_BACKEND,
    input_type: Annotated[
        opt.PortType | None, typer.Option(help="Type of the inputs [default: the scheme's].")
    ] = None,
    output_type: Annotated[
        opt.PortType | None, typer.Option(help="Type of the outputs [default: the scheme's].")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Representative samples at most.")] = 500,
    timeout: Annotated[
        float | None,
        typer.Option(min=1, help="Seconds for the converter [default: 600, or as it trains]."),
    ] = None,
    memory: Annotated[float, typer.Option(min=0.5, help="GiB for the converter.")] = 12,
    recipe: opt.RecipeName = None,
    seed: opt.RecipeSeed = None,
    data_root: opt.DataRoot = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Quantise a model to a .tflite: full-integer int8, or another scheme.

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
            scheme=scheme,
            per_layer=per_layer or (),
            input_dtype=input_type.value if input_type else None,
            output_dtype=output_type.value if output_type else None,
            samples=samples,
            timeout_s=timeout,
            memory_bytes=int(memory * (1 << 30)),
            data_root=data_root,
            recipe=recipe,
            seed=seed,
            on_progress=progress,
        )
    finally:
        progress.close()
    show(record, lambda: conversion_tables(record), form)
    say(f"wrote {path}")
