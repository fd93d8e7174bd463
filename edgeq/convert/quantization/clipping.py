"""Clipped weights: the scale of each channel at which rounding and clipping err least together.

The optimum of the usual noise model is found by Newton's iteration (OCTAV: Sakr et al. 2022,
"Optimal Clipping and Magnitude-aware Differentiation", equation 6); then the scales around it,
and the unclipped one, are tried by the squared error that they truly give.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.assembly import quantize_graph
from edgeq.convert.quantization.draft import Draft, Observer
from edgeq.convert.quantization.products import Floats, float_weights, packed, products_of
from edgeq.convert.quantization.reconstruction import fixed_weights, free_nodes, place_of
from edgeq.convert.recipes.steps import ClipWeights

ROUNDS = 20
# Tried around the optimum of the model, which knows nothing of the single weights.
FACTORS = np.linspace(0.7, 1.3, 25)

Doubles = NDArray[np.float64]


def clip_weights(draft: Draft, observe: Observer, params: ClipWeights) -> Draft:
    """Return the draft with weights clipped for the least squared error: step `clip-weights`.

    Weights that stand on a grid already (of a codebook) stay as they are. Samples are not used.

    Raises:
        ToolchainError: the draft cannot be quantised (as `quantize_graph`).
    """
    graph, nodes = quantize_graph(draft), free_nodes(draft, params.layers)
    weights = dict(draft.weights)
    for product in products_of(draft, params.layers):
        if product.node not in nodes:
            continue
        fixed = fixed_weights(graph, graph.nodes[place_of(draft, graph, product)])
        assert fixed is not None
        matrix, limit = float_weights(draft, product), (1 << (fixed[1] - 1)) - 1
        single = fixed[0].scales.size == 1
        rows = matrix.reshape(1, -1) if single else matrix.reshape(product.channels, -1)
        scales = best_scales(rows, limit)
        shaped = scales.reshape((1, 1, 1) if single else (product.groups, -1, 1))
        integers = np.clip(np.rint(matrix / shaped), -limit, limit)
        weights[product.weights] = packed(product, integers, shaped)
    return replace(draft, weights=weights)


def best_scales(rows: Floats, limit: int) -> Floats:
    """Return for each row (R, K) the scale (R,) whose integers within +-`limit` err least."""
    peaks = np.abs(rows).max(axis=1).astype(np.float64)
    peaks = np.where(peaks > 0, peaks, max(float(peaks.max()), 1e-12))
    around = np.minimum(optimum_clips(rows, limit) * FACTORS[:, None], peaks)
    clips = np.concatenate([peaks[None], around])
    candidates = np.maximum(clips / limit, 1e-12).astype(np.float32)
    errors = np.stack([squared_errors(rows, scales, limit) for scales in candidates])
    return np.asarray(candidates[errors.argmin(axis=0), np.arange(len(rows))])


def squared_errors(rows: Floats, scales: Floats, limit: int) -> Doubles:
    """Return the squared error (R,) of rows (R, K) rounded at scales (R,)."""
    steps = np.clip(np.rint(rows / scales[:, None]), -limit, limit)
    return np.asarray(np.sum(np.square(rows - steps * scales[:, None]), axis=1, dtype=np.float64))


def optimum_clips(rows: Floats, limit: int) -> Doubles:
    """Return OCTAV's clipping value (R,) of each row: noise of rounding against that of clipping.

    A step is s / `limit`, and its noise a twelfth of its square.
    """
    sizes = np.abs(rows).astype(np.float64)
    clips = sizes.mean(axis=1)
    for _ in range(ROUNDS):
        beyond = sizes > clips[:, None]
        inside = (sizes > 0) & ~beyond
        weight = inside.sum(axis=1) / (12.0 * limit**2) + beyond.sum(axis=1)
        clips = np.where(weight > 0, (sizes * beyond).sum(axis=1) / np.maximum(weight, 1e-300), 0)
    return np.asarray(np.maximum(clips, 1e-12))
