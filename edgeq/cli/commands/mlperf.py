"""edgeq mlperf run, check"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeq.cli import options as opt

if TYPE_CHECKING:
    from edgeq.api.mlperf import MlperfRequest


class Mode(str, Enum):
    """The modes of MLPerf Tiny."""

    performance = "performance"
    accuracy = "accuracy"
    energy = "energy"


class Division(str, Enum):
    """The divisions of a submission."""

    closed = "closed"
    open = "open"


Model = Annotated[Path | None, typer.Argument(help="An int8 .tflite to build the firmware of.")]
ModeOption = Annotated[Mode, typer.Option("--mode", "-m", help="What is measured.")]
Dataset = Annotated[Path, typer.Option(help="The folder of y_labels.csv, or the one above.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Writes OUT/MODEL/MODE/.")]
Board = Annotated[str | None, typer.Option("--board", "-b", help="Its board.")]
IoManager = Annotated[
    str | None, typer.Option(help="Port of the IO manager that the board is behind.")
]
IoManagerType = Annotated[
    str | None, typer.Option(help="stm32h573i-dk or arduino [default: by its USB id].")
]
Meter = Annotated[str | None, typer.Option(help="The power meter, NAME[:PORT][,option=value...].")]
Gate = Annotated[str | None, typer.Option(help="The meter's channel that the board's pin is on.")]
Task = Annotated[
    str | None, typer.Option(help="kws01, vww01, ic01, ic02 or ad01 [default: the board's].")
]
Script = Annotated[Path | None, typer.Option(help="A test script of the public runner (YAML).")]
Devices = Annotated[Path | None, typer.Option(help="A device list of the public runner (YAML).")]
Baud = Annotated[
    int | None, typer.Option(min=300, max=20_000_000, help="Speed of the board's port.")
]
DivisionOption = Annotated[
    Division, typer.Option(help="Whose rules: the closed division has targets.")
]
Timeout = Annotated[
    float, typer.Option(min=0.1, max=86400, help="Seconds for one `infer`, at least.")
]


def run_mlperf(
    mode: ModeOption,
    dataset: Dataset,
    out: Out,
    model: Model = None,
    board: Board = None,
    port: opt.Port = None,
    io_manager: IoManager = None,
    io_manager_type: IoManagerType = None,
    meter: Meter = None,
    gate: Gate = None,
    task: Task = None,
    script: Script = None,
    devices: Devices = None,
    baud: Baud = None,
    division: DivisionOption = Division.closed,
    toolchain: opt.Toolchain = None,
    timeout: Timeout = 30.0,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Run MLPerf Tiny against a board, and leave what a submission needs.

    With a model and a board edgeq builds, flashes and runs; with --port or --io-manager alone it
    drives whatever speaks the protocol there. Exit code 1 where a rule of a submission is broken.
    """
    from edgeq import api

    request = api.MlperfRequest(
        mode=mode.value, dataset=dataset, out=out, model=model, board=board, port=port,
        io_manager=io_manager, io_manager_type=io_manager_type, meter=meter, gate=gate,
        task=task, script=script, devices=devices, baud=baud, division=division.value,
        toolchain=toolchain, timeout_s=timeout,
    )  # fmt: skip
    _run(request, form)


def _run(request: MlperfRequest, form: opt.Format) -> None:
    from edgeq import api
    from edgeq.cli.console import Progress, show
    from edgeq.report.mlperf import mlperf_tables

    progress = Progress()
    try:
        record = api.run_mlperf(request, on_progress=progress)
    finally:
        progress.close()
    show(record, lambda: mlperf_tables(record), form)
    if not record.valid:
        raise typer.Exit(1)


def check_mlperf(
    folder: Annotated[Path, typer.Argument(help="A submission, a system, a model or one run.")],
    division: DivisionOption = Division.closed,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Apply the rules of a submission to a folder. Exit code 1 where one is broken."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.mlperf import submission_tables

    check = api.check_mlperf(folder, division=division.value)
    show(check, lambda: submission_tables(check), form)
    if not check.passed:
        raise typer.Exit(1)
