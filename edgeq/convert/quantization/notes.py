"""What training decided about layers, brought into a draft: learned ranges, codebooks, scales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgeq.convert.quantization.draft import Draft, LayerNotes, QuantizedWeights, Range
from edgeq.convert.quantization.rules import activation_inputs, filter_input, rule_of
from edgeq.convert.quantization.scheme import WEIGHT_BITS
from edgeq.convert.quantization.weights import fit_codebook, quantize_weights, restore
from edgeq.graph.ir import Graph, Node

LOST = 1e-2  # share of the largest weight: nearer ones are of the codebook, but for rounding


def settle_notes(draft: Draft) -> Draft:
    """Return the draft with the ranges and weights that its notes ask for.

    A learned range holds for the layer's last tensor and for all that hands its values on. A
    codebook overrules weights that another step fixed; one scale for all channels does not.
    """
    ranges, weights = dict(draft.ranges), dict(draft.weights)
    for node in draft.graph.nodes:
        note = draft.notes.get(draft.layers.get(node.index, ""))
        if note is None:
            continue
        if note.output is not None and _is_last(draft, node):
            ranges.update(_spread_range(draft.graph, node.outputs[0], note.output))
        if note.input is not None:
            for index in set(node.inputs) & set(draft.graph.inputs):
                ranges.update(_spread_range(draft.graph, index, note.input))
        fixed = _fix_weights(draft, node, note)
        if fixed is not None and (note.codebook or fixed[0] not in weights):
            weights[fixed[0]] = fixed[1]
    return replace(draft, ranges=ranges, weights=weights)


def lost_codebooks(draft: Draft) -> Iterator[str]:
    """Yield the layers whose weights are no longer of the codebook that training gave them.

    A factor that the export brought into them, of their inputs or of channels that share a scale,
    makes them others. Weights that stay float need no codebook.
    """
    for node in draft.graph.nodes:
        name = draft.layers.get(node.index, "")
        note = draft.notes.get(name)
        fixed = _fix_weights(draft, node, note) if note is not None and note.codebook else None
        real = None if fixed is None else draft.graph.tensor(fixed[0]).data
        if fixed is None or real is None:
            continue
        gap = np.max(np.abs(restore(fixed[1]) - real), initial=0.0)
        if gap > LOST * np.max(np.abs(real), initial=0.0):
            yield name


def _is_last(draft: Draft, node: Node) -> bool:
    """Whether a node gives its layer's output: no reader belongs to the layer."""
    layer = draft.layers.get(node.index)
    readers = (n for n in draft.graph.nodes if node.outputs[0] in n.inputs)
    return all(draft.layers.get(reader.index) != layer for reader in readers)


def _spread_range(graph: Graph, tensor: int, span: Range) -> Iterator[tuple[int, Range]]:
    """Yield a tensor and those that only hand its values on, with the range."""
    yield tensor, span
    for node in graph.nodes:
        rule = rule_of(node)
        alone = activation_inputs(graph, node) == (0,) and node.inputs[0] == tensor
        if rule is not None and rule.selects and alone:
            for output in node.outputs:
                yield from _spread_range(graph, output, span)


def _fix_weights(draft: Draft, node: Node, note: LayerNotes) -> tuple[int, QuantizedWeights] | None:
    place, rule = filter_input(node), rule_of(node)
    scheme = draft.scheme.of(draft.layers[node.index])
    if place is None or rule is None or scheme.weights not in WEIGHT_BITS:
        return None
    tensor = draft.graph.tensor(node.inputs[place])
    if tensor.data is None:
        return None
    single = not (note.per_channel and scheme.per_channel) or scheme.weights in rule.single_scale
    if note.codebook is not None:
        return tensor.index, fit_codebook(tensor.data, note.codebook, None if single else rule.axis)
    if note.per_channel:
        return None
    bits = WEIGHT_BITS[scheme.weights]
    return tensor.index, quantize_weights(tensor.data, bits, rule.axis, per_channel=False)
