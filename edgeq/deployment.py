"""The whole road in one call, from a model file to a report."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.core.defaults import BACKEND
from edgeq.core.records import DEFAULT, CompileOptions

if TYPE_CHECKING:
    from edgeq.bench.preparation import Prepared
    from edgeq.bench.requests import BatteryPlan, MeterRequest
    from edgeq.core.records import (
        ConversionRecord,
        EvaluationRecord,
        Result,
        TensorErrorRecord,
        ValidationRecord,
    )
    from edgeq.data.dataset import Dataset
    from edgeq.report.records import ReportData

Progress = Callable[[str, float | None], None]

RECORD, RESULT, PAGE = "report.json", "result.json", "report.html"
LAYER_SAMPLES = 32
SEEDS = 8


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """What to deploy: a model, the data that calibrate and judge it, and a board."""

    model: Path
    data: str
    board: str
    out: Path | None = None
    backend: str = BACKEND
    samples: int = 100
    port: str | None = None
    toolchain: str | None = None
    data_root: Path | None = None
    meter: MeterRequest | None = None
    battery: BatteryPlan | None = None
    options: CompileOptions = DEFAULT
    recipe: str | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deploy left: the report's record, its page, and whether every gate passed."""

    report: ReportData
    page: Path
    passed: bool


def run_deployment(request: DeployRequest, on_progress: Progress) -> Deployment:
    """Convert, evaluate, fit, compile, build, flash, validate, bench and report.

    A model that is already int8 is not converted. Every step leaves its files below the out
    folder, so that a later step's failure loses nothing.

    Raises:
        UsageError: the battery's life needs a current that nothing gives.
        GateError: the model does not fit the board.
    """
    from edgeq.bench.budget import refuse_unknown_currents
    from edgeq.bench.preparation import prepare
    from edgeq.boards.registry import find_board
    from edgeq.data.dataset import load_dataset
    from edgeq.report.records import ReportData

    board = find_board(request.board)
    refuse_unknown_currents(request.battery, board, request.meter)
    out = request.out or Path("runs") / f"{request.model.stem}-{board.id}"
    dataset = load_dataset(request.data, data_root=request.data_root)
    model, conversion = _int8_model(request, dataset, out, on_progress)
    evaluation, layer_errors = _judge(request.model, model, conversion, dataset, on_progress)
    on_progress("compile and build", None)
    ready = prepare(
        model, board, out / "firmware", toolchain=request.toolchain, options=request.options
    )
    validation, result = _prove(request, ready, dataset, on_progress)
    data = ReportData(
        result=result,
        plan=ready.compiled.plan,
        board=board,
        image=ready.image,
        conversion=conversion,
        evaluation=evaluation,
        layer_errors=layer_errors,
        validation=validation,
        command=_command(request, board.id),
        versions=_versions(),
    )
    exact = validation.matched == validation.inputs and result.output.bit_exact is not False
    return Deployment(data, write_report(data, out), passed=exact)


def _prove(
    request: DeployRequest, ready: Prepared, dataset: Dataset, on_progress: Progress
) -> tuple[ValidationRecord, Result]:
    """Flash the firmware, compare its bytes with the oracle's, and measure it."""
    from edgeq.bench.inputs import generate_input
    from edgeq.bench.runs import collect_inputs, run_bench, run_validation
    from edgeq.device.flashers import flash_image

    port, plan = request.port, ready.compiled.plan
    on_progress("flash", None)
    flash_image(ready.board, ready.image, port=port)
    inputs = collect_inputs(plan, dataset, samples=request.samples, seeds=SEEDS)
    validation = run_validation(ready, inputs, port=port, on_progress=on_progress)
    on_progress("measure", None)
    item = generate_input(plan.inputs, 1)
    return validation, run_bench(
        ready, item, layers=True, port=port, meter=request.meter, battery=request.battery
    )


