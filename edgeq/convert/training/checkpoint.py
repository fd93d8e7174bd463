"""Child side: the state of a training on disk, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.core.files import write_atomic

STATE = "state.npz"
META = "meta"


@dataclass(slots=True, eq=False)
class State:
    """Where a training stands after an epoch.

    Attributes:
        epoch: epochs done.
        steps: steps that the whole training will take, as planned so far.
        seconds: spent so far.
        best: the lowest watched loss among the epochs that count, and their weights.
        model, optimizer: every variable, with the states of random generators.
    """

    epoch: int
    steps: int
    seconds: float
    best: float
    best_weights: list[Array]
    model: list[Array]
    optimizer: list[Array]


def save_state(folder: Path, key: str, state: State) -> None:
    """Write the state of the training `key` to the folder, atomically."""
    meta = {"key": key, "epoch": state.epoch, "steps": state.steps}
    meta |= {"seconds": state.seconds, "best": state.best}
    lists = {"b": state.best_weights, "m": state.model, "o": state.optimizer}
    arrays: dict[str, Any] = {
        f"{kind}{i}": a for kind, many in lists.items() for i, a in enumerate(many)
    }
    arrays[META] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_atomic(folder / STATE, buffer.getvalue())


def load_state(folder: Path, key: str) -> State | None:
    """Return the state that the training `key` left in the folder; None for any other's."""
    try:
        whole = io.BytesIO((folder / STATE).read_bytes())
        with np.load(whole, allow_pickle=False) as stored:
            arrays = {name: np.array(stored[name]) for name in stored}
        meta = json.loads(arrays[META].tobytes())
        if meta["key"] != key:
            return None
        numbers = meta["epoch"], meta["steps"], meta["seconds"], meta["best"]
        return State(*numbers, *(_numbered(arrays, kind) for kind in "bmo"))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _numbered(arrays: Mapping[str, Array], kind: str) -> list[Array]:
    count = sum(name[0] == kind and name[1:].isdigit() for name in arrays)
    return [arrays[f"{kind}{i}"] for i in range(count)]


def training_key(parts: Sequence[str], arrays: Sequence[Array | None]) -> str:
    """Return the SHA-256 of what a training is made of: words, weights and data."""
    digest = hashlib.sha256("\n".join(parts).encode())
    for array in arrays:
        if array is not None:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def read_variables(variables: Sequence[Any]) -> list[Array]:
    """Return the values of Keras variables."""
    return [np.array(variable.numpy()) for variable in variables]


def write_variables(variables: Sequence[Any], values: Sequence[Array]) -> None:
    """Give Keras variables the values that `read_variables` returned."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
