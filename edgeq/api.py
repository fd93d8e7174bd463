"""The verbs of edgeq as typed functions: what the command line, notebooks and CI call.

Every function raises `edgeq.core.errors.EdgeqError` (cause, hint, exit code) and nothing else on
purpose. Heavy packages are imported when a function needs them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeq.core.errors import InputError
from edgeq.deployment import Deployment as Deployment
from edgeq.deployment import DeployRequest as DeployRequest

if TYPE_CHECKING:
    from edgeq.bench.estimation import EstimateRecord
    from edgeq.boards.drafts import Draft
    from edgeq.boards.profile import Board
    from edgeq.compile.emission import Emission
    from edgeq.core.installation import Installed
    from edgeq.core.records import (
        CompiledModel,
        ConversionRecord,
        EvaluationRecord,
        FirmwareImage,
        Result,
        ValidationRecord,
    )
    from edgeq.data.catalog import Listed
    from edgeq.device.flashers import FlashReport
    from edgeq.device.ports import SerialPort
    from edgeq.firmware.exports import Engine, ExportRecord
    from edgeq.firmware.fit import FitReport
    from edgeq.graph.inspection import Inspection
    from edgeq.graph.ir import Graph
    from edgeq.report.records import ReportData

Progress = Callable[[str, float | None], None]


def _quiet(stage: str, share: float | None = None) -> None:
    """Report no progress."""


# --- looking -----------------------------------------------------------------------------------


def inspect(model: Path) -> Inspection:
    """Return operators, shapes, quantisation, MACs, weights and memory over time of a .tflite."""
    from edgeq.graph.inspection import inspect_graph

    return inspect_graph(_read(model))


def list_boards() -> tuple[Board, ...]:
    """Return every board: the user's own first, then the shipped ones."""
    from edgeq.boards import registry

    return registry.list_boards()


def find_board(board: str) -> Board:
    """Return the board with this id, or the one in this TOML file."""
    from edgeq.boards import registry

    return registry.find_board(board)


def check_boards(board: str | None = None) -> dict[str, tuple[str, ...]]:
    """Return the problems of one board or of all, by board id; empty tuples where it is sound."""
    from edgeq.boards import registry
    from edgeq.device.profiles import board_problems

    chosen = (registry.find_board(board),) if board else registry.list_boards()
    return {b.id: board_problems(b) for b in chosen}


def new_board(draft: Draft, *, out: Path | None = None) -> tuple[Board, Path]:
    """Write a profile like that of a known board, to `out` or into the user's folder."""
    from edgeq.boards.drafts import new_profile
    from edgeq.device.profiles import board_problems

    return new_profile(draft, out, board_problems)


def board_schema() -> dict[str, Any]:
    """Return the JSON Schema of a board profile."""
    from edgeq.boards import registry

    return registry.board_schema()


def list_ports() -> tuple[SerialPort, ...]:
    """Return the serial ports of this computer, and the boards that each may be."""
    from edgeq.device import ports

    return ports.list_ports(list_boards())


def doctor(board: str | None = None) -> tuple[Installed, ...]:
    """Return what is installed, what is missing, and the command that installs it.

    Args:
        board: only what this board needs to be built for, flashed and reached.
    """
    from edgeq.core.installation import check_installation

    if board is None:
        return check_installation()
    from edgeq.device.needs import check_needs
    from edgeq.firmware.toolchains import find_toolchain

    profile = find_board(board)
    built = (find_toolchain(profile).requirement,) if profile.build.template else ()
    return check_needs(profile, built)


# --- data --------------------------------------------------------------------------------------


def list_datasets(*, data_root: Path | None = None) -> tuple[Listed, ...]:
    """Return every dataset that edgeq knows, and whether its data are there."""
    from edgeq.data import catalog

    return catalog.list_datasets(data_root=data_root)


def find_dataset(dataset: str, *, data_root: Path | None = None) -> Listed:
    """Return the manifest of a dataset, and whether its data are there."""
    from edgeq.data import catalog

    return catalog.find_dataset(dataset, data_root=data_root)


def get_dataset(dataset: str) -> Path:
    """Download a dataset that lies at a URL (SHA-256 pinned) and return where it is."""
    from edgeq.data import catalog

    return catalog.fetch_dataset(dataset)


