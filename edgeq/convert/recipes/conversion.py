"""From a float model, a dataset and a recipe to a quantised .tflite and the record beside it."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from edgeq import __version__
from edgeq.convert.checks import check_float, check_scheme
from edgeq.convert.child import MEMORY_BYTES, Progress, quiet, run_task
from edgeq.convert.conversion import (
    calibration_record,
    check_answer,
    find_warnings,
    float_path,
    source_size,
)
from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.recipes.materials import (
    Materials,
    describe_materials,
    gather_materials,
    save_materials,
)
from edgeq.convert.recipes.recipe import Recipe, Written, scheme_of
from edgeq.convert.recipes.schedules import calibration_samples, takes_back, time_limit, trains
from edgeq.convert.recipes.steps import Calibrate, Distil
from edgeq.core.errors import EdgeqError, InputError
from edgeq.core.files import refuse_missing, refuse_unwritable, sha256_hex, write_together
from edgeq.core.records import ConversionRecord, RecipeRecord, StepRecord
from edgeq.graph.reader import read_model

if TYPE_CHECKING:
    from edgeq.data.dataset import Dataset

FLOAT, QUANTIZED = "float.tflite", "quantized.tflite"


def convert_by_recipe(
    source: Path,
    out: Path,
    *,
    dataset: Dataset,
    recipe: Written,
    seed: int | None = None,
    timeout_s: float | None = None,
    memory_bytes: int = MEMORY_BYTES,
    on_progress: Progress = quiet,
) -> ConversionRecord:
    """Quantise `source` to the .tflite `out` by a recipe; the record lies beside it.

    The same source, recipe, data and seed give the same bytes, interrupted or not: a training
    that was stopped keeps its checkpoints beside `out`, and the same call goes on from them.

    Args:
        source: .keras or .h5; a SavedModel or a float .tflite where no step trains.
        dataset: its representative split calibrates, its train split (else the representative
            one) trains. The evaluation split is not touched.
        seed: of all training; None: the recipe's.
        timeout_s: None: by the schedules of the steps, at most a day.

    Raises:
        InputError: the source or the dataset is refused, or they do not fit each other.
        ToolchainError: a layer cannot have its type, or the child crashed, hung or ran out.
        KeyboardInterrupt: with the folder that keeps the checkpoints.
    """
    source, out, began = Path(source), Path(out), time.monotonic()
    refuse_missing(source)
    refuse_unwritable(out)
    steps = recipe.recipe
    chosen = steps.seed if seed is None else seed
    materials = gather_materials(dataset, calibration_samples(steps), apart=takes_back(steps))
    record = _begin_record(source, recipe, materials, chosen)
    kept = checkpoints_of(out, record) if trains(steps) else None
    job = _job(source, recipe, materials, chosen, kept)
    limits = {"timeout_s": timeout_s or time_limit(steps), "memory_bytes": memory_bytes}
    scheme = scheme_of(steps.quantize)
    floating, quantized, answer = _run(job, scheme, materials, kept, limits, on_progress)
    check_answer(source, answer)
    conversion = ConversionRecord(
        source=source.name,
        backend="edgeq",
        backend_version=f"edgeq {__version__}",
        input_dtype=scheme.input_dtype,
        output_dtype=scheme.output_dtype,
        scheme=steps.quantize.scheme,
        per_layer=tuple(f"{s.layers}={s.scheme}" for s in steps.quantize.scopes),
        source_bytes=source_size(source),
        float_bytes=len(floating),
        int8_bytes=len(quantized),
        float_max_error=answer["float_max_error"],
        sqnr_db=answer["sqnr_db"],
        calibration=calibration_record(dataset, materials.calibration.x, _method(steps)),
        seconds=time.monotonic() - began,
        warnings=(*_warnings(steps, materials, dataset), *answer["notes"], *answer["warnings"]),
        recipe=_end_record(record, answer),
    )
    _write(out, floating, quantized, conversion)
    if kept is not None:
        shutil.rmtree(kept, ignore_errors=True)
    return conversion


def _begin_record(source: Path, recipe: Written, materials: Materials, seed: int) -> RecipeRecord:
    """Return what a recipe works on, which names its checkpoints, before any step was taken."""
    return RecipeRecord(
        name=recipe.recipe.name,
        text=recipe.text,
        sha256=recipe.sha256,
        seed=seed,
        source_sha256=hash_models(source, recipe.recipe),
        data_sha256=materials.sha256,
        metric=None,
        held=len(materials.held),
        held_of=materials.source,
        steps=(),
    )


def _end_record(record: RecipeRecord, answer: dict[str, Any]) -> RecipeRecord:
    steps = msgspec.convert(answer["steps"], tuple[StepRecord, ...])
    return msgspec.structs.replace(record, metric=answer["metric"], steps=steps)


def record_path(out: Path) -> Path:
    """Return where the record of the model `out` lies."""
    return out.with_name(f"{out.stem}.edgeq.json")


def checkpoints_of(out: Path, record: RecipeRecord) -> Path:
    """Return the folder of the checkpoints, another one for any other source, recipe or data."""
    made_of = (record.source_sha256, record.sha256, record.data_sha256, str(record.seed))
    key = sha256_hex("\n".join(made_of).encode())
    return out.with_name(f"{out.stem}.checkpoints-{key[:12]}")


def hash_models(source: Path, recipe: Recipe) -> str:
    """Return the SHA-256 of the source, or over its and those of the teachers a recipe names.

    Raises:
        InputError: there is no such teacher.
    """
    named = [step.teacher for step in recipe.steps if isinstance(step, Distil) and step.teacher]
    for teacher in named:
        if not Path(teacher).exists():
            raise InputError(
                f"recipe {recipe.name}: distil: there is no teacher {teacher}",
                hint="paths of teachers begin in the current folder",
            )
    digests = [hash_source(path) for path in (source, *map(Path, named))]
    return digests[0] if len(digests) == 1 else sha256_hex("\n".join(digests).encode())


def hash_source(source: Path) -> str:
    """Return the SHA-256 of a model's file, or over the names and digests of a folder's files."""
    if source.is_file():
        return sha256_hex(source.read_bytes())
    files = sorted(path for path in source.rglob("*") if path.is_file())
    lines = (f"{sha256_hex(p.read_bytes())}  {p.relative_to(source).as_posix()}\n" for p in files)
    return sha256_hex("".join(lines).encode())


def _job(
    source: Path, recipe: Written, materials: Materials, seed: int, kept: Path | None
) -> dict[str, Any]:
    return {
        "source": str(source.resolve()),
        "recipe": recipe.text,
        "seed": seed,
        **describe_materials(materials),
        "checkpoints": None if kept is None else str(kept.resolve()),
    }


def _run(
    job: dict[str, Any],
    scheme: Scheme,
    materials: Materials,
    kept: Path | None,
    limits: dict[str, Any],
    on_progress: Progress,
) -> tuple[bytes, bytes, dict[str, Any]]:
    """Return the checked float and quantised .tflite of a child, and what it says of them."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        save_materials(folder, materials)
        try:
            answer = run_task("recipe", job, folder, **limits, on_progress=on_progress)
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(*_kept_words(kept)) from error
        except EdgeqError as error:
            words = " ".join((error.hint, *(f"; {w}" for w in _kept_words(kept))))
            raise type(error)(error.cause, hint=words) from error
        check_float(read_model(folder / FLOAT))
        check_scheme(read_model(folder / QUANTIZED), scheme, answer["layers"])
        return (folder / FLOAT).read_bytes(), (folder / QUANTIZED).read_bytes(), answer


def _kept_words(kept: Path | None) -> tuple[str, ...]:
    """Say where the checkpoints are, if there are any yet."""
    if kept is None or not kept.is_dir():
        return ()
    return (f"{kept} keeps the checkpoints: the same command goes on from there",)


def _write(out: Path, floating: bytes, quantized: bytes, record: ConversionRecord) -> None:
    text = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
    write_together({float_path(out): floating, record_path(out): text, out: quantized})


def _method(recipe: Recipe) -> str:
    methods = [step.method for step in recipe.steps if isinstance(step, Calibrate)]
    return ", ".join(methods) or "min-max"


def _warnings(recipe: Recipe, materials: Materials, dataset: Dataset) -> tuple[str, ...]:
    found = [*dataset.warnings, *find_warnings(materials.calibration.x, dataset)]
    if trains(recipe) and materials.source != "train":
        found.append("there is no train split: the representative samples train")
    if trains(recipe) and materials.training.y is None:
        found.append("there are no labels: training imitates the float model, or its own input")
    if takes_back(recipe) and not materials.apart:
        found.append("no sample is left to judge by: steps are kept by samples that calibrate")
    if trains(recipe) and materials.layout is not None:
        found.append("boxes only judge a detector: training imitates the float model")
    return tuple(found)
