"""A model on a board: flash, measure, validate."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.api.catalog import find_board
from edgeq.api.common import Progress, quiet, refuse_port
from edgeq.bench.linux.options import LinuxOptions, runs_interpreter
from edgeq.core.errors import UsageError
from edgeq.core.records import DEFAULT, EDGEQ, CompileOptions, ProtocolRecord

if TYPE_CHECKING:
    from edgeq.bench.requests import BatteryPlan, MeterRequest
    from edgeq.core.records import ComparisonRecord, Result, ValidationRecord
    from edgeq.device.flashers import FlashReport
    from edgeq.device.virtual.gate import GateEdge

LINUX = LinuxOptions()


def flash(
    model: Path,
    *,
    board: str,
    port: str | None = None,
    toolchain: str | None = None,
    dry_run: bool = False,
    protocol: ProtocolRecord = EDGEQ,
    options: CompileOptions = DEFAULT,
) -> FlashReport:
    """Build the firmware and write it to the board; `dry_run` only says how.

    Args:
        protocol: what the firmware speaks with its host: edgeq's link, or MLPerf Tiny's text.
    """
    from edgeq.bench.preparation import prepare
    from edgeq.device.flashers import check_firmware_method, flash_image

    refuse_port(port)
    profile = find_board(board)
    check_firmware_method(profile)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        ready = prepare(
            model, profile, Path(folder), toolchain=toolchain, protocol=protocol, options=options
        )
        return flash_image(ready.board, ready.image, port=port, dry_run=dry_run)


def flash_app(
    app: Path, *, board: str, port: str | None = None, dry_run: bool = False
) -> FlashReport:
    """Flash the application that the board's SDK built from an export in the folder `app`."""
    from edgeq.device.app_flashing import flash_app as run_flash

    refuse_port(port)
    return run_flash(find_board(board), app, port=port, dry_run=dry_run)


def serve_board(
    firmware: Path,
    *,
    board: str,
    tcp: int | None = None,
    on_ready: Callable[[str], None],
    on_edge: Callable[[GateEdge], None] | None = None,
) -> None:
    """Run `firmware` on a board of this computer and serve its link, until interrupted.

    Args:
        tcp: the port of 127.0.0.1 to serve at, 0 for any free one; None for a pseudo-terminal.
        on_ready: gets the port's name as other programs take it.
        on_edge: gets each edge of a virtual board's gate.
    """
    from edgeq.device.connection import start_board
    from edgeq.device.serving import open_outlet, serve, settle

    profile = find_board(board)
    with open_outlet(tcp) as outlet, closing(start_board(profile, str(firmware))) as stream:
        settle(stream)
        on_ready(outlet.name)
        serve(stream, outlet, on_edge)


def bench(
    model: Path,
    *,
    board: str,
    input_spec: str = "lcg:1",
    runs: int = 10,
    warmup: int = 1,
    layers: bool | None = None,
    port: str | None = None,
    toolchain: str | None = None,
    oracle: str = "edgeq",
    meter: MeterRequest | None = None,
    battery: BatteryPlan | None = None,
    linux: LinuxOptions = LINUX,
    options: CompileOptions = DEFAULT,
) -> Result:
    """Measure latency, memory and, layer by layer, cost; compare the output with the oracle.

    Energy is measured with `meter`, else estimated from the board's profile where that has power
    figures; `battery` says how long a battery lasts. Where the meter was lost in mid-run the
    energy's `complete` is false.

    Args:
        linux: for a Linux board: where it is, and how its interpreter runs the model.
    """
    from edgeq.bench.inputs import generate_input, parse_input
    from edgeq.bench.linux.measurement import run_linux
    from edgeq.bench.preparation import prepare
    from edgeq.bench.runs import run_bench

    refuse_port(port)
    seed, profile = parse_input(input_spec), find_board(board)
    if runs_interpreter(profile):
        (result,) = run_linux(
            [model], profile, linux, seed=seed, runs=runs, warmup=warmup,
            layers=layers is not False, meter=meter, battery=battery,
        )  # fmt: skip
        return result
    if linux != LINUX:
        raise UsageError(
            f"{profile.id} is no Linux board",
            hint="--host, --python, --threads and what goes with them are for those alone",
        )
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        ready = prepare(model, profile, Path(folder), toolchain=toolchain, options=options)
        item = generate_input(ready.compiled.plan.inputs, seed)
        return run_bench(
            ready, item, runs=runs, warmup=warmup, layers=layers, port=port, oracle=oracle,
            meter=meter, battery=battery,
        )  # fmt: skip


def compare_models(
    first: Path,
    second: Path,
    *,
    board: str,
    input_spec: str = "lcg:1",
    runs: int = 10,
    warmup: int = 1,
    linux: LinuxOptions = LINUX,
) -> ComparisonRecord:
    """Measure two models on one Linux board, and say what explains the difference.

    Raises:
        UsageError: it is no Linux board.
    """
    from edgeq.bench.inputs import parse_input
    from edgeq.bench.linux.comparison import compare_results
    from edgeq.bench.linux.measurement import run_linux

    seed, profile = parse_input(input_spec), find_board(board)
    if not runs_interpreter(profile):
        raise UsageError(
            f"{profile.id} runs no interpreter", hint="--compare is for Linux boards, and local"
        )
    results = run_linux(
        [first, second], profile, linux, seed=seed, runs=runs, warmup=warmup, scaling=True
    )
    return compare_results(*results)


def validate(
    model: Path,
    *,
    board: str,
    data: str | None = None,
    samples: int = 100,
    seeds: int = 8,
    port: str | None = None,
    toolchain: str | None = None,
    oracle: str = "edgeq",
    data_root: Path | None = None,
    on_progress: Progress = quiet,
    options: CompileOptions = DEFAULT,
) -> ValidationRecord:
    """Run dataset samples and generated inputs on the board; compare with the oracle's bytes."""
    from edgeq.bench.preparation import prepare
    from edgeq.bench.runs import collect_inputs, run_validation
    from edgeq.data.dataset import load_dataset

    refuse_port(port)
    dataset = load_dataset(data, data_root=data_root) if data else None
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        profile = find_board(board)
        ready = prepare(model, profile, Path(folder), toolchain=toolchain, options=options)
        inputs = collect_inputs(ready.compiled.plan, dataset, samples=samples, seeds=seeds)
        return run_validation(ready, inputs, port=port, oracle=oracle, on_progress=on_progress)
