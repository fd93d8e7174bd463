"""Accuracy of the int8 model and its float source on the evaluation split; error layer by layer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec.structs import replace

from edgeq.convert import metrics
from edgeq.convert.child import Progress, quiet, run_task
from edgeq.convert.detections import judged_outputs, layout_of, postprocess_order
from edgeq.convert.intervals import wilson
from edgeq.convert.judgement import (
    METRICS,
    ClassFigure,
    Metric,
    demand_labels,
    interval_record,
    judge_change,
    likeness,
)
from edgeq.convert.metrics import Array
from edgeq.convert.samples import Inputs, joined, load_inputs, save_inputs
from edgeq.core.errors import InputError, did_you_mean
from edgeq.core.records import ClassRecord, EvaluationRecord, MetricRecord, TensorErrorRecord
from edgeq.data.manifest import BOX_METRICS
from edgeq.graph.ir import Graph, Node
from edgeq.graph.reader import read_model

if TYPE_CHECKING:
    from edgeq.data.dataset import Dataset, Samples

SPLIT = "evaluation"


def evaluate(
    model: Path,
    dataset: Dataset,
    *,
    reference: Path | None = None,
    limit: int | None = None,
    on_progress: Progress = quiet,
) -> EvaluationRecord:
    """Judge the .tflite `model`, and its float `reference` where given, on the evaluation split.

    Of several outputs the metric judges the manifest's `output`, else the first; SQNR and cosine
    are over all, and left out where a detector gives lists. Without labels an autoencoder is
    judged by its reconstruction (mae), any other model by its agreement with the reference. The
    .tflite runs on LiteRT's reference kernels, each model in a child process.

    Raises:
        InputError: there are neither labels nor a reference, or the dataset does not fit.
        ToolchainError: a child crashed, hung or ran out of memory.
    """
    read_model(model)
    samples = dataset.samples(SPLIT, limit)
    x = samples.x
    on_progress("evaluate int8", None)
    given = _predict(model, samples, on_progress)
    layout = layout_of(dataset.manifest)
    alike = layout is None or not layout.lists  # the order of lists depends on the scores
    int8, real, wanted = _judged(dataset, model, given), None, None
    if reference is not None:
        on_progress("evaluate float", None)
        wanted = _predict(reference, samples, on_progress)
        if alike:
            wanted = wanted._replace(outputs=_like(wanted.outputs, given.outputs, reference))
        real = _judged(dataset, reference, wanted)
    metric, y = choose_metric(dataset, x, samples.y, int8, real)
    row = METRICS[metric]
    record = EvaluationRecord(
        dataset=dataset.name,
        split=SPLIT,
        samples=len(x),
        metric=metric,
        int8_value=row.value(x, int8, y),
        int8_interval=interval_record(row.interval(x, int8, y)),
        engine=given.engine,
        float_value=None,
        sqnr_db=None,
        agreement=None,
        also=_also(row, x, int8, real, y),
        classes=_classes(row, dataset.manifest.labels, int8, real, y),
    )
    if real is None or wanted is None:
        return record
    record = _compare(record, x, real, int8, y)
    return _compare_all(record, joined(wanted.outputs), joined(given.outputs)) if alike else record


def _compare(
    record: EvaluationRecord, x: Array, real: Array, int8: Array, y: Array
) -> EvaluationRecord:
    """Return the record with what the float model's judged output `real` says."""
    metric = record.metric
    row = METRICS[metric]
    alike = None if row.boxes else _agreement(x, real, int8)
    judged = metric != "agreement"  # a model agrees with itself
    return replace(
        record,
        float_value=row.value(x, real, y),
        float_interval=interval_record(row.interval(x, real, y)) if judged else None,
        change=judge_change(metric, x, real, int8, y) if judged else None,
        agreement=None if alike is None else alike / len(x),
        agreement_interval=None if alike is None else interval_record(wilson(alike, len(x))),
    )


def _compare_all(record: EvaluationRecord, real: Array, int8: Array) -> EvaluationRecord:
    """Return the record with the likeness of all outputs (N, elements)."""
    sqnr_interval, cosine, cosine_interval = likeness(real, int8)
    return replace(
        record,
        sqnr_db=metrics.sqnr_db(real, int8),
        sqnr_interval=sqnr_interval,
        cosine=cosine,
        cosine_interval=cosine_interval,
    )


def _also(
    row: Metric, x: Array, int8: Array, real: Array | None, y: Array
) -> tuple[MetricRecord, ...]:
    """Return the metric that is told beside the one that judges, if there is one."""
    if row.also is None:
        return ()
    other = METRICS[row.also]
    record = MetricRecord(
        metric=row.also,
        int8_value=other.value(x, int8, y),
        int8_interval=interval_record(other.interval(x, int8, y)),
    )
    if real is None:
        return (record,)
    told = replace(
        record,
        float_value=other.value(x, real, y),
        float_interval=interval_record(other.interval(x, real, y)),
        change=judge_change(row.also, x, real, int8, y),
    )
    return (told,)


def _classes(
    row: Metric, labels: Sequence[str], int8: Array, real: Array | None, y: Array
) -> tuple[ClassRecord, ...]:
    """Return each class's average precision, for a metric that has one."""
    if row.by_class is None:
        return ()
    found = {figure.label: figure for figure in row.by_class(int8, y)}
    floats = {} if real is None else {f.label: f.value for f in row.by_class(real, y)}
    records = []
    for label in sorted({*(range(len(labels)) if row.boxes else ()), *found}):
        figure = found.get(label, ClassFigure(label, 0, None))
        name = labels[label] if label < len(labels) else str(label)
        records.append(
            ClassRecord(
                label=name,
                positives=figure.positives,
                int8_value=figure.value,
                float_value=floats.get(label),
            )
        )
    return tuple(records)


