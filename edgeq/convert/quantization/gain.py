"""Gains: what a step did to the network's output and to each layer's, on samples it did not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.metrics import ratio_db
from edgeq.convert.quantization.assembly import quantize_graph
from edgeq.convert.quantization.draft import Draft, Observer
from edgeq.convert.quantization.products import products_of
from edgeq.convert.quantization.reconstruction import HELD, computing
from edgeq.graph.ir import Graph


@dataclass(frozen=True, slots=True)
class Quality:
    """SQNR in dB against the float network: of the first output, and by layer name."""

    output: float
    layers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Gain:
    """The quality before and after a step; `output` below nought: the step did harm."""

    before: Quality
    after: Quality

    @property
    def output(self) -> float:
        """How many dB the output gained."""
        return self.after.output - self.before.output

    @property
    def layers(self) -> dict[str, float]:
        """How many dB each layer gained."""
        return {n: v - self.before.layers[n] for n, v in self.after.layers.items()}


def gain(before: Draft, after: Draft, observe: Observer) -> Gain:
    """Return what the step from `before` to `after` gained; both can be quantised."""
    return Gain(measure_quality(before, observe), measure_quality(after, observe))


def measure_quality(draft: Draft, observe: Observer) -> Quality:
    """Return the SQNR of the draft, quantised, against its float graph on the held samples.

    With fewer than HELD samples all count. Layers are those with weights, by name, each behind
    its fused activation; graph steps do not change what the float graph computes.

    Raises:
        ToolchainError: the draft cannot be quantised.
    """
    graph, quantized = draft.graph, quantize_graph(draft)
    products = products_of(draft)
    homes = _homes(graph, quantized)
    real = [*(p.output for p in products), graph.outputs[0]]
    made = [*(homes[p.output] for p in products), quantized.outputs[0]]
    held, learned = np.zeros((len(real), 2)), np.zeros((len(real), 2))
    pairs = zip(observe(graph, real), observe(quantized, made), strict=True)
    for number, (wanted, given) in enumerate(pairs):
        power = held if number % HELD == HELD - 1 else learned
        power += [_powers(a, b) for a, b in zip(wanted, given, strict=True)]
    shares = [ratio_db(float(s), float(n)) for s, n in (held if held.any() else learned)]
    names = [p.name for p in products]
    return Quality(shares[-1], dict(zip(names, shares[:-1], strict=True)))


def _homes(graph: Graph, quantized: Graph) -> dict[int, int]:
    """Return where the outputs of the float graph's operators stand in the quantised one."""
    places = zip(computing(graph.nodes), computing(quantized.nodes), strict=True)
    return {
        index: made
        for a, b in places
        for index, made in zip(graph.nodes[a].outputs, quantized.nodes[b].outputs, strict=True)
    }


def _powers(wanted: NDArray[Any], given: NDArray[Any]) -> tuple[float, float]:
    """Return the energy of the float values, and of the error."""
    real = np.asarray(wanted, np.float64)
    return float(np.sum(real**2)), float(np.sum((real - given) ** 2))
