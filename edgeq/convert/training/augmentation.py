"""Augmentation of a batch: what changes the samples and leaves their labels true."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.samples import Inputs
from edgeq.core.errors import UsageError

SHARE = 8  # an image moves by up to its side / SHARE, a recording by up to its length / SHARE
Augment = Callable[[Array, np.random.Generator], Array]


def keep(x: Array, rng: np.random.Generator) -> Array:
    """Return the samples as they are."""
    return x


def shift(x: Array, rng: np.random.Generator) -> Array:
    """Move each image (N, H, W, C) by up to an eighth of each side; edges are repeated."""
    return _moved(_moved(x, 1, rng), 2, rng)


def flip_shift(x: Array, rng: np.random.Generator) -> Array:
    """Mirror half of the images (N, H, W, C) left to right, then move all of them."""
    mirrored = rng.random(len(x)) < 0.5
    return shift(np.where(mirrored[:, None, None, None], x[:, :, ::-1], x), rng)


def time_shift(x: Array, rng: np.random.Generator) -> Array:
    """Move each recording (N, T, ...) in time by up to an eighth; its ends are repeated."""
    return _moved(x, 1, rng)


def _moved(x: Array, axis: int, rng: np.random.Generator) -> Array:
    length = x.shape[axis]
    reach = max(1, length // SHARE)
    offsets = rng.integers(-reach, reach + 1, len(x))
    places = np.clip(np.arange(length) + offsets[:, None], 0, length - 1)
    shape = [1] * x.ndim
    shape[0], shape[axis] = len(x), length
    return np.take_along_axis(x, places.reshape(shape), axis)


# Name -> (the function, ranks of the batches that it changes).
AUGMENTATIONS: Mapping[str, tuple[Augment, tuple[int, ...]]] = {
    "none": (keep, ()),
    "shift": (shift, (4,)),
    "flip-shift": (flip_shift, (4,)),
    "time-shift": (time_shift, (3, 4)),
}


def augment_batch(name: str, inputs: Inputs, rng: np.random.Generator) -> Inputs:
    """Return the batch with those inputs changed whose rank the augmentation `name` takes.

    Raises:
        UsageError: no input of the model has such a rank.
    """
    change, ranks = AUGMENTATIONS[name]
    if ranks and not any(x.ndim in ranks for x in inputs):
        shapes = ", ".join(str(x.shape[1:]) for x in inputs)
        raise UsageError(
            f"augment = {name!r} does not suit samples of the shape {shapes}",
            hint="flips and shifts take images (H, W, C), time-shift (T, F) or (T, F, C)",
        )
    return tuple(change(x, rng) if x.ndim in ranks else x for x in inputs)
