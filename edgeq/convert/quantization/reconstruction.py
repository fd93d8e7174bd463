"""Layer by layer: the float network's outputs from the inputs that the quantised one gives.

What learned and compensated rounding share: one layer's problem, and the walk over the layers in
order, each seeing what those before it became.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.assembly import quantize_graph
from edgeq.convert.quantization.draft import Draft, Observer, QuantizedWeights
from edgeq.convert.quantization.products import (
    Floats,
    Product,
    dequantized,
    float_bias,
    float_weights,
    give_biases,
    multiply,
    packed,
    products_of,
    row_scales,
)
from edgeq.convert.quantization.scheme import WEIGHT_BITS
from edgeq.graph.ir import Graph, Node

BOUNDS: Mapping[str, tuple[float, float]] = {
    "NONE": (-np.inf, np.inf),
    "RELU": (0.0, np.inf),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}
# Rows of one layer: at most so many, and so many values in all (64 MB).
ROWS, VALUES = 16384, 1 << 24
ENOUGH_ROWS = 256
# Weights that stand on their grid already (of a codebook) are left alone: share of a step.
ON_GRID = 1e-3
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One layer: rows (G, P, K) of quantised inputs, outputs (G, P, M) of the float network.

    `target` stands before the activation; `bounds` are the activation's. `weights` are float
    (G, M, K), `scales` (G, M, 1) or (1, 1, 1), `bias` (G, 1, M); integers stay within +-`limit`.
    """

    rows: Floats
    target: Floats
    weights: Floats
    scales: Floats
    bias: Floats
    limit: int
    bounds: tuple[float, float] = BOUNDS["NONE"]


@dataclass(frozen=True, slots=True, eq=False)
class Rounded:
    """Integers (G, M, K) as float32 and the bias (G, 1, M) that goes with them."""

    integers: Floats
    bias: Floats


Solve = Callable[[Problem], Sequence[Rounded]]


def round_nearest(problem: Problem) -> Rounded:
    """Return every weight at its nearest integer, the bias as it is."""
    steps = np.rint(problem.weights / problem.scales)
    return Rounded(np.clip(steps, -problem.limit, problem.limit), problem.bias)


def errors_of(problem: Problem, rounded: Rounded) -> NDArray[np.float64]:
    """Return the mean squared error of each output channel (G, M), behind the activation."""
    output = problem.rows @ (rounded.integers * problem.scales).transpose(0, 2, 1) + rounded.bias
    gap = np.clip(output, *problem.bounds) - np.clip(problem.target, *problem.bounds)
    return np.asarray(np.mean(np.square(gap), axis=1, dtype=np.float64))


def choose_best(problem: Problem, candidates: Sequence[Rounded]) -> Rounded:
    """Return, channel by channel, the first candidate with the least error on `problem`.

    With few rows the errors of single channels say little: all take what is best for the layer.
    """
    errors = np.stack([errors_of(problem, candidate) for candidate in candidates])
    if problem.rows.shape[1] < ENOUGH_ROWS:
        errors = np.broadcast_to(errors.sum(axis=(1, 2), keepdims=True), errors.shape)
    best = np.argmin(errors, axis=0)
    integers = np.stack([candidate.integers for candidate in candidates])
    biases = np.stack([candidate.bias for candidate in candidates])
    return Rounded(
        np.take_along_axis(integers, best[None, :, :, None], axis=0)[0],
        np.take_along_axis(biases, best[None, :, None, :], axis=0)[0],
    )


def fixed_weights(graph: Graph, node: Node) -> tuple[QuantizedWeights, int] | None:
    """Return the integers of a quantised operator and their bits; None where they are float."""
    index = node.inputs[1]
    makers = (n.inputs[0] for n in graph.nodes if n.op == "DEQUANTIZE" and index in n.outputs)
    tensor = graph.tensor(next(makers, index))
    if tensor.dtype not in WEIGHT_BITS or tensor.quantization is None or tensor.data is None:
        return None
    scales = np.asarray(tensor.quantization.scales, np.float32)
    return QuantizedWeights(tensor.data, scales, tensor.quantization.axis), WEIGHT_BITS[
        tensor.dtype
    ]


def reconstruct(draft: Draft, observe: Observer, layers: str, samples: int, solve: Solve) -> Draft:
    """Return the draft with the weights and biases that `solve` finds, layer after layer.

    Of each layer's candidates and its nearest integers, every channel takes what has the least
    error on rows that `solve` did not see.

    Args:
        layers: a regular expression that the whole name of the layer must match.
        samples: how many samples are learned from at most.
    """
    nodes = free_nodes(draft, layers)
    draft = give_biases(draft, nodes)
    products = [p for p in products_of(draft, layers) if p.node in nodes]
    targets = _float_outputs(draft, observe, products, samples)
    for product in products:
        draft = _solve_layer(draft, observe, product, targets.pop(product.node), samples, solve)
    return draft


