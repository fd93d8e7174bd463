"""The draft: a float graph on its way to integers, handed from step to step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.quantization.statistics import TensorStatistics
from edgeq.graph.ir import Graph


@dataclass(frozen=True, slots=True)
class Range:
    """The real values that an activation tensor must hold; low <= high."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Statistics of a graph's activations over calibration samples, kept for every calibrator.

    Attributes:
        graph: the very graph that ran; another one needs statistics of its own.
        limit: samples asked for at most; `momentum` of the moving averages.
        tensors: activation tensor -> statistics of all samples.
        halves: the same of the first and of the second half of the samples; none of one sample.
    """

    graph: Graph
    limit: int
    momentum: float
    tensors: Mapping[int, TensorStatistics]
    halves: tuple[Mapping[int, TensorStatistics], ...]

    @property
    def samples(self) -> int:
        """Samples that ran."""
        return max((s.samples for s in self.tensors.values()), default=0)


@dataclass(frozen=True, slots=True, eq=False)
class QuantizedWeights:
    """Integers of a constant: real = scales * values along `axis`, zero point 0.

    `values` is int8 (int4 within -8..7, narrow range -7..7); `scales` float32 (channels,) or (1,).
    """

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    axis: int


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A float graph and what is decided about its integers so far; every step returns a new one.

    Attributes:
        graph: the float graph; weights are float32 constants.
        scheme: the types asked for, by layer name.
        layers: node index -> name of the Keras layer that the node computes (where it has one).
        ranges: activation tensor -> range.
        weights: constant tensor -> integers already fixed (learned rounding, codebooks, QAT).
        biases: constant tensor -> float32 bias that replaces the graph's (bias correction).
        observed: statistics of activations, once a step asked for them.
        notes: what training decided, by Keras layer name; the assembly keeps to it.
    """

    graph: Graph
    scheme: Scheme
    layers: Mapping[int, str]
    ranges: Mapping[int, Range] = field(default_factory=dict)
    weights: Mapping[int, QuantizedWeights] = field(default_factory=dict)
    biases: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    observed: Observed | None = None
    notes: Mapping[str, LayerNotes] = field(default_factory=dict)


# Runs a graph (float or quantised) on the representative samples and yields, for each sample, the
# real values (dequantised, float32) of the tensors asked for. The child gives LiteRT's.
Observer = Callable[[Graph, Sequence[int]], Iterator[Sequence[NDArray[Any]]]]


@dataclass(frozen=True, slots=True, eq=False)
class LayerNotes:
    """What training decided about one Keras layer, for the draft made of its float export.

    Attributes:
        output: learned range of the layer's output (behind its fused activation).
        input: learned range of the model's inputs that the layer reads.
        bits: weight bits that training imitated (8 or 4), None if it left them.
        per_channel: whether training imitated one scale a channel.
        codebook: ascending int8 values; every weight is one of them times its channel's scale.
        frozen_zeros: weights that are zero stay zero in every later step.
    """

    output: Range | None = None
    bits: int | None = None
    per_channel: bool = True
    codebook: tuple[int, ...] | None = None
    frozen_zeros: bool = False
    input: Range | None = None
