"""Child side: weight clustering, a codebook of few values for each layer."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from edgeq.convert.recipes.steps import Cluster, Schedule
from edgeq.convert.training.codebooks import Clustering, cluster_weights
from edgeq.convert.training.holding import held, note_layers
from edgeq.convert.training.kernels import Kernel, choose_coded
from edgeq.convert.training.loop import train
from edgeq.convert.training.projection import projected
from edgeq.convert.training.session import Session, Trained


def cluster(trained: Trained, session: Session, params: Cluster) -> Trained:
    """Train with weights that share `values` values a layer (Han et al. 2016, section 3).

    Weights take the nearest value at every step. The codebooks follow the latent weights at the
    beginning of each of the first epochs; then they stand. Frozen zeros stay zero.
    """
    model, kernels = choose_coded(trained.model, params.layers, session.step, session.scheme)
    zeros = {name for name, note in trained.notes.items() if note.frozen_zeros}
    books = {n: Book(k, params.values, zero=n in zeros) for n, k in kernels.items()}
    projections = {name: book.project for name, book in books.items()}
    moving, standing = split_schedule(params.schedule, params.gradual)
    with held(model, trained.notes, without=tuple(kernels)), projected(kernels, projections):
        if moving is not None:
            following = [_follow(books)]
            train(model, session, moving, callbacks=following, name="cluster-moving", settled=1.0)
        for book in books.values():
            book.fit()
        train(model, session, standing, name="cluster")
    return note_layers(
        trained,
        model,
        codebook={name: book.codebook for name, book in books.items()},
        per_channel={name: session.scheme.of(name).per_channel for name in kernels},
    )


def split_schedule(schedule: Schedule, first: float) -> tuple[Schedule | None, Schedule]:
    """Return the first `first` of a schedule (None if that is no epoch), and the rest."""
    epochs = min(round(first * schedule.epochs), schedule.epochs - 1)
    if epochs == 0:
        return None, schedule
    share = epochs / schedule.epochs
    minutes = schedule.minutes
    parts = ((epochs, share), (schedule.epochs - epochs, 1 - share))
    begun, ended = (
        msgspec.structs.replace(
            schedule, epochs=count, minutes=None if minutes is None else minutes * part
        )
        for count, part in parts
    )
    return begun, ended


class Book:
    """A layer's codebook and scales while it trains: what its latent weights are projected on."""

    def __init__(self, kernel: Kernel, count: int, *, zero: bool) -> None:
        import keras

        self.kernel, self.count, self.zero = kernel, count, zero
        self.codebook: tuple[int, ...] = ()
        self.values = keras.Variable(np.zeros(count, np.float32), trainable=False)
        self.scales = keras.Variable(np.ones(kernel.channels, np.float32), trainable=False)
        self.fit()

    def fit(self) -> Clustering:
        """Fit codebook and scales to the latent weights."""
        found = cluster_weights(self.kernel.read(), self.count, zero=self.zero)
        self.codebook = found.codebook
        missing = self.count - len(found.codebook)
        self.values.assign(np.pad(np.asarray(found.codebook, np.float32), (0, missing), "edge"))
        self.scales.assign(found.scales)
        return found

    def project(self, columns: Any) -> Any:
        """Return columns (n, channels) at their nearest values, each channel's scale refitted."""
        from keras import ops

        borders = (self.values[1:] + self.values[:-1]) / 2
        normal = ops.reshape(columns / self.scales, (-1,))
        codes = ops.reshape(ops.searchsorted(borders, normal), ops.shape(columns))
        values = ops.take(self.values, codes)
        if self.zero:
            values = ops.where(columns == 0, ops.zeros_like(values), values)
        power = ops.maximum(ops.sum(values * values, axis=0), 1e-12)
        return values * ops.maximum(ops.sum(columns * values, axis=0) / power, 0.0)


def _follow(books: dict[str, Book]) -> Any:
    import keras

    class Follow(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            for book in books.values():
                book.fit()

    return Follow()
