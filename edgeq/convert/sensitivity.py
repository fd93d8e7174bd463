"""Which layers a narrower type hurts most: SQNR and accuracy, layer by layer."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from edgeq.convert.child import MEMORY_BYTES, Progress, quiet, run_task
from edgeq.convert.conversion import find_warnings
from edgeq.convert.judgement import METRICS
from edgeq.convert.quantization.scheme import scheme_named
from edgeq.convert.recipes.materials import (
    Materials,
    describe_materials,
    gather_materials,
    save_materials,
)
from edgeq.core.errors import UsageError
from edgeq.core.files import refuse_missing
from edgeq.core.records.sensitivity import (
    FigureRecord,
    Kernels,
    LayerSensitivityRecord,
    SensitivityRecord,
)

if TYPE_CHECKING:
    from edgeq.data.dataset import Dataset

SortKey = Literal["sqnr", "accuracy"]
TIMEOUT_S = 3600.0
# What the rest of a model has while one layer has the narrow types.
BASES = {"int8": "int16x8", "int8-per-tensor": "int8", "int4": "int8"}


def measure_sensitivity(
    source: Path,
    dataset: Dataset,
    *,
    scheme: str = "int4",
    base: str | None = None,
    sort: SortKey = "sqnr",
    samples: int = 256,
    calibration: int = 500,
    kernels: Kernels = "optimized",
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    on_progress: Progress = quiet,
) -> SensitivityRecord:
    """Quantise one layer at a time by `scheme`, the rest by `base`, and the reverse; judge each.

    Judged on at most `samples` of the train split (else of the representative one), never on the
    evaluation split: what is chosen by these figures must still be judged by others.

    Args:
        base: None: int8 for int4, int16x8 for int8.
        kernels: LiteRT's optimised ones (without delegates), or its slower reference ones.

    Raises:
        UsageError: an unknown scheme, or two equal ones.
        InputError: the source or the dataset is refused.
        ToolchainError: no layer can have the scheme, or the child crashed, hung or ran out.
    """
    source, began = Path(source), time.monotonic()
    rest = base or BASES.get(scheme, "int8")
    _check(source, scheme, rest)
    materials = _choose(gather_materials(dataset, calibration), samples)
    job = {
        "source": str(source.resolve()),
        "scheme": scheme,
        "base": rest,
        "kernels": kernels,
        **describe_materials(materials),
    }
    limits = {"timeout_s": timeout_s, "memory_bytes": memory_bytes, "on_progress": on_progress}
    answer, layers = _run(job, materials, limits)
    metric = answer["metric"]
    by = sort if metric else "sqnr"
    return SensitivityRecord(
        source=source.name,
        scheme=scheme,
        base_scheme=rest,
        dataset=dataset.name,
        split=materials.source,
        samples=len(materials.watched),
        calibration=len(materials.calibration),
        metric=metric,
        sorted_by=by,
        kernels=kernels,
        base=msgspec.convert(answer["base"], FigureRecord),
        all_lowered=msgspec.convert(answer["all_lowered"], FigureRecord),
        layers=tuple(sorted(layers, key=lambda layer: _hurt(layer, by, metric))),
        seconds=time.monotonic() - began,
        warnings=(*dataset.warnings, *find_warnings(materials.calibration.x)),
    )


def _run(
    job: dict[str, Any], materials: Materials, limits: dict[str, Any]
) -> tuple[dict[str, Any], list[LayerSensitivityRecord]]:
    """Return a child's answer, and its layers with their places in the graph."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        save_materials(Path(name), materials)
        answer = run_task("sensitivity", job, Path(name), **limits)
    layers = msgspec.convert(answer["layers"], tuple[LayerSensitivityRecord, ...])
    return answer, [msgspec.structs.replace(row, place=at) for at, row in enumerate(layers)]


def _choose(materials: Materials, samples: int) -> Materials:
    """Let at most `samples` judge: watched ones first, then those that would train."""
    watched, rest = materials.watched, materials.training
    if materials.training is not materials.watched:
        watched = watched.joined(rest)
    return materials._replace(watched=watched.head(samples), training=rest.head(1))


def _hurt(layer: LayerSensitivityRecord, by: SortKey, metric: str | None) -> tuple[float, float]:
    """Return what sorts layers: the most sensitive first, refused ones last."""
    if layer.lowered is None:
        return math.inf, math.inf
    sqnr, change = layer.lowered.sqnr_db, layer.lowered.change
    if by == "sqnr" or change is None or metric is None:
        return sqnr, 0.0
    return change.change * (1 if METRICS[metric].higher_is_better else -1), sqnr


def _check(source: Path, scheme: str, base: str) -> None:
    refuse_missing(source)
    for name in (scheme, base):
        scheme_named(name)
    if scheme == base:
        raise UsageError(
            f"the layer and the rest would both be {scheme}", hint="choose another --base"
        )
