"""Child side: magnitude pruning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.metrics import Array
from edgeq.convert.recipes.steps import Prune
from edgeq.convert.training.holding import Constraint, constrained, held, note_layers
from edgeq.convert.training.kernels import Kernel, choose_kernels, copy_model
from edgeq.convert.training.loop import train
from edgeq.convert.training.session import Session, Trained

Masks = dict[str, NDArray[np.bool_]]


def prune(trained: Trained, session: Session, params: Prune) -> Trained:
    """Set the smallest weights to zero along a cubic schedule, and train what is left.

    Every chosen layer ends with round(sparsity * weights) zeros or more (`among` = "model": all of
    them together), and later steps keep them. A codebook of an earlier step is given up.
    """
    model = copy_model(trained.model)
    kernels = choose_kernels(model, params.layers, session.step)
    pruner = _callback(kernels, params)
    with held(model, trained.notes, without=tuple(kernels)), constrained(pruner.constraints):
        train(
            model,
            session,
            params.schedule,
            callbacks=[pruner],
            name="prune",
            settled=pruner.settled,
        )
    apply_masks(kernels, choose_masks(kernels, params.sparsity, params.among))
    freed = dict.fromkeys(kernels)
    return note_layers(trained, model, frozen_zeros=dict.fromkeys(kernels, True), codebook=freed)


def sparsity_at(share: float, final: float) -> float:
    """Return the sparsity behind `share` of the ramp (Zhu and Gupta 2017, eq. 1, from zero)."""
    return final * (1 - (1 - min(1.0, share)) ** 3)


def choose_masks(kernels: Mapping[str, Kernel], sparsity: float, among: str = "layer") -> Masks:
    """Return, for each layer, which weights stay: all but the round(sparsity * n) smallest.

    Weights of equal size go in the order in which they lie.
    """
    sizes = {name: np.abs(kernel.read()) for name, kernel in kernels.items()}
    if among == "layer":
        return {name: _keep_largest(size, sparsity) for name, size in sizes.items()}
    relative = [s / max(float(np.sqrt(np.mean(s**2))), 1e-12) for s in sizes.values()]
    kept = _keep_largest(np.concatenate([r.ravel() for r in relative]), sparsity)
    parts = np.split(kept, np.cumsum([s.size for s in sizes.values()])[:-1])
    pairs = zip(sizes.items(), parts, strict=True)
    return {name: part.reshape(size.shape) for (name, size), part in pairs}


def _keep_largest(sizes: Array, sparsity: float) -> NDArray[np.bool_]:
    kept = np.ones(sizes.size, np.bool_)
    kept[np.argsort(sizes, axis=None, kind="stable")[: round(sparsity * sizes.size)]] = False
    return kept.reshape(sizes.shape)


def apply_masks(kernels: Mapping[str, Kernel], masks: Masks) -> None:
    """Set the weights that a mask leaves out to zero."""
    for name, mask in masks.items():
        kernels[name].write(np.where(mask, kernels[name].read(), 0))


def _callback(kernels: Mapping[str, Kernel], params: Prune) -> Any:
    """Return the callback that raises the sparsity; `settled` is where it has stopped rising.

    The masks follow from the weights and the epoch alone, so that a training that was interrupted
    goes on with the same ones. `constraints` apply them behind every step.
    """
    import keras

    epochs = params.schedule.epochs
    rising = min(round(params.gradual * epochs), epochs - 1)
    masks = {n: keras.Variable(np.ones(k.shape), trainable=False) for n, k in kernels.items()}

    def keep(mask: Any) -> Constraint:
        return lambda weights: weights * mask

    class Pruner(keras.callbacks.Callback):  # type: ignore[misc]
        settled = (rising + 0.5) / epochs
        constraints = tuple((kernels[name].variable, keep(mask)) for name, mask in masks.items())

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            sparsity = sparsity_at((epoch + 1) / (rising + 1), params.sparsity)
            chosen = choose_masks(kernels, sparsity, params.among)
            apply_masks(kernels, chosen)
            for name, mask in masks.items():
                mask.assign(kernels[name].restore(chosen[name].astype(np.float32)))

    return Pruner()