def write_report(data: ReportData, out: Path) -> Path:
    """Write the records and the page of a deploy to `out`; return the page."""
    from edgeq.core.files import write_atomic
    from edgeq.report.formats import to_json

    write_atomic(out / RECORD, to_json(data))
    write_atomic(out / RESULT, to_json(data.result))
    return _write_page(data, out / PAGE)


def rewrite_report(folder: Path, page: Path | None) -> tuple[ReportData, Path]:
    """Read the record of a deploy (its folder, or the JSON itself) and write its page again."""
    from edgeq.report.records import read_report

    record = folder / RECORD if os.path.isdir(folder) else folder
    data = read_report(record)
    return data, _write_page(data, page or record.with_name(PAGE))


def _write_page(data: ReportData, path: Path) -> Path:
    from edgeq.core.files import write_atomic
    from edgeq.report.page import render_page

    write_atomic(path, render_page(data))
    return path


def _int8_model(
    request: DeployRequest, dataset: Dataset, out: Path, on_progress: Progress
) -> tuple[Path, ConversionRecord | None]:
    """Return the int8 .tflite to deploy, converting the request's model where it is not one."""
    from edgeq.convert.conversion import convert_model

    if request.model.suffix == ".tflite" and _is_int8(request.model):
        return request.model, None
    target = out / f"{request.model.stem}.tflite"
    if request.recipe is not None:
        return target, _follow_recipe(request, dataset, target, on_progress)
    record = convert_model(
        request.model, target, dataset=dataset, backend=request.backend, on_progress=on_progress
    )
    return target, record


def _follow_recipe(
    request: DeployRequest, dataset: Dataset, target: Path, on_progress: Progress
) -> ConversionRecord:
    from edgeq.convert.recipes.conversion import convert_by_recipe
    from edgeq.convert.recipes.recipe import find_recipe

    assert request.recipe is not None
    return convert_by_recipe(
        request.model,
        target,
        dataset=dataset,
        recipe=find_recipe(request.recipe),
        seed=request.seed,
        on_progress=on_progress,
    )


def _is_int8(model: Path) -> bool:
    """Whether no operator but an edge conversion gives a float tensor."""
    from edgeq.graph.reader import read_model

    graph = read_model(model)
    inner = (n for n in graph.nodes if n.op not in ("QUANTIZE", "DEQUANTIZE"))
    return all(graph.tensor(i).dtype != "float32" for node in inner for i in node.outputs)


def _judge(
    source: Path,
    model: Path,
    conversion: ConversionRecord | None,
    dataset: Dataset,
    on_progress: Progress,
) -> tuple[EvaluationRecord | None, tuple[TensorErrorRecord, ...]]:
    """Return the accuracy, and each layer's quantisation error where a float model is known."""
    from edgeq.convert.evaluation import evaluate, layer_errors

    if conversion is None:
        if dataset.samples("evaluation", 1).y is None:
            return None, ()
        return evaluate(model, dataset, on_progress=on_progress), ()
    evaluation = evaluate(model, dataset, reference=source, on_progress=on_progress)
    floating = model.with_name(f"{model.stem}_float.tflite")
    return evaluation, layer_errors(floating, model, dataset.samples("evaluation", LAYER_SAMPLES))


def _command(request: DeployRequest, board: str) -> str:
    """Return the command line that does the same deploy again."""
    meter = request.meter
    measured = f" --meter {meter.meter} --gate {meter.gate}" if meter else ""
    lasting = f" {request.battery.options}" if request.battery else ""
    recipe = f" --recipe {request.recipe}" if request.recipe else ""
    seed = "" if request.seed is None else f" --seed {request.seed}"
    return (
        f"edgeq deploy {request.model.name} --data {request.data} --board {board}"
        f"{recipe}{seed}{measured}{lasting}"
    )


def _versions() -> dict[str, str]:
    from edgeq import __version__
    from edgeq.core.installation import REQUIREMENTS, find_requirement

    found = {r.name: find_requirement(r) for r in REQUIREMENTS if r.kind == "package"}
    return {"edgeq": __version__} | {name: version for name, version in found.items() if version}
