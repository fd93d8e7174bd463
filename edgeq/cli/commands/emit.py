"""edgeq emit"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def emit(
    model: opt.Int8Model,
    out: opt.OutFolder,
    name: opt.Name = None,
    board: Annotated[
        str | None,
        typer.Option("--board", "-b", help="Compile for this board's Ethos-U; tell its arena."),
    ] = None,
    tflm_version: Annotated[
        str | None,
        typer.Option(
            help="The runtime: a day, a commit or a package (zephyr@20240627) [default: latest]."
        ),
    ] = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Write the C array, header and op resolver for TFLite Micro; tell the arena.

    Exit code 1 where the given version computes other values without a word.
    """
    from edgeq import api
    from edgeq.cli.console import say, show
    from edgeq.report.emission import emission_tables

    record = api.emit(model, out=out, name=name, board=board, version=tflm_version)
    for file in record.files:
        say(f"wrote {out / file}")
    show(record, lambda: emission_tables(record), form)
    for problem in record.problems:
        say(f"{problem.effect}: {problem}")
    if record.wrong:
        say("hint: use a later version of TensorFlow Lite Micro, or quantise per tensor")
        raise typer.Exit(1)