def _judged(dataset: Dataset, model: Path, given: _Predicted) -> Array:
    """Return what the metric judges of a model's outputs: one of them, or detections."""
    layout = layout_of(dataset.manifest)
    if layout is not None and layout.lists:
        order = postprocess_order(read_model(model)) if model.suffix == ".tflite" else None
        return judged_outputs(given.outputs, layout, order)
    return judged_outputs(given.outputs[_judged_output(dataset, given.names) :], layout)


def _judged_output(dataset: Dataset, names: Sequence[str]) -> int:
    """Return the place of the output that the metric judges: the manifest's, else the first."""
    wanted = dataset.manifest.output
    if not wanted or len(names) == 1:
        return 0
    if wanted not in names:
        raise InputError(
            f"dataset {dataset.name} judges the output {wanted!r}.{did_you_mean(wanted, names)}",
            hint=f"the model's outputs are: {', '.join(names)}",
        )
    return list(names).index(wanted)


def _like(real: Inputs, int8: Inputs, reference: Path) -> Inputs:
    """Return the reference's outputs in the shapes of the int8 model's."""
    if [value.size for value in real] != [value.size for value in int8]:
        raise InputError(
            f"{reference} gives outputs of other sizes than the int8 model",
            hint="name the float model that the int8 one was made of",
        )
    return tuple(a.reshape(b.shape) for a, b in zip(real, int8, strict=True))


def layer_errors(
    float_tflite: Path, int8_tflite: Path, samples: Samples
) -> tuple[TensorErrorRecord, ...]:
    """Return the SQNR in dB of each int8 operator's output against the float model's tensor.

    Tensors are matched by name; by place where both graphs have the same operators in order. What
    has no partner is left out.
    """
    floating, int8 = read_model(float_tflite), read_model(int8_tflite)
    matched = match_outputs(floating, int8)
    job = {
        "float": str(Path(float_tflite).resolve()),
        "int8": str(Path(int8_tflite).resolve()),
        "pairs": [(a, node.outputs[0]) for a, node in matched],
        "names": samples.names,
    }
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        save_inputs(Path(name), samples.inputs)
        answer = run_task("compare", job, Path(name))
    return tuple(
        TensorErrorRecord(
            index=node.index, name=int8.tensor(node.outputs[0]).name, op=node.op, sqnr_db=sqnr
        )
        for (_, node), sqnr in zip(matched, answer["sqnr_db"], strict=True)
    )


def match_outputs(floating: Graph, int8: Graph) -> tuple[tuple[int, Node], ...]:
    """Return (tensor of the float graph, node of the int8 graph) for outputs of equal meaning."""
    inner = [n for n in int8.nodes if n.op not in ("QUANTIZE", "DEQUANTIZE")]
    aligned = [n.op for n in inner] == [n.op for n in floating.nodes]
    named = {floating.tensor(n.outputs[0]).name: n.outputs[0] for n in floating.nodes}
    found = []
    for place, node in enumerate(inner):
        tensor = int8.tensor(node.outputs[0])
        partner = floating.nodes[place].outputs[0] if aligned else named.get(tensor.name)
        if partner is not None and floating.tensor(partner).elements == tensor.elements:
            found.append((partner, node))
    return tuple(found)


class _Predicted(NamedTuple):
    """A model's outputs (N, ...), what it calls them, and the engine that ran it."""

    outputs: Inputs
    names: tuple[str, ...]
    engine: str


def _predict(model: Path, samples: Samples, on_progress: Progress) -> _Predicted:
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        save_inputs(folder, samples.inputs)
        job = {"model": str(Path(model).resolve()), "names": samples.names}
        answer = run_task("predict", job, folder, on_progress=on_progress)
        outputs = load_inputs(folder, name="y")
        if not all(np.isfinite(value).all() for value in outputs):
            raise InputError(
                f"{Path(model).name} gives NaN or infinity on the {SPLIT} samples",
                hint="check the model's weights and the dataset's range",
            )
        return _Predicted(outputs, tuple(answer["outputs"]), str(answer["engine"]))


def choose_metric(
    dataset: Dataset, x: Array, y: Array | None, outputs: Array, real: Array | None
) -> tuple[str, Array]:
    """Return the metric and what it judges by: labels, the inputs, or the float decisions."""
    metric: str = dataset.manifest.metric
    if metric in METRICS and y is not None:
        demand_labels(metric, outputs, np.asarray(y))
        return metric, np.asarray(y)
    if metric in BOX_METRICS:
        raise InputError(
            f"dataset {dataset.name} has no boxes to judge a detector by",
            hint="read them with the coco reader, or name their array in the manifest",
        )
    if metrics.is_reconstruction(x, outputs):
        return "mae", x
    if real is not None:
        return "agreement", metrics.decide(real)
    raise InputError(
        f"dataset {dataset.name} has no labels to judge a model by",
        hint="name a float model to agree with (--reference), or a dataset with labels",
    )


def _agreement(x: Array, real: Array, int8: Array) -> int | None:
    """Return how many samples both decide alike; None for reconstructions."""
    if metrics.is_reconstruction(x, int8):
        return None
    return int(np.sum(metrics.decide(real) == metrics.decide(int8)))
