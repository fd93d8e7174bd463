"""edgeq bench"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt


def bench(
    model: opt.Int8Model,
    board: opt.Board,
    input_: Annotated[str, typer.Option("--input", help="lcg:SEED, the byte generator.")] = "lcg:1",
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="Measured inferences.")] = 10,
    warmup: Annotated[int, typer.Option(min=0, max=10_000, help="Inferences before.")] = 1,
    layers: Annotated[
        bool | None,
        typer.Option(help="Measure every layer too; a real board is flashed for it, and back."),
    ] = None,
    port: opt.Port = None,
    toolchain: opt.Toolchain = None,
    oracle: opt.Oracle = opt.OracleName.edgeq,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Measure latency, instructions and memory on a board.

    Exit code 1 where the output is not bit-exact.
    """
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.tables import result_tables

    result = api.bench(
        model,
        board=board,
        input_spec=input_,
        runs=runs,
        warmup=warmup,
        layers=layers,
        port=port,
        toolchain=toolchain,
        oracle=oracle.value,
    )
    show(result, lambda: result_tables(result), form)
    if result.output.bit_exact is False:
        raise typer.Exit(1)
