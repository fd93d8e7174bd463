"""The choice among calibrators, layer by layer, by the error at the model's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.assembly import quantize_graph
from edgeq.convert.quantization.draft import Draft, Observer, Range
from edgeq.graph.ir import Graph

Ranges = Mapping[int, Range]
JUDGING = 200  # samples at most that judge a choice
WORTH = 0.99  # share of the error that a choice must stay below: less is chance
# Behind these the error of a few samples near a decision outweighs that of all others. True: what
# all values of a row have in common changes nothing.
_SQUASHING = {"SOFTMAX": True, "LOG_SOFTMAX": True, "LOGISTIC": False, "TANH": False}


def choose_ranges(draft: Draft, observe: Observer, candidates: Mapping[str, Ranges]) -> Ranges:
    """Return for each activation the candidate's range that leaves the least error at the outputs.

    The best candidate for all layers is the start; then each layer, first to last, takes the range
    by which the quantised model comes closest to the float one. Beside an output that a softmax
    makes, what feeds it is compared, less each row's mean.

    Args:
        draft: with ranges for the activations that the candidates leave alone.
        candidates: calibrator -> activation -> range, of the same activations.
    """
    judge = _Judge.of(draft, observe)
    errors = {name: judge.error({**draft.ranges, **ranges}) for name, ranges in candidates.items()}
    start = min(errors, key=lambda name: errors[name])
    chosen, least = dict(candidates[start]), errors[start]
    for tensor in chosen:
        for kept in dict.fromkeys(ranges[tensor] for ranges in candidates.values()):
            if kept != chosen[tensor]:
                error = judge.error({**draft.ranges, **chosen, tensor: kept})
                if error < WORTH * least:
                    chosen[tensor], least = kept, error
    return chosen


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """The float model's values on the samples that judge, at the tensors that are compared."""

    draft: Draft
    observe: Observer
    compared: Mapping[str, bool]
    real: tuple[NDArray[Any], ...]

    @classmethod
    def of(cls, draft: Draft, observe: Observer) -> _Judge:
        """Return the judge of a draft."""
        compared = _compared_tensors(draft.graph)
        names = {draft.graph.tensor(index).name: row for index, row in compared.items()}
        return cls(draft, observe, names, _run(draft.graph, compared, observe))

    def error(self, ranges: Ranges) -> float:
        """Return the squared error over the squared values, summed over the tensors compared."""
        graph = quantize_graph(replace(self.draft, ranges=ranges))
        places = {tensor.name: tensor.index for tensor in reversed(graph.tensors)}
        compared = {places[name]: row for name, row in self.compared.items()}
        pairs = zip(self.real, _run(graph, compared, self.observe), strict=True)
        return sum(float(np.sum((a - b) ** 2) / max(np.sum(a**2), 1e-30)) for a, b in pairs)


def _compared_tensors(graph: Graph) -> dict[int, bool]:
    """Return the outputs and what feeds those that are squashed; whether rows lose their mean."""
    makers = {index: node for node in graph.nodes for index in node.outputs}
    found = dict.fromkeys(graph.outputs, False)
    for index in graph.outputs:
        node = makers.get(index)
        if node is not None and node.op in _SQUASHING:
            found[node.inputs[0]] = _SQUASHING[node.op]
    return {i: row for i, row in found.items() if graph.tensor(i).dtype == "float32"}


def _run(
    graph: Graph, compared: Mapping[int, bool], observe: Observer
) -> tuple[NDArray[np.float64], ...]:
    """Return the values (N, ...) of tensors, where asked for less each row's mean."""
    rows = [list(values) for values in islice(observe(graph, tuple(compared)), JUDGING)]
    columns = (np.stack(column).astype(np.float64) for column in zip(*rows, strict=True))
    return tuple(
        values - values.mean(axis=-1, keepdims=True) if centred else values
        for values, centred in zip(columns, compared.values(), strict=True)
    )
