"""Child side: the road of a conversion by edgeq's own quantiser, in steps that recipes use too.

source -> float .tflite -> draft (named, calibrated) -> graph of integers -> .tflite
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.assembly import layer_name, quantize_graph
from edgeq.convert.quantization.calibrators import calibrate
from edgeq.convert.quantization.draft import Draft, LayerNotes
from edgeq.convert.quantization.forms import choose_forms
from edgeq.convert.quantization.names import match_layers
from edgeq.convert.quantization.observation import activations
from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.quantization.sources import restore_floats
from edgeq.convert.recipes.steps import Calibrate
from edgeq.convert.samples import Inputs
from edgeq.core.errors import InputError, did_you_mean
from edgeq.graph.ir import Graph
from edgeq.graph.reader import read_model
from edgeq.graph.writer import write_graph

_SEED = 1


def draft_model(
    floating: Path,
    scheme: Scheme,
    *,
    model: Any = None,
    inputs: Inputs = (),
    notes: Mapping[str, LayerNotes] | None = None,
) -> Draft:
    """Return the draft of a float .tflite, without ranges.

    Args:
        floating: the float .tflite.
        model: the Keras model that it was exported from, None without one: then layers are named
            by the output tensors of their operators.
        inputs: samples (N, ...), of which names need one.
        notes: what training decided, by Keras layer name.

    Raises:
        InputError: the .tflite is quantised already.
    """
    graph = choose_forms(restore_floats(read_model(floating)), scheme)
    layers = name_layers(graph, model, inputs) if model is not None else {}
    return Draft(graph, scheme, layers, notes=notes or {})


def check_scopes(draft: Draft) -> None:
    """Refuse a scheme that says something of layers which are not there: a name was mistyped.

    Raises:
        InputError: naming the expression and the layers that there are.
    """
    known = dict.fromkeys(layer_name(draft, node) for node in draft.graph.nodes if node.outputs)
    for scope in draft.scheme.scopes:
        if not any(re.fullmatch(scope.layers, name) for name in known):
            raise InputError(
                f"no layer has the name {scope.layers!r}.{did_you_mean(scope.layers, known)}",
                hint=f"its layers are: {', '.join(known)}"[:500],
            )


def name_layers(graph: Graph, model: Any, inputs: Inputs) -> dict[int, str]:
    """Return node index -> Keras layer name, told by the values that noise gives.

    Noise of the first sample's size, so that no two layers agree by chance; integers as they are.
    """
    from edgeq.convert.tracing import trace_layers

    rng = np.random.default_rng(_SEED)
    sample = tuple(_noise_like(x[:1], rng) for x in inputs)
    tensors = activations(graph)
    (values,) = observer_of(sample)(graph, tensors)
    shapes = [graph.tensor(index).shape for index in graph.inputs]
    fed = tuple(x.reshape(shape) for x, shape in zip(sample, shapes, strict=True))
    calls = trace_layers(model, fed)
    return match_layers(graph, dict(zip(tensors, values, strict=True)), calls)


def name_tensors(draft: Draft) -> dict[str, str]:
    """Return the names of layers by those of the tensors that they give."""
    graph = draft.graph
    return {
        graph.tensor(index).name: draft.layers[node.index]
        for node in graph.nodes
        for index in node.outputs
        if node.index in draft.layers
    }


def _noise_like(x: Any, rng: np.random.Generator) -> Any:
    if x.dtype.kind != "f":
        return x
    peak = float(np.max(np.abs(x), initial=0.0)) or 1.0
    return rng.uniform(-peak, peak, x.shape).astype(np.float32)


def finish(draft: Draft) -> bytes:
    """Return the .tflite of a draft's integers.

    Raises:
        ToolchainError: a layer cannot have the types asked for, or a range is missing.
    """
    return write_graph(quantize_graph(draft))


def keep_extremes(draft: Draft, inputs: Inputs) -> Draft:
    """Return a draft calibrated by min-max on samples (N, ...), where it has static layers."""
    if all(scheme.mode != "static" for scheme in schemes_of(draft.scheme)):
        return draft
    return calibrate(draft, observer_of(inputs), Calibrate(samples=len(inputs[0])))


def schemes_of(scheme: Scheme) -> tuple[Any, ...]:
    """Return every layer scheme that a scheme may give."""
    return (scheme.default, *(scope.scheme for scope in scheme.scopes))