# --- models ------------------------------------------------------------------------------------


def train_demo(out: Path, *, on_progress: Progress = _quiet) -> Path:
    """Train the demo's separable CNN on digits; return the .keras file below `out`."""
    from edgeq.convert.demo import train_demo_model

    return train_demo_model(out / "digits.keras", on_progress=on_progress)


def convert(
    model: Path,
    *,
    data: str,
    out: Path | None = None,
    backend: str = "tflite",
    input_dtype: str = "int8",
    output_dtype: str = "int8",
    samples: int = 500,
    timeout_s: float = 600,
    memory_bytes: int = 12 << 30,
    data_root: Path | None = None,
    on_progress: Progress = _quiet,
) -> tuple[Path, ConversionRecord]:
    """Quantise a model to full-integer int8; return the .tflite and what was done."""
    from edgeq.convert.conversion import convert_model
    from edgeq.data.dataset import load_dataset

    target = out or model.with_name(f"{model.stem}_int8.tflite")
    record = convert_model(
        model,
        target,
        dataset=load_dataset(data, data_root=data_root),
        backend=backend,
        input_dtype=input_dtype,
        output_dtype=output_dtype,
        samples=samples,
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        on_progress=on_progress,
    )
    return target, record


def evaluate(
    model: Path,
    *,
    data: str,
    reference: Path | None = None,
    limit: int | None = None,
    data_root: Path | None = None,
    on_progress: Progress = _quiet,
) -> EvaluationRecord:
    """Accuracy, SQNR and agreement on the evaluation split, float against int8."""
    from edgeq.convert.evaluation import evaluate as run_evaluation
    from edgeq.data.dataset import load_dataset

    return run_evaluation(
        model,
        load_dataset(data, data_root=data_root),
        reference=reference,
        limit=limit,
        on_progress=on_progress,
    )


# --- code --------------------------------------------------------------------------------------


def compile_model(
    model: Path, *, out: Path, board: str | None = None, name: str | None = None
) -> CompiledModel:
    """Compile an int8 .tflite to standalone C99 and write its files to `out`."""
    from edgeq.compile import compile_graph
    from edgeq.core.files import write_tree

    core = find_board(board).core.arch if board else "native"
    compiled = compile_graph(_read(model), name=name or model.stem, core=core)
    write_tree(out, compiled.files)
    return compiled


def emit(
    model: Path,
    *,
    out: Path,
    name: str | None = None,
    board: str | None = None,
    version: str | None = None,
) -> Emission:
    """Write the model as a C array with header and op resolver for TensorFlow Lite Micro.

    A board with an Ethos-U gets the model as Vela compiles it. `version` is the runtime of the
    firmware: what it would not do right is among the problems of the record.
    """
    from edgeq.compile.emission import Target, emit_graph
    from edgeq.core.files import read_bytes, write_tree

    core = find_board(board).core if board else None
    target = Target(core.arch, core.npu, version) if core else Target(version=version)
    data = read_bytes(model, what="model")
    record, files = emit_graph(_read(model), data, name or model.stem, target)
    write_tree(out, files)
    return record


def export(
    model: Path,
    *,
    kind: str,
    out: Path,
    engine: Engine = "aot",
    board: str | None = None,
    name: str | None = None,
) -> ExportRecord:
    """Write the model as a library of a build system, with an example that proves its bytes."""
    from edgeq.bench.exporting import export_model

    profile = find_board(board) if board else None
    return export_model(
        model, _read(model), kind, out, engine=engine, board=profile, name=name or model.stem
    )


def fit(model: Path, *, board: str) -> FitReport:
    """Say whether the model fits the board, region by region."""
    from edgeq.compile import compile_graph
    from edgeq.compile.support import unsupported_nodes
    from edgeq.firmware.fit import check_fit

    graph, profile = _read(model), find_board(board)
    if unsupported_nodes(graph):
        return check_fit(graph, None, profile)
    return check_fit(graph, compile_graph(graph, name=model.stem, core=profile.core.arch), profile)


