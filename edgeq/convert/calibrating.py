"""Child side: every calibrator on one float model, from one pass over the samples."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edgeq.convert.backends import export_float, open_source
from edgeq.convert.interpreters import run_model, tflite_ports
from edgeq.convert.judgement import demand_labels
from edgeq.convert.loading import Progress
from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.calibrators import calibrate
from edgeq.convert.quantization.diagnosis import (
    clipped_layers,
    diagnose_drift,
    diagnose_ranges,
)
from edgeq.convert.quantization.draft import Draft, Observed
from edgeq.convert.quantization.drift import measure_drift, measure_halves
from edgeq.convert.quantization.observation import observe_activations, owners
from edgeq.convert.quantization.scheme import SCHEMES, Scheme
from edgeq.convert.recipes.steps import Calibrate
from edgeq.convert.road import draft_model, finish
from edgeq.convert.samples import Inputs, load_inputs
from edgeq.core.errors import InputError
from edgeq.core.records import DriftRecord
from edgeq.core.units import short_name
from edgeq.data.ports import fit_inputs
from edgeq.graph.reader import read_model

SPLITS = ("representative", "evaluation")


def compare_methods(job: Mapping[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Quantise by each calibrator; write real.npy and METHOD.npy, the outputs on the evaluation.

    Returns:
        For each method its seconds and the layer whose range clips most; drift from the samples
        that calibrate to those that judge, and what looks wrong about both.

    Raises:
        InputError: the source is refused or does not fit the samples, or the labels do not fit its
            outputs: they are looked at before anything is calibrated.
        ToolchainError: a layer cannot have the types asked for.
    """
    source, floating = Path(job["source"]), folder / "float.tflite"
    progress("float model", None)
    loaded = open_source(source)
    ports = tflite_ports(source) if loaded is None else loaded.inputs
    x, judged = (
        fit_inputs(source, ports, load_inputs(folder, name=name), job["names"]) for name in SPLITS
    )
    model = loaded.tracked if loaded is not None and loaded.keras else None
    export_float(source, loaded, tuple(values[:1] for values in x), floating)
    _check_labels(job["metric"], floating, folder)
    draft = draft_model(floating, Scheme(SCHEMES[job["scheme"]]), model=model, inputs=x)
    real = run_model(floating, judged)[0]
    if not np.isfinite(real).all():
        raise InputError(
            f"{source.name} gives NaN or infinity on the evaluation samples",
            hint="check the dataset's range",
        )
    np.save(folder / "real.npy", real)
    progress("statistics", None)
    draft = observe_activations(draft, observer_of(x), len(x[0]))
    methods = [_run_method(draft, m, (x, judged), folder, progress) for m in job["methods"]]
    progress("drift", None)
    drift, warnings = _diagnose(draft, judged)
    return {
        "methods": methods,
        "drift": msgspec.to_builtins(drift),
        "warnings": (*diagnose_ranges(draft), *warnings),
    }


def _check_labels(metric: str | None, floating: Path, folder: Path) -> None:
    """Refuse labels that the metric cannot hold against the model's first output."""
    graph = read_model(floating)
    if metric is not None and any(folder.glob("labels0.npy")):
        outputs = np.zeros(graph.tensor(graph.outputs[0]).shape, np.float32)
        demand_labels(metric, outputs, load_inputs(folder, name="labels")[0])


def _run_method(
    draft: Draft,
    method: Mapping[str, Any],
    samples: tuple[Inputs, Inputs],
    folder: Path,
    progress: Progress,
) -> dict[str, Any]:
    x, judged = samples
    assert draft.observed is not None
    name, params = str(method["name"]), msgspec.convert(method["params"], Calibrate)
    progress(name, None)
    began = time.monotonic()
    params = msgspec.structs.replace(params, samples=draft.observed.limit)
    calibrated = calibrate(draft, observer_of(x), params)
    path = folder / f"{name}.tflite"
    path.write_bytes(finish(calibrated))
    seconds = time.monotonic() - began
    np.save(folder / f"{name}.npy", run_model(path, judged)[0])
    return {"name": name, "seconds": seconds, "clipped": _most_clipped(calibrated)}


def _most_clipped(draft: Draft) -> tuple[str, float] | None:
    """Return the layer that loses the largest share of its values to its range, if any loses."""
    layers = clipped_layers(draft)
    if not layers or layers[0][1] == 0:
        return None
    tensor, share = layers[0]
    return short_name(owners(draft)[tensor]), share


def _diagnose(draft: Draft, judged: Inputs) -> tuple[DriftRecord, tuple[str, ...]]:
    """Return the drift to the samples that judge, as many as calibrated at most, and warnings."""
    assert draft.observed is not None
    known: Observed = draft.observed
    other = observe_activations(replace(draft, observed=None), observer_of(judged), known.limit)
    assert other.observed is not None
    drift = measure_drift(draft, known.tensors, other.observed.tensors, names=SPLITS)
    return drift, diagnose_drift(drift, measure_halves(draft))