def free_nodes(draft: Draft, layers: str) -> list[int]:
    """Return the layers whose weights become integers, and do not stand on a grid yet."""
    graph, found = quantize_graph(draft), []
    for product in products_of(draft, layers):
        fixed = fixed_weights(graph, graph.nodes[place_of(draft, graph, product)])
        if fixed is not None:
            gap = np.abs(dequantized(product, fixed[0]) - float_weights(draft, product))
            if np.any(gap > ON_GRID * row_scales(product, fixed[0])):
                found.append(product.node)
    return found


def _solve_layer(
    draft: Draft, observe: Observer, product: Product, target: Floats, samples: int, solve: Solve
) -> Draft:
    whole = quantize_graph(draft)
    node = whole.nodes[place_of(draft, whole, product)]
    fixed = fixed_weights(whole, node)
    assert fixed is not None
    graph, tensor = cut_before(whole, node), node.inputs[0]
    rows = [
        product.rows(x, _chosen(product, x, number, samples))
        for number, (x,) in learned(observe, graph, [tensor], samples)
    ]
    problem = _problem(draft, product, fixed, np.concatenate(rows, axis=1), target)
    seen, unseen = _split(problem)
    best = choose_best(unseen, [round_nearest(problem), *solve(seen)])
    bias = np.ascontiguousarray(best.bias.reshape(-1), np.float32)
    return replace(
        draft,
        weights={**draft.weights, product.weights: packed(product, best.integers, problem.scales)},
        biases={**draft.biases, product.bias: bias},
    )


def _problem(
    draft: Draft,
    product: Product,
    fixed: tuple[QuantizedWeights, int],
    rows: Floats,
    target: Floats,
) -> Problem:
    weights, bits = fixed
    shaped = target.reshape(len(target), product.groups, -1).transpose(1, 0, 2)
    return Problem(
        rows=rows,
        target=np.ascontiguousarray(shaped),
        weights=float_weights(draft, product),
        scales=row_scales(product, weights),
        bias=float_bias(draft, product).reshape(product.groups, 1, -1),
        limit=(1 << (bits - 1)) - 1,
        bounds=BOUNDS[product.activation],
    )


def _split(problem: Problem) -> tuple[Problem, Problem]:
    """Return the first three quarters of the rows, and the last one; a single row is both."""
    count = problem.rows.shape[1]
    middle = max(1, count - count // 4)
    parts = slice(0, middle), slice(middle if middle < count else 0, count)
    return tuple(  # type: ignore[return-value]
        replace(problem, rows=problem.rows[:, part], target=problem.target[:, part])
        for part in parts
    )


def _float_outputs(
    draft: Draft, observe: Observer, products: Sequence[Product], samples: int
) -> dict[int, Floats]:
    """Return each layer's outputs (P, channels) before the activation, in the float network."""
    inputs = [p.input for p in products]
    weights = [float_weights(draft, p) for p in products]
    biases = [_graph_bias(draft, p) for p in products]
    found: dict[int, list[Floats]] = {p.node: [] for p in products}
    for number, values in learned(observe, draft.graph, inputs, samples):
        for p, x, matrix, bias in zip(products, values, weights, biases, strict=True):
            rows = p.rows(x, _chosen(p, x, number, samples))
            found[p.node].append(multiply(rows, matrix) + bias)
    return {node: np.concatenate(parts) for node, parts in found.items()}


def _graph_bias(draft: Draft, product: Product) -> Floats:
    return float_bias(replace(draft, biases={}), product)


def place_of(draft: Draft, quantized: Graph, product: Product) -> int:
    """Return the place in the quantised graph of the operator that computes a product."""
    indices = [draft.graph.nodes[place].index for place in computing(draft.graph.nodes)]
    return computing(quantized.nodes)[indices.index(product.node)]


def cut_before(graph: Graph, node: Node) -> Graph:
    """Return the graph up to `node`, without it: enough to observe what the node reads."""
    kept = graph.nodes[: max(1, [n.index for n in graph.nodes].index(node.index))]
    return replace(graph, nodes=kept, outputs=kept[-1].outputs)


def computing(nodes: Sequence[Node]) -> list[int]:
    """Return the places of the nodes that do more than convert: the same before and after."""
    return [place for place, node in enumerate(nodes) if node.op not in _CONVERSIONS]


def learned(
    observe: Observer, graph: Graph, tensors: Sequence[int], samples: int
) -> Iterator[tuple[int, Sequence[NDArray[Any]]]]:
    """Yield (number, values) of the first samples, at most `samples`."""
    return islice(enumerate(observe(graph, tensors)), samples)


def _chosen(product: Product, x: Floats, number: int, samples: int) -> NDArray[np.int64]:
    """Return the places of sample `number` that become rows: the same in every pass."""
    count = product.positions(x)
    most = min(ROWS, VALUES // (product.groups * product.length))
    share = max(1, most // samples)
    if count <= share:
        return np.arange(count)
    rng = np.random.default_rng((product.node, number))
    return np.sort(rng.permutation(count)[:share])
