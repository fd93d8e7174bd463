"""A model: look into it, train the demo, quantise, judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgeq.api.common import Progress, quiet, read_int8
from edgeq.core.defaults import BACKEND
from edgeq.core.errors import UsageError

if TYPE_CHECKING:
    from edgeq.convert.examples import Example
    from edgeq.core.records import (
        CalibrationComparisonRecord,
        ConversionRecord,
        EvaluationRecord,
        SensitivityRecord,
    )
    from edgeq.data.dataset import Dataset
    from edgeq.graph.inspection import Inspection


def inspect(model: Path) -> Inspection:
    """Return operators, shapes, quantisation, MACs, weights and memory over time of a .tflite."""
    from edgeq.graph.inspection import inspect_graph

    return inspect_graph(read_int8(model))


def train_demo(out: Path, *, on_progress: Progress = quiet) -> Path:
    """Train the demo's separable CNN on digits; return the .keras file below `out`."""
    return train_example("digits", out=out / "digits.keras", on_progress=on_progress)


def list_examples() -> dict[str, Example]:
    """Return the examples' networks by name: each is trained on a dataset that edgeq knows."""
    from edgeq.convert.examples import EXAMPLES

    return EXAMPLES


def train_example(
    name: str,
    *,
    out: Path | None = None,
    data_root: Path | None = None,
    on_progress: Progress = quiet,
) -> Path:
    """Train an example's network with its own seed; return the .keras file."""
    from edgeq.convert.examples import train_example as train

    target = out or Path(f"{name}.keras")
    return train(name, target, data_root=data_root, on_progress=on_progress)


def convert(
    model: Path,
    *,
    data: str,
    out: Path | None = None,
    backend: str = BACKEND,
    scheme: str = "int8",
    per_layer: Sequence[str] = (),
    input_dtype: str | None = None,
    output_dtype: str | None = None,
    samples: int = 500,
    timeout_s: float | None = None,
    memory_bytes: int = 12 << 30,
    data_root: Path | None = None,
    recipe: str | None = None,
    seed: int | None = None,
    on_progress: Progress = quiet,
) -> tuple[Path, ConversionRecord]:
    """Quantise a model to a scheme, or by a recipe; return the .tflite and its record.

    Args:
        timeout_s: of the child; None: 600, or by the schedules of a recipe that trains.
        recipe: a recipe's name or TOML file, which says scheme, types and samples itself.
        seed: of the recipe's training; None: the recipe's own.
    """
    from edgeq.convert.child import TIMEOUT_S
    from edgeq.convert.conversion import convert_model
    from edgeq.data.dataset import load_dataset

    if recipe is not None:
        others = (scheme != "int8", per_layer, input_dtype, output_dtype, backend != BACKEND)
        if any(others):
            raise UsageError(
                "a recipe says the scheme and the types itself",
                hint="leave --scheme, --per-layer, --backend and the types out, or the recipe",
            )
        return _convert_by_recipe(
            model,
            out,
            recipe,
            load_dataset(data, data_root=data_root),
            seed=seed,
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
            on_progress=on_progress,
        )
    target = out or model.with_name(f"{model.stem}_{scheme}.tflite")
    record = convert_model(
        model,
        target,
        dataset=load_dataset(data, data_root=data_root),
        backend=backend,
        scheme=scheme,
        per_layer=per_layer,
        input_dtype=input_dtype,
        output_dtype=output_dtype,
        samples=samples,
        timeout_s=timeout_s or TIMEOUT_S,
        memory_bytes=memory_bytes,
        on_progress=on_progress,
    )
    return target, record


def _convert_by_recipe(
    model: Path, out: Path | None, recipe: str, dataset: Dataset, **settings: Any
) -> tuple[Path, ConversionRecord]:
    from edgeq.convert.recipes.conversion import convert_by_recipe
    from edgeq.convert.recipes.recipe import find_recipe

    found = find_recipe(recipe)
    target = out or model.with_name(f"{model.stem}_{found.recipe.name}.tflite")
    return target, convert_by_recipe(model, target, dataset=dataset, recipe=found, **settings)


def evaluate(
    model: Path,
    *,
    data: str,
    reference: Path | None = None,
    limit: int | None = None,
    data_root: Path | None = None,
    on_progress: Progress = quiet,
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


def compare_calibrators(
    model: Path,
    *,
    data: str,
    samples: int = 500,
    limit: int | None = None,
    scheme: str = "int8",
    timeout_s: float = 3600,
    memory_bytes: int = 12 << 30,
    data_root: Path | None = None,
    on_progress: Progress = quiet,
) -> CalibrationComparisonRecord:
    """Quantise a model by every calibrator; accuracy and SQNR of each on the evaluation split."""
    from edgeq.convert import calibration
    from edgeq.data.dataset import load_dataset

    return calibration.compare_calibrators(
        model,
        load_dataset(data, data_root=data_root),
        samples=samples,
        limit=limit,
        scheme=scheme,
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        on_progress=on_progress,
    )


def sensitivity(
    model: Path,
    *,
    data: str,
    scheme: str = "int4",
    base: str | None = None,
    sort: Literal["sqnr", "accuracy"] = "sqnr",
    samples: int = 256,
    kernels: Literal["optimized", "reference"] = "optimized",
    data_root: Path | None = None,
    on_progress: Progress = quiet,
) -> SensitivityRecord:
    """What each layer costs in `scheme` while the rest has `base`, and what it saves to spare it.

    Args:
        base: None: int8 for int4, int16x8 for int8.
    """
    from edgeq.convert.sensitivity import measure_sensitivity
    from edgeq.data.dataset import load_dataset

    return measure_sensitivity(
        model,
        load_dataset(data, data_root=data_root),
        scheme=scheme,
        base=base,
        sort=sort,
        samples=samples,
        kernels=kernels,
        on_progress=on_progress,
    )
