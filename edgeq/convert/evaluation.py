"""Accuracy of the int8 model and its float source on the evaluation split; error layer by layer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.convert import metrics
from edgeq.convert.child import Progress, quiet, run_task
from edgeq.convert.metrics import Array
from edgeq.core.errors import InputError
from edgeq.core.records import EvaluationRecord, TensorErrorRecord
from edgeq.graph.ir import Graph, Node
from edgeq.graph.reader import read_model

if TYPE_CHECKING:
    from edgeq.data.dataset import Dataset, Samples

SPLIT = "evaluation"
Metric = Callable[[Array, Array, Array], float]

METRICS: dict[str, Metric] = {
    "top1": lambda x, outputs, y: metrics.top1(outputs, y),
    "auc": lambda x, outputs, y: metrics.auc(metrics.scores_of(x, outputs), y),
    "mae": lambda x, outputs, y: metrics.mae(outputs, y),
    "agreement": lambda x, outputs, y: metrics.top1(outputs, y),
}


def evaluate(
    model: Path,
    dataset: Dataset,
    *,
    reference: Path | None = None,
    limit: int | None = None,
    on_progress: Progress = quiet,
) -> EvaluationRecord:
    """Judge the .tflite `model`, and its float `reference` where given, on the evaluation split.

    Without labels an autoencoder is judged by its reconstruction (mae), any other model by its
    agreement with the reference. The .tflite runs on LiteRT's reference kernels, each model in a
    child process.

    Raises:
        InputError: there are neither labels nor a reference, or the dataset does not fit.
        ToolchainError: a child crashed, hung or ran out of memory.
    """
    read_model(model)
    samples = dataset.samples(SPLIT, limit)
    x = np.ascontiguousarray(samples.x, np.float32)
    on_progress("evaluate int8", None)
    int8, engine = _predict(model, x, on_progress)
    real = None
    if reference is not None:
        on_progress("evaluate float", None)
        real = _predict(reference, x, on_progress)[0].reshape(int8.shape)
    metric, y = _choose_metric(dataset, x, samples.y, int8, real)
    judge = METRICS[metric]
    return EvaluationRecord(
        dataset=dataset.name,
        split=SPLIT,
        samples=len(x),
        metric=metric,
        int8_value=judge(x, int8, y),
        engine=engine,
        float_value=None if real is None else judge(x, real, y),
        sqnr_db=None if real is None else metrics.sqnr_db(real, int8),
        agreement=None if real is None else _agreement(x, real, int8),
    )


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
    }
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        np.save(Path(name) / "x.npy", np.ascontiguousarray(samples.x, np.float32))
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


def _predict(model: Path, x: Array, on_progress: Progress) -> tuple[Array, str]:
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        np.save(folder / "x.npy", x)
        job = {"model": str(Path(model).resolve())}
        answer = run_task("predict", job, folder, on_progress=on_progress)
        return np.load(folder / "y.npy"), str(answer["engine"])


def _choose_metric(
    dataset: Dataset, x: Array, y: Array | None, outputs: Array, real: Array | None
) -> tuple[str, Array]:
    """Return the metric and what it judges by: labels, the inputs, or the float decisions."""
    metric: str = dataset.manifest.metric
    if metric in METRICS and y is not None:
        if metric == "auc" and len(np.unique(np.asarray(y) > 0)) < 2:
            raise InputError(
                f"dataset {dataset.name}: AUC needs positive and negative samples",
                hint="judge more samples",
            )
        return metric, np.asarray(y)
    if metrics.is_reconstruction(x, outputs):
        return "mae", x
    if real is not None:
        return "agreement", metrics.decide(real)
    raise InputError(
        f"dataset {dataset.name} has no labels to judge a model by",
        hint="name a float model to agree with (--reference), or a dataset with labels",
    )


def _agreement(x: Array, real: Array, int8: Array) -> float | None:
    """Return the share of samples both decide alike; None for reconstructions."""
    if metrics.is_reconstruction(x, int8):
        return None
    return float(np.mean(metrics.decide(real) == metrics.decide(int8)))
