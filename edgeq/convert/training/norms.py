"""Child side: the statistics of batch norms, estimated anew for the weights as they are.

Moving averages lag behind the weights (Keras' usual momentum of 0.99 still holds a third of the
first ones after a hundred steps), which ruins a model whose weights were cut, quantised or trained
for a few epochs. Averages over the training samples do not lag: Wu and Johnson 2021, "Rethinking
'Batch' in BatchNorm", section 3 (PreciseBN).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.samples import Inputs
from edgeq.convert.training.kernels import walk_layers
from edgeq.convert.training.losses import run

SAMPLES, BATCH = 1024, 256
Moments = list[tuple[Array, Array]]  # mean and variance (channels,) of each batch


def settle_norms(model: Any, x: Inputs) -> None:
    """Set the statistics of every batch norm that trains to those over the samples `x`.

    Each normalises by its batch meanwhile; all other layers (dropout) behave as at inference.

    Args:
        x: training samples in random order; at most `SAMPLES` are read. Fewer than two change
            nothing.
    """
    norms = norms_of(model)
    count = min(len(x[0]), SAMPLES)
    if not norms or count < 2:
        return
    batches = np.array_split(np.arange(count), -(-count // BATCH))
    with _measuring(norms) as moments:
        for rows in batches:
            run(model, [part[rows] for part in x])
    for layer, found in moments.items():
        if found:
            means, variances = (np.stack(parts) for parts in zip(*found, strict=True))
            layer.moving_mean.assign(means.mean(axis=0))
            layer.moving_variance.assign(variances.mean(axis=0) + means.var(axis=0))


def norms_of(model: Any) -> list[Any]:
    """Return the batch norms of a model whose statistics follow the batches."""
    found = {id(la): la for la in walk_layers(model) if type(la).__name__ == "BatchNormalization"}
    return [layer for layer in found.values() if layer.trainable]


@contextmanager
def _measuring(norms: list[Any]) -> Iterator[Mapping[Any, Moments]]:
    """Within the context batch norms take their batch's statistics, which are noted."""
    moments: dict[Any, Moments] = {layer: [] for layer in norms}
    kept = [(layer, type(layer), layer.momentum) for layer in norms]
    before = [_statistics(layer) for layer in norms]
    try:
        for layer, kind, _ in kept:
            layer.momentum = 0.0
            object.__setattr__(layer, "__class__", _noting(kind, moments[layer]))
        yield moments
    finally:
        for (layer, kind, momentum), (mean, variance) in zip(kept, before, strict=True):
            object.__setattr__(layer, "__class__", kind)
            layer.momentum = momentum
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(variance)


def _noting(kind: Any, moments: Moments) -> type:
    """Return the class of a batch norm that notes what its batch gave."""
    import tensorflow as tf

    def call(layer: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if not tf.executing_eagerly():  # within a loop over time steps: as at inference
            return kind.call(layer, inputs, training=False, mask=mask)
        outputs = kind.call(layer, inputs, training=True, mask=mask)
        moments.append(_statistics(layer))
        return outputs

    return type(kind.__name__, (kind,), {"call": call})


def _statistics(layer: Any) -> tuple[Array, Array]:
    return np.array(layer.moving_mean.numpy()), np.array(layer.moving_variance.numpy())
