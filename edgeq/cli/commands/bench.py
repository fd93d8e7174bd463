"""edgeq bench"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from edgeq.cli import linux
from edgeq.cli import options as opt


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
    optimize: opt.Optimize = opt.GoalName.balanced,
    no_pass: opt.NoPass = None,
    ram: opt.RamBudget = None,
    flash: opt.FlashBudget = None,
    oracle: opt.Oracle = opt.OracleName.edgeq,
    host: linux.Host = None,
    threads: linux.Threads = "1",
    xnnpack: linux.Xnnpack = True,
    python: linux.Python = None,
    install: linux.Install = False,
    ssh_config: linux.SshConfig = None,
    timeout: linux.Timeout = 600,
    compare: linux.Compare = None,
    meter: opt.Meter = None,
    gate: opt.Gate = "auto",
    windows: opt.Windows = None,
    window_seconds: opt.WindowSeconds = None,
    idle_seconds: opt.IdleSeconds = None,
    keep_trace: opt.KeepTrace = None,
    battery: opt.Battery = None,
    every: opt.Every = None,
    awake: opt.Awake = None,
    idle_current: opt.IdleCurrent = None,
    sleep_current: opt.SleepCurrent = None,
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Measure latency, instructions, memory and, with a meter, energy on a board.

    Without a meter, energy is estimated where the board's profile has power figures. Exit code 1
    where the output is not bit-exact or a Linux board throttled, 5 where the meter was lost: what
    it recorded is kept.
    """
    from edgeq import api
    from edgeq.bench.linux.options import parse_threads
    from edgeq.cli.console import show
    from edgeq.cli.energy import leave_incomplete, read_battery, read_meter
    from edgeq.core.errors import UsageError
    from edgeq.report.tables import result_tables

    plan = read_battery(battery, every, awake, idle_current, sleep_current)
    request = read_meter(
        meter, gate, windows=windows, window_s=window_seconds, idle_s=idle_seconds, keep=keep_trace
    )
    there = api.LinuxOptions(
        host, ssh_config, python, install, parse_threads(threads), xnnpack, timeout
    )
    asked: dict[str, Any] = {
        "board": board, "input_spec": input_, "runs": runs, "warmup": warmup, "linux": there,
    }  # fmt: skip
    if compare is not None:
        if request or plan:
            raise UsageError(
                "--compare measures no energy", hint="leave --meter and --battery out, or bench one"
            )
        _compare(compare, model, asked, form)
    result = api.bench(
        model,
        **asked,
        layers=layers,
        port=port,
        toolchain=toolchain,
        oracle=oracle.value,
        meter=request,
        battery=plan,
        options=opt.compile_options(optimize, no_pass, ram, flash),
    )
    show(result, lambda: result_tables(result), form)
    if not result.passed:
        raise typer.Exit(1)
    leave_incomplete(result.energy)


def _compare(first: Path, second: Path, asked: dict[str, Any], form: opt.Format) -> NoReturn:
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.linux import comparison_tables

    compared = api.compare_models(first, second, **asked)
    show(compared, lambda: comparison_tables(compared), form)
    raise typer.Exit(0 if compared.passed else 1)
