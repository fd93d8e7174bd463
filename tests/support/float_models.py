"""Random float graphs, drafts of them, and what LiteRT gives for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from edgeq.convert.metrics import Array
from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.draft import Draft, Range
from edgeq.convert.quantization.observation import activations
from edgeq.convert.quantization.scheme import LayerScheme, Scheme
from edgeq.convert.quantization.sources import restore_floats
from edgeq.convert.quantization.weights import spread
from edgeq.convert.samples import Inputs
from edgeq.graph.ir import Graph, Tensor
from tests.support.random_graphs import STEPS, random_graphs

# A float graph has no QUANTIZE.
FLOAT_STEPS = tuple(step for step in STEPS if step != "quantize")
SAMPLES = 8


@st.composite
def float_graphs(draw: st.DrawFn, steps: Sequence[str] = FLOAT_STEPS) -> Graph:
    """Return a random graph of float32."""
    return as_float(draw(random_graphs(steps)))


def as_float(graph: Graph) -> Graph:
    """Return an integer graph with the real values of its constants, and floats between."""
    return restore_floats(replace(graph, tensors=tuple(map(_real, graph.tensors))))


def _real(tensor: Tensor) -> Tensor:
    if tensor.quantization is None:
        return tensor
    data = None if tensor.data is None else real_values(tensor)
    return replace(tensor, dtype="float32", quantization=None, data=data)


def real_values(tensor: Tensor) -> Array:
    """Return the real values of a quantised constant."""
    q, data = tensor.quantization, tensor.data
    assert q is not None
    assert data is not None
    scales, zeros = (spread(np.array(v), data.ndim, q.axis) for v in (q.scales, q.zero_points))
    return np.asarray((data.astype(np.float64) - zeros) * scales, np.float32)


def noise(graph: Graph, seed: int = 0, samples: int = SAMPLES) -> Inputs:
    """Return normal samples for every input."""
    rng = np.random.default_rng(seed)
    shapes = (graph.tensor(index).shape for index in graph.inputs)
    return tuple(rng.normal(0, 1, (samples, *shape)).astype(np.float32) for shape in shapes)


def drafted(graph: Graph, scheme: LayerScheme | Scheme, inputs: Inputs) -> Draft:
    """Return the draft of a float graph, its ranges the extremes on `inputs`."""
    if isinstance(scheme, LayerScheme):
        scheme = Scheme(scheme, (), scheme.activations, scheme.activations)
    tensors = activations(graph)
    seen = [np.stack(values) for values in zip(*observer_of(inputs)(graph, tensors), strict=True)]
    ranges = {i: Range(float(v.min()), float(v.max())) for i, v in zip(tensors, seen, strict=True)}
    return Draft(graph, scheme, {}, ranges)


def outputs_of(graph: Graph, inputs: Inputs) -> list[Array]:
    """Return the real values of every output, (N, ...) each."""
    found = zip(*observer_of(inputs)(graph, graph.outputs), strict=True)
    return [np.stack(values) for values in found]
