"""Child side: ternary and binary weights, trained straight through."""

from __future__ import annotations

from typing import Any

from edgeq.convert.recipes.steps import Binary, Ternary
from edgeq.convert.training.holding import held, note_layers, without_zeros
from edgeq.convert.training.kernels import choose_coded
from edgeq.convert.training.loop import train
from edgeq.convert.training.projection import Projection, mix, mixing, projected
from edgeq.convert.training.session import Session, Trained

TERNARY, BINARY = (-127, 0, 127), (-127, 127)


def train_ternary(trained: Trained, session: Session, params: Ternary) -> Trained:
    """Train weights of -a, 0, a by channel (Li et al. 2016); zeros of earlier steps stay zero."""
    projection = ternary_projection(params.threshold)
    return _train_extreme(trained, session, params, projection, TERNARY, "ternary")


def train_binary(trained: Trained, session: Session, params: Binary) -> Trained:
    """Train weights of -a, a by channel (Rastegari et al. 2016).

    Weights that an earlier step froze at zero are given up for it: two values hold no zero.
    """
    return _train_extreme(trained, session, params, project_binary, BINARY, "binary")


def ternary_projection(threshold: float) -> Projection:
    """Return columns (n, channels) -> a * {-1, 0, 1}.

    Li et al. 2016, "Ternary Weight Networks", eq. 6: delta = threshold * mean|w|, and a the mean
    of the magnitudes above it.
    """

    def project(columns: Any) -> Any:
        from keras import ops

        size = ops.abs(columns)
        above = ops.cast(size > threshold * ops.mean(size, axis=0), columns.dtype)
        scale = ops.sum(size * above, axis=0) / ops.maximum(ops.sum(above, axis=0), 1.0)
        return ops.sign(columns) * above * scale

    return project


def project_binary(columns: Any) -> Any:
    """Return columns (n, channels) -> a * {-1, 1}, a = mean|w| (Rastegari et al. 2016, eq. 6)."""
    from keras import ops

    scale = ops.mean(ops.abs(columns), axis=0)
    return ops.where(columns >= 0, scale, -scale)


def _train_extreme(
    trained: Trained,
    session: Session,
    params: Ternary | Binary,
    projection: Projection,
    codebook: tuple[int, ...],
    step: str,
) -> Trained:
    """Mix the projected weights in over the first epochs, then train with them alone."""
    model, kernels = choose_coded(trained.model, params.layers, session.step, session.scheme)
    notes = without_zeros(trained.notes, kernels) if step == "binary" else trained.notes
    share, ramp = mixing(params.gradual, params.schedule.epochs)
    mixed = dict.fromkeys(kernels, mix(projection, share))
    with held(model, notes, without=tuple(kernels)), projected(kernels, mixed):
        train(model, session, params.schedule, callbacks=[ramp], name=step, settled=ramp.settled)
        share.assign(1.0)
    return note_layers(
        Trained(model, notes),
        model,
        codebook=dict.fromkeys(kernels, codebook),
        per_channel={name: session.scheme.of(name).per_channel for name in kernels},
    )
