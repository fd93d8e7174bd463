"""A model: look into it, train the demo, quantise, judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.api.common import Progress, quiet, read_int8

if TYPE_CHECKING:
    from edgeq.core.records import ConversionRecord, EvaluationRecord
    from edgeq.graph.inspection import Inspection


def inspect(model: Path) -> Inspection:
    """Return operators, shapes, quantisation, MACs, weights and memory over time of a .tflite."""
    from edgeq.graph.inspection import inspect_graph

    return inspect_graph(read_int8(model))


def train_demo(out: Path, *, on_progress: Progress = quiet) -> Path:
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
    on_progress: Progress = quiet,
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
