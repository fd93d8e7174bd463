"""Bias correction: the mean error that rounded weights leave in each channel goes into its bias.

Nagel et al. 2019, section 4.2 and appendix B: E[W x + b] of the float network less what the
rounded weights give. Both sides stand in front of the activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.assembly import quantize_graph
from edgeq.convert.quantization.draft import Draft, Observer
from edgeq.convert.quantization.products import (
    Floats,
    Product,
    dequantized,
    float_bias,
    float_weights,
    give_biases,
    products_of,
)
from edgeq.convert.quantization.reconstruction import cut_before, fixed_weights, learned, place_of
from edgeq.convert.recipes.steps import CorrectBiases
from edgeq.graph.ir import Graph

SAMPLES = 256

Doubles = NDArray[np.float64]


def correct_biases(draft: Draft, observe: Observer, params: CorrectBiases) -> Draft:
    """Return the draft with corrected biases: the step `correct-biases`.

    `empirical` goes layer by layer: each sees the inputs that the quantised network gives, with
    the biases before it corrected. `analytic` takes E[W - Wq] E[x] with the float network's mean
    inputs, observed in one pass; nothing is assumed of their distribution.

    Raises:
        ToolchainError: the draft cannot be quantised (as `quantize_graph`).
    """
    nodes = _integer_nodes(draft, params.layers)
    draft = give_biases(draft, nodes)
    products = [p for p in products_of(draft, params.layers) if p.node in nodes]
    means = mean_rows(draft.graph, products, observe)
    for product in products:
        graph = quantize_graph(draft)
        node = graph.nodes[place_of(draft, graph, product)]
        fixed = fixed_weights(graph, node)
        assert fixed is not None
        given = means[product.node]
        if params.method == "empirical":
            moved = replace(product, input=node.inputs[0])
            given = mean_rows(cut_before(graph, node), [moved], observe)[product.node]
        bias = corrected_bias(
            float_weights(draft, product),
            dequantized(product, fixed[0]),
            float_bias(replace(draft, biases={}), product),
            (means[product.node], given),
        )
        draft = replace(draft, biases={**draft.biases, product.bias: bias})
    return draft


def corrected_bias(
    weights: Floats, rounded: Floats, bias: Floats, means: tuple[Doubles, Doubles]
) -> Floats:
    """Return the bias (channels,) with which the mean output is the float network's.

    Args:
        weights, rounded: (G, M, K).
        bias: (channels,) of the float network.
        means: mean rows (G, K) of the float network's and of the quantised one's inputs.
    """
    wanted, given = (
        np.einsum("gmk,gk->gm", w.astype(np.float64), mean).reshape(-1)
        for w, mean in zip((weights, rounded), means, strict=True)
    )
    return np.asarray(bias + wanted - given, np.float32)


def mean_rows(graph: Graph, products: Sequence[Product], observe: Observer) -> dict[int, Doubles]:
    """Return the mean row (G, K) of each product's input over the samples, padding included."""
    totals = {p.node: np.zeros((p.groups, p.length)) for p in products}
    count = 0
    for _, values in learned(observe, graph, [p.input for p in products], SAMPLES):
        count += 1
        for product, x in zip(products, values, strict=True):
            totals[product.node] += product.rows(x).mean(axis=1, dtype=np.float64)
    return {node: total / max(count, 1) for node, total in totals.items()}


def _integer_nodes(draft: Draft, layers: str) -> list[int]:
    graph = quantize_graph(draft)
    return [
        product.node
        for product in products_of(draft, layers)
        if fixed_weights(graph, graph.nodes[place_of(draft, graph, product)]) is not None
    ]
