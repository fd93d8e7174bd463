"""Child side: what earlier steps decided about weights holds while later steps train.

Keras optimizers pass a variable through its constraint behind every update. Frozen zeros and a
codebook's codes are both linear: the constraint is the orthogonal projection on what they leave
free, so that projected gradient descent (Bertsekas 1976) trains the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.convert.quantization.draft import LayerNotes
from edgeq.convert.training.codebooks import fit_codes
from edgeq.convert.training.kernels import Kernel, kernels_of
from edgeq.convert.training.session import Trained

Constraint = Callable[[Any], Any]


@contextmanager
def held(
    model: Any, notes: Mapping[str, LayerNotes], *, without: tuple[str, ...] = ()
) -> Iterator[None]:
    """Within the context, training keeps frozen zeros zero and codes what they are.

    Args:
        notes: what holds, by layer name; layers that the model lacks are passed over.
        without: layers whose codes a step is about to choose anew; their zeros hold all the same.
    """
    found = []
    for name, kernel in kernels_of(model).items():
        note = notes.get(name, LayerNotes())
        note = replace(note, codebook=None) if name in without else note
        constraint = _constraint(kernel, note)
        if constraint is not None:
            found.append((kernel.variable, constraint))
    with constrained(found):
        yield


@contextmanager
def constrained(constraints: Sequence[tuple[Any, Constraint]]) -> Iterator[None]:
    """Within the context variables pass through a constraint more, behind those they have."""
    before = [(variable, variable.constraint) for variable, _ in constraints]
    try:
        for variable, constraint in constraints:
            variable.constraint = _chain(variable.constraint, constraint)
        yield
    finally:
        for variable, constraint in before:
            variable.constraint = constraint


def _chain(first: Constraint | None, then: Constraint) -> Constraint:
    return then if first is None else lambda weights: then(first(weights))


def _constraint(kernel: Kernel, note: LayerNotes) -> Constraint | None:
    if note.codebook is not None:
        return keep_codes(kernel, note.codebook, per_channel=note.per_channel)
    if note.frozen_zeros:
        return keep_zeros(kernel.variable)
    return None


def keep_zeros(variable: Any) -> Constraint:
    """Return the constraint that leaves zero what is zero now."""
    mask = (np.asarray(variable.numpy()) != 0).astype(np.float32)
    return lambda weights: weights * mask


def keep_codes(
    kernel: Kernel, codebook: tuple[int, ...], *, per_channel: bool = True
) -> Constraint:
    """Return the constraint that keeps each weight's code; the scales of channels stay free."""
    from keras import ops

    if not per_channel:
        kernel = kernel.as_one_column()
    codes, _ = fit_codes(kernel.read(), codebook)
    values = np.asarray(codebook, np.float32)[codes]
    power = np.maximum(np.sum(values * values, axis=0), 1e-12)

    def project(weights: Any) -> Any:
        columns = kernel.columns(ops.convert_to_tensor(weights), ops)
        scales = ops.sum(columns * values, axis=0) / power
        return kernel.restore(ops.maximum(scales, 0.0) * values, ops)

    return project


def without_zeros(
    notes: Mapping[str, LayerNotes], layers: Iterable[str]
) -> Mapping[str, LayerNotes]:
    """Return the notes without frozen zeros in `layers`."""
    freed = {name: replace(notes[name], frozen_zeros=False) for name in layers if name in notes}
    return {**notes, **freed}


def note_layers(trained: Trained, model: Any, **fields: Mapping[str, Any] | Any) -> Trained:
    """Return `model` with the notes of `trained`; each field maps layer names to its values."""
    notes = dict(trained.notes)
    for field, values in fields.items():
        for name, value in values.items():
            notes[name] = replace(notes.get(name, LayerNotes()), **{field: value})
    return Trained(model, notes)