def estimate(
    model: Path, *, board: str | None = None, on_progress: Progress = _quiet
) -> tuple[EstimateRecord, ...]:
    """Estimate fit, sizes and latency on a board (None: on all); a float model is quantised."""
    from edgeq.bench.estimation import estimate_model

    boards = (find_board(board),) if board else list_boards()
    return estimate_model(model, boards, on_progress=on_progress)


def build(
    model: Path,
    *,
    board: str,
    out: Path,
    toolchain: str | None = None,
    traced: bool = False,
) -> FirmwareImage:
    """Compile the model and link a whole firmware for the board below `out`."""
    from edgeq.bench.preparation import prepare

    return prepare(model, find_board(board), out, toolchain=toolchain, traced=traced).image


# --- boards ------------------------------------------------------------------------------------


def flash(
    model: Path,
    *,
    board: str,
    port: str | None = None,
    toolchain: str | None = None,
    dry_run: bool = False,
) -> FlashReport:
    """Build the firmware and write it to the board; `dry_run` only says how."""
    from edgeq.bench.preparation import prepare
    from edgeq.device.flashers import check_firmware_method, flash_image

    _check_port(port)
    profile = find_board(board)
    check_firmware_method(profile)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        ready = prepare(model, profile, Path(folder), toolchain=toolchain)
        return flash_image(ready.board, ready.image, port=port, dry_run=dry_run)


def flash_app(
    app: Path, *, board: str, port: str | None = None, dry_run: bool = False
) -> FlashReport:
    """Flash the application that the board's SDK built from an export in the folder `app`."""
    from edgeq.device.app_flashing import flash_app as run_flash

    _check_port(port)
    return run_flash(find_board(board), app, port=port, dry_run=dry_run)


def bench(
    model: Path,
    *,
    board: str,
    input_spec: str = "lcg:1",
    runs: int = 10,
    warmup: int = 1,
    layers: bool = True,
    port: str | None = None,
    toolchain: str | None = None,
    oracle: str = "edgeq",
) -> Result:
    """Measure latency, memory and, layer by layer, cost; compare the output with the oracle."""
    from edgeq.bench.inputs import generate_input, parse_input
    from edgeq.bench.preparation import prepare
    from edgeq.bench.runs import run_bench

    _check_port(port)
    seed = parse_input(input_spec)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        ready = prepare(model, find_board(board), Path(folder), toolchain=toolchain)
        item = generate_input(ready.compiled.plan.inputs, seed)
        return run_bench(
            ready, item, runs=runs, warmup=warmup, layers=layers, port=port, oracle=oracle
        )


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
    on_progress: Progress = _quiet,
) -> ValidationRecord:
    """Run dataset samples and generated inputs on the board; compare with the oracle's bytes."""
    from edgeq.bench.preparation import prepare
    from edgeq.bench.runs import collect_inputs, run_validation
    from edgeq.data.dataset import load_dataset

    _check_port(port)
    dataset = load_dataset(data, data_root=data_root) if data else None
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        ready = prepare(model, find_board(board), Path(folder), toolchain=toolchain)
        inputs = collect_inputs(ready.compiled.plan, dataset, samples=samples, seeds=seeds)
        return run_validation(ready, inputs, port=port, oracle=oracle, on_progress=on_progress)


# --- the whole road ----------------------------------------------------------------------------


def deploy(request: DeployRequest, *, on_progress: Progress = _quiet) -> Deployment:
    """Convert, evaluate, fit, compile, build, flash, validate, bench and report."""
    from edgeq.deployment import run_deployment

    return run_deployment(request, on_progress)


def report(folder: Path, *, out: Path | None = None) -> tuple[ReportData, Path]:
    """Read the record of a deploy again and write its HTML page."""
    from edgeq.deployment import rewrite_report

    return rewrite_report(folder, out)


def _check_port(port: str | None) -> None:
    """Refuse a port's name before anything is built for it."""
    from edgeq.device.ports import check_port

    if port is not None:
        check_port(port)


def _read(model: Path) -> Graph:
    from edgeq.graph.reader import read_model

    if model.suffix in (".keras", ".h5") or os.path.isdir(model):
        raise InputError(
            f"{model} is not a .tflite model",
            hint=f"convert it first: edgeq convert {model} --data DATASET",
        )
    return read_model(model)
