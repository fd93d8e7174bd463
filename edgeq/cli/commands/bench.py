"""edgeq bench"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeq.cli import options as opt

if TYPE_CHECKING:
    from edgeq.core.records import ComparisonRecord, Result


def bench(
    model: opt.TfliteModel,
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
    host: Annotated[str | None, typer.Option(help="A Linux board's user@name[:port].")] = None,
    threads: Annotated[str, typer.Option(help="There: 4, or 1,2,4 for the scaling too.")] = "1",
    xnnpack: Annotated[bool, typer.Option(help="There: XNNPACK, or built-in kernels.")] = True,
    python: Annotated[str | None, typer.Option(help="There: the Python, or a command.")] = None,
    install: Annotated[
        bool, typer.Option(help="There: a private venv where none has one.")
    ] = False,
    ssh_config: Annotated[Path | None, typer.Option(help="An ssh_config file of its own.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="There: seconds for a model.")] = 600,
    compare: Annotated[
        Path | None, typer.Option(help="There: a second model; says why one is slower.")
    ] = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Measure latency, instructions and memory on a board.

    Exit code 1 where the output is not bit-exact, or where a Linux board throttled.
    """
    from edgeq import api
    from edgeq.bench.linux.options import parse_threads
    from edgeq.cli.console import show
    from edgeq.report.linux import comparison_tables
    from edgeq.report.tables import result_tables

    linux = api.LinuxOptions(
        host=host,
        ssh_config=ssh_config,
        python=python,
        install=install,
        threads=parse_threads(threads),
        xnnpack=xnnpack,
        timeout_s=timeout,
    )
    record: Result | ComparisonRecord
    if compare is not None:
        record = compared = api.compare_models(
            compare, model, board=board, input_spec=input_, runs=runs, warmup=warmup, linux=linux
        )
        show(record, lambda: comparison_tables(compared), form)
    else:
        record = result = api.bench(
            model,
            board=board,
            input_spec=input_,
            runs=runs,
            warmup=warmup,
            layers=layers,
            port=port,
            toolchain=toolchain,
            oracle=oracle.value,
            linux=linux,
        )
        show(record, lambda: result_tables(result), form)
    if not record.passed:
        raise typer.Exit(1)
