"""Samples on their way to a child: one array (N, ...) for each input of the model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from edgeq.convert.metrics import Array

# Also what a model gives: one array (N, ...) for each output.
Inputs = tuple[Array, ...]


def save_inputs(folder: Path, inputs: Inputs, *, name: str = "x") -> None:
    """Write each input's samples to `folder` as float32 or integers, as they are."""
    for place, samples in enumerate(inputs):
        np.save(folder / f"{name}{place}.npy", np.ascontiguousarray(samples))


def load_inputs(folder: Path, *, name: str = "x") -> Inputs:
    """Return what `save_inputs` wrote; raise FileNotFoundError where it wrote nothing."""
    found = sorted(folder.glob(f"{name}[0-9]*.npy"), key=lambda p: int(p.stem[len(name) :]))
    if not found:
        raise FileNotFoundError(f"{name}0.npy")
    return tuple(np.load(path) for path in found)


def joined(values: Inputs) -> Array:
    """Return all values (N, ...) of each sample in one row: (N, elements)."""
    return np.concatenate([value.reshape(len(value), -1) for value in values], axis=1)


def hash_samples(*inputs: Array) -> str:
    """Return the SHA-256 over dtype, shape and the samples of each input in order."""
    digest = hashlib.sha256()
    for x in inputs:
        digest.update(f"{x.dtype.str}{x.shape}".encode())
        digest.update(np.ascontiguousarray(x).data.cast("B"))
    return digest.hexdigest()
