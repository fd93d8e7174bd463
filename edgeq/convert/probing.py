"""Child side: a model quantised again and again, one layer other than the rest, and judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from edgeq.convert.detections import Layout, judged_outputs
from edgeq.convert.interpreters import run_model
from edgeq.convert.judgement import METRICS, interval_record, judge_change, likeness
from edgeq.convert.loading import source_ports
from edgeq.convert.metrics import Array, sqnr_db
from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.assembly import layer_name, quantize_graph
from edgeq.convert.quantization.calibrators import calibrate
from edgeq.convert.quantization.draft import Draft, Observer
from edgeq.convert.quantization.observation import observe_activations
from edgeq.convert.quantization.rules import filter_input
from edgeq.convert.quantization.scheme import PORTS, SCHEMES, LayerScheme, Scheme, Scope
from edgeq.convert.recipes.export import FLOAT, write_float
from edgeq.convert.recipes.gains import Gauge
from edgeq.convert.recipes.materials import Labelled, load_materials
from edgeq.convert.recipes.steps import Calibrate
from edgeq.convert.road import draft_model
from edgeq.convert.training.session import Progress
from edgeq.core.errors import ToolchainError
from edgeq.core.records.sensitivity import FigureRecord, LayerSensitivityRecord
from edgeq.graph.ir import Graph
from edgeq.graph.writer import write_graph


class Layer(NamedTuple):
    """A layer by name: its operators and the number of its weights."""

    name: str
    ops: tuple[str, ...]
    weights: int


class Judge(NamedTuple):
    """The samples that judge, the float model's outputs on them, and the kernels that run."""

    samples: Labelled
    real: Array
    metric: str | None
    kernels: str
    folder: Path
    layout: Layout | None

    def outputs(self, graph: Graph) -> Array:
        """Return a graph's first output (N, ...)."""
        if self.kernels == "reference":
            path = self.folder / "probed.tflite"
            path.write_bytes(write_graph(graph))
            return run_model(path, self.samples.x)[0]
        found = observer_of(self.samples.x)(graph, graph.outputs[:1])
        return np.stack([value.reshape(self.real.shape[1:]) for (value,) in found])

    def figure(self, outputs: Array, base: Array | None = None) -> FigureRecord:
        """Return how outputs do, against those of the base model where given."""
        sqnr, _, _ = likeness(self.real, outputs)
        record = FigureRecord(sqnr_db=sqnr_db(self.real, outputs), sqnr_interval=sqnr)
        if self.metric is None:
            return record
        x, y, row = self.samples.x[0], self.samples.y, METRICS[self.metric]
        target = x if y is None else y
        given, change = self.read(outputs), None
        if base is not None:
            change = judge_change(self.metric, x, self.read(base), given, target)
        return msgspec.structs.replace(
            record,
            value=row.value(x, given, target),
            interval=interval_record(row.interval(x, given, target)),
            change=change,
        )

    def read(self, outputs: Array) -> Array:
        """Return what the metric judges of the first output."""
        return judged_outputs((outputs,), self.layout)


class Probe:
    """A draft whose scheme is changed, layer by layer; statistics are gathered once."""

    def __init__(self, draft: Draft, observe: Observer, samples: int, base: str, low: str) -> None:
        self._observe, self._params = observe, Calibrate(samples=samples)
        self._draft = observe_activations(draft, observe, samples, self._params.momentum)
        self.base, self.low = SCHEMES[base], SCHEMES[low]

    def graph(self, default: LayerScheme, others: dict[str, LayerScheme]) -> Graph:
        """Return the graph whose layers have `default`, those of `others` another scheme.

        Raises:
            ToolchainError: a layer cannot have its types.
        """
        scopes = tuple(Scope(re.escape(name), scheme) for name, scheme in others.items())
        port = PORTS[self.base.activations][0]
        draft = replace(self._draft, scheme=Scheme(default, scopes, port, port), ranges={})
        if any(scheme.mode == "static" for scheme in (default, *others.values())):
            draft = calibrate(draft, self._observe, self._params)
        return quantize_graph(draft)

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers on which both schemes differ, in the order of the graph.

        Schemes that differ in weights alone leave layers without weights as they are.
        """
        narrow = replace(self.low, weights=self.base.weights, per_channel=self.base.per_channel)
        found: dict[str, Layer] = {}
        for node in self._draft.graph.nodes:
            place, name = filter_input(node), layer_name(self._draft, node)
            known = found.get(name, Layer(name, (), 0))
            tensor = None if place is None else self._draft.graph.tensor(node.inputs[place])
            weights = tensor.elements if tensor is not None and tensor.is_constant else 0
            found[name] = Layer(name, (*known.ops, node.op), known.weights + weights)
        return tuple(f for f in found.values() if f.weights or narrow != self.base)


def probe_layers(job: dict[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Return the figures of the base model, of the lowered one, and of each layer."""
    source = Path(job["source"])
    materials = load_materials(folder, job, source_ports(source))
    calibration, judged = materials.calibration, materials.watched
    progress("float model", None)
    model, _ = write_float(source, folder, calibration.x)
    real = run_model(folder / FLOAT, judged.x)[0]
    metric = Gauge(judged, real, materials.metric, materials.layout).metric
    judge = Judge(judged, real, metric, job["kernels"], folder, materials.layout)
    forms = Scheme(SCHEMES[job["base"]])
    draft = draft_model(folder / FLOAT, forms, model=model, inputs=calibration.x)
    progress("statistics", None)
    observe = observer_of(calibration.x)
    probe = Probe(draft, observe, len(calibration), job["base"], job["scheme"])
    base = judge.outputs(probe.graph(probe.base, {}))
    layers = probe.layers()
    refused = dict(_refusals(probe, layers))
    kept = dict.fromkeys(refused, probe.base)
    lowered = judge.outputs(probe.graph(probe.low, kept))
    rows = []
    for place, layer in enumerate(layers):
        progress(f"layer {layer.name}", place / len(layers))
        row = LayerSensitivityRecord(layer=layer.name, ops=layer.ops, weights=layer.weights)
        if layer.name in refused:
            rows.append(msgspec.structs.replace(row, refusal=refused[layer.name]))
            continue
        alone = judge.outputs(probe.graph(probe.base, {layer.name: probe.low}))
        spared = judge.outputs(probe.graph(probe.low, {**kept, layer.name: probe.base}))
        rows.append(
            msgspec.structs.replace(
                row, lowered=judge.figure(alone, base), spared=judge.figure(spared, base)
            )
        )
    answer = {
        "metric": metric,
        "base": judge.figure(base),
        "all_lowered": judge.figure(lowered, base),
        "layers": rows,
    }
    found: dict[str, Any] = msgspec.to_builtins(answer)
    return found


def _refusals(probe: Probe, layers: tuple[Layer, ...]) -> Iterator[tuple[str, str]]:
    """Yield the layers that cannot have the low scheme, with the reason."""
    for layer in layers:
        try:
            probe.graph(probe.base, {layer.name: probe.low})
        except ToolchainError as error:
            yield layer.name, error.cause
