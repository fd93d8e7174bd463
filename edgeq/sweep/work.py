"""The work itself: one job in, one answer out, in a folder of its own. One row a kind of job."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edgeq import __version__
from edgeq.core.errors import DeviceError, EdgeqError, GateError, InternalError, ToolchainError
from edgeq.core.files import confined
from edgeq.core.records import Record, Result
from edgeq.sweep.records import (
    Answer,
    Converted,
    Failure,
    Figure,
    FigureKind,
    Firmware,
    Job,
    Outcome,
    encode,
)

if TYPE_CHECKING:
    from edgeq.bench.inputs import ModelInput
    from edgeq.bench.preparation import Prepared
    from edgeq.bench.requests import MeterRequest
    from edgeq.boards.profile import Board
    from edgeq.core.records import ConversionRecord
    from edgeq.data.dataset import Dataset
    from edgeq.graph.ir import Graph

# Every model is compiled under one name: what it is called makes no other firmware.
MODEL = "model"

METER_LOST = Failure(
    error=DeviceError.__name__,
    cause="the meter was lost while it measured: the energy is incomplete",
    hint="check its cable; --retry-failed measures again",
)
THROTTLED = Failure(
    error=DeviceError.__name__,
    cause="the board throttled while it measured",
    hint="cool it, give it more power; --retry-failed measures again",
)


def answer(message: bytes, folder: Path) -> bytes:
    """Do an encoded job in `folder`; return the encoded answer, be it a failure."""
    try:
        job = msgspec.msgpack.decode(message, type=Job)
        if job.version != __version__:
            raise ToolchainError(
                f"this worker has edgeq {__version__}, the sweep {job.version}",
                hint="install the same edgeq on every worker",
            )
        return encode(Answer(product=encode(TASKS[job.kind](job, folder))))
    except Exception as error:
        return encode(Answer(failure=_without_places(explain(error), folder.parent)))


def explain(error: BaseException) -> Failure:
    """Return an error as a record."""
    if not isinstance(error, EdgeqError):
        cause = f"{type(error).__name__}: {str(error)[:500]}"
        error = InternalError(cause, hint="this is a defect in edgeq; report it with the sweep")
    return Failure(error=type(error).__name__, cause=error.cause, hint=error.hint)


def _without_places(failure: Failure, scratch: Path) -> Failure:
    """Return the failure without the folders below `scratch`: they have another name each time."""
    roots = "|".join(re.escape(str(root)) for root in (scratch, scratch.resolve()))
    places = re.compile(rf"({roots})([/\\][^\s/\\:'\"]+)*[/\\]")
    return Failure(
        error=failure.error,
        cause=places.sub("", failure.cause),
        hint=places.sub("", failure.hint),
    )


def failed(failure: Failure) -> Outcome:
    """Return the outcome of a cell without figures; a failed gate means that it does not fit."""
    misfit = failure.error == GateError.__name__
    return Outcome(status="misfit" if misfit else "failed", failure=failure)


# --- convert, build ------------------------------------------------------------------------------


def convert(job: Job, folder: Path) -> Converted:
    """Quantise the source."""
    from edgeq.convert.conversion import convert_model
    from edgeq.sweep.samples import unpack_samples

    assert job.scheme is not None
    assert job.samples is not None
    for name, data in job.source.items():
        path = confined(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    out, scheme = folder / "converted" / "model.tflite", job.scheme
    dataset = unpack_samples(job.samples, "representative")
    if job.recipe:
        record = _follow_recipe(job, dataset, folder, out)
        return Converted(model=out.read_bytes(), record=record)
    record = convert_model(
        folder / job.source_name,
        out,
        dataset=dataset,
        backend=scheme.backend,
        input_dtype=scheme.input_dtype,
        output_dtype=scheme.output_dtype,
        samples=scheme.samples,
        timeout_s=job.limits.seconds,
    )
    return Converted(model=out.read_bytes(), record=record)


def _follow_recipe(job: Job, dataset: Dataset, folder: Path, out: Path) -> ConversionRecord:
    from edgeq.convert.recipes.conversion import convert_by_recipe
    from edgeq.convert.recipes.recipe import read_text

    return convert_by_recipe(
        folder / job.source_name,
        out,
        dataset=dataset,
        recipe=read_text(job.recipe),
        timeout_s=job.limits.seconds,
    )


def build(job: Job, folder: Path) -> Firmware:
    """Compile the model and link its firmware."""
    from edgeq.bench.preparation import prepare

    ready = prepare(
        _model(job, folder),
        _board(job),
        folder,
        toolchain=job.options.toolchain,
        options=job.options.compiling,
    )
    elf = Path(ready.image.elf).read_bytes()
    image = msgspec.structs.replace(ready.image, elf="")
    return Firmware(compiled=ready.compiled, image=image, elf=elf)


# --- cells ---------------------------------------------------------------------------------------


def estimate(job: Job, folder: Path) -> Outcome:
    """Estimate fit, sizes, latency and energy."""
    from edgeq.bench.estimation import estimate_model

    compiling = job.options.compiling
    (record,) = estimate_model(_model(job, folder), [_board(job)], options=compiling)
    seconds, joules = record.latency, record.energy
    return Outcome(
        status="ok" if record.fits else "misfit",
        failure=None if record.fits else _misfit(record.problems),
        latency=_figure(seconds.typical_s if seconds else None, "estimated"),
        low_s=seconds.low_s if seconds else None,
        high_s=seconds.high_s if seconds else None,
        instructions=_figure(record.instructions, "estimated"),
        flash=_figure(record.flash.used if record.flash else None, "estimated"),
        ram=_figure(record.ram.used if record.ram else None, "estimated"),
        energy=_figure(joules.typical_j if joules else None, "estimated"),
        notes=record.notes,
    )


def fit(job: Job, folder: Path) -> Outcome:
    """Say whether the model fits."""
    from edgeq.compile import compile_graph
    from edgeq.compile.support import unsupported_nodes
    from edgeq.compile.target import Target
    from edgeq.firmware.fit import check_fit

    graph, board = _graph(job, folder), _board(job)
    target = Target.of(board.core, job.options.compiling)
    supported = not unsupported_nodes(graph)
    compiled = compile_graph(graph, name=MODEL, target=target) if supported else None
    report = check_fit(graph, compiled, board)
    used = {r.region: r.used for r in report.regions[::-1]}
    return Outcome(
        status="ok" if report.fits else "misfit",
        failure=None if report.fits else _misfit(report.problems),
        flash=_figure(used.get(board.build.code_region), "estimated"),
        ram=_figure(used.get(board.build.data_region), "estimated"),
    )


def bench(job: Job, folder: Path) -> Outcome:
    """Measure the firmware on its board, or, on a Linux board, the model in its interpreter."""
    from edgeq.bench.inputs import generate_input, parse_input
    from edgeq.bench.linux.options import runs_interpreter
    from edgeq.bench.runs import run_bench

    if runs_interpreter(_board(job)):
        return _bench_linux(job, folder)
    ready, options, attached = _ready(job, folder), job.options, job.attached
    item = generate_input(ready.compiled.plan.inputs, parse_input(options.input))
    result = run_bench(
        ready,
        item,
        runs=options.runs,
        warmup=options.warmup,
        layers=options.layers,
        port=attached.port,
        oracle=options.oracle,
        meter=_meter(job),
    )
    return _bench_outcome(result)


def _bench_linux(job: Job, folder: Path) -> Outcome:
    from edgeq.bench.inputs import parse_input
    from edgeq.bench.linux.measurement import run_linux
    from edgeq.bench.linux.options import LinuxOptions

    options, host = job.options, job.attached.host
    (result,) = run_linux(
        [_model(job, folder)],
        _board(job),
        LinuxOptions(host=host, threads=(options.threads,), xnnpack=options.xnnpack),
        seed=parse_input(options.input),
        runs=options.runs,
        warmup=options.warmup,
        layers=options.layers,
        meter=_meter(job),
    )
    return _bench_outcome(result)


def _meter(job: Job) -> MeterRequest | None:
    from edgeq.bench.requests import MeterRequest

    attached = job.attached
    return MeterRequest(attached.meter, attached.gate) if attached.meter else None


def _bench_outcome(result: Result) -> Outcome:
    latency, memory, energy = result.latency, result.memory, result.energy
    failure = _spoiled(result)
    counted = result.board.counted
    return Outcome(
        status="failed" if failure else "ok" if result.passed else "mismatch",
        failure=failure,
        latency=_figure(latency.median_s, latency.kind),
        low_s=latency.low_s,
        high_s=latency.high_s,
        instructions=_figure(latency.instructions, counted),
        flash=None if result.host else _figure(memory.flash_bytes, "linked"),
        ram=_figure(result.ram_bytes, counted),
        energy=_figure(energy.per_inference_j, energy.kind) if energy else None,
        bit_exact=result.output.bit_exact,
        notes=result.warnings,
        result=result,
    )


def _spoiled(result: Result) -> Failure | None:
    """Return why a measurement is not to be used."""
    if result.host is not None and not result.host.valid:
        return THROTTLED
    return METER_LOST if result.energy and not result.energy.complete else None


def validate(job: Job, folder: Path) -> Outcome:
    """Compare the board with the oracle, input by input."""
    from edgeq.bench.runs import run_validation

    ready = _ready(job, folder)
    record = run_validation(
        ready, _inputs(job, ready), port=job.attached.port, oracle=job.options.oracle
    )
    exact = record.matched == record.inputs
    return Outcome(
        status="ok" if exact else "mismatch",
        flash=_figure(ready.image.sizes.flash_bytes, "linked"),
        bit_exact=exact,
        notes=(f"{record.matched} of {record.inputs} inputs, against {record.oracle}",),
        validation=record,
    )


TASKS: dict[str, Callable[[Job, Path], Record]] = {
    "convert": convert,
    "build": build,
    "estimate": estimate,
    "fit": fit,
    "bench": bench,
    "validate": validate,
}


# --- what they share -----------------------------------------------------------------------------


def _model(job: Job, folder: Path) -> Path:
    path = folder / f"{MODEL}.tflite"
    path.write_bytes(job.model)
    return path


def _graph(job: Job, folder: Path) -> Graph:
    from edgeq.graph.reader import read_model

    return read_model(_model(job, folder))


def _board(job: Job) -> Board:
    assert job.board is not None
    return job.board


def _ready(job: Job, folder: Path) -> Prepared:
    """Return the firmware as if it had been built here, on its board where that needs flashing."""
    from edgeq.bench.preparation import Prepared
    from edgeq.device.connection import runs_as_process
    from edgeq.device.flashers import flash_image
    from edgeq.graph.reader import read_model

    board, model = _board(job), _model(job, folder)
    firmware = msgspec.msgpack.decode(job.firmware, type=Firmware)
    elf = folder / "firmware.elf"
    elf.write_bytes(firmware.elf)
    os.chmod(elf, 0o755)
    image = msgspec.structs.replace(firmware.image, elf=str(elf))
    if not runs_as_process(board, job.attached.port):
        flash_image(board, image, port=job.attached.port)
    toolchain = job.options.toolchain
    graph = read_model(model)
    return Prepared(model, graph, board, firmware.compiled, image, folder, toolchain)


def _inputs(job: Job, ready: Prepared) -> list[ModelInput]:
    from edgeq.bench.runs import collect_inputs
    from edgeq.sweep.samples import unpack_samples

    options = job.options
    dataset = unpack_samples(job.samples, "evaluation") if job.samples else None
    return collect_inputs(
        ready.compiled.plan, dataset, samples=options.samples, seeds=options.seeds
    )


def _figure(value: float | None, kind: FigureKind) -> Figure | None:
    return None if value is None else Figure(value=value, kind=kind)


def _misfit(problems: tuple[str, ...]) -> Failure:
    return Failure(
        error=GateError.__name__,
        cause="; ".join(problems) or "the model does not fit",
        hint="choose a larger board or a smaller model",
    )
