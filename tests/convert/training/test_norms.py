"""Batch norms have the statistics of the weights as they are, at every judgement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeq.convert.recipes.steps import Prune, Schedule
from edgeq.convert.training.loop import train
from edgeq.convert.training.losses import run
from edgeq.convert.training.norms import settle_norms
from edgeq.convert.training.pruning import prune
from edgeq.convert.training.session import Trained

pytestmark = pytest.mark.convert


def norm_of(model: Any) -> Any:
    return next(la for la in model.layers if type(la).__name__ == "BatchNormalization")


def moments_before(model: Any, norm: Any, x: Any) -> tuple[Any, Any]:
    import keras

    values = np.asarray(keras.Model(model.input, norm.input)(x, training=False), np.float64)
    return values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))


def test_statistics_are_those_over_the_samples(session: Any, small_cnn: Any) -> None:
    model, x = small_cnn(), session().data.x[0]
    norm = norm_of(model)
    norm.moving_mean.assign(np.full(4, 9.0))
    mean, variance = moments_before(model, norm, x)
    settle_norms(model, (x,))
    np.testing.assert_allclose(norm.moving_mean.numpy(), mean, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance.numpy(), variance, rtol=1e-4)
    assert norm.momentum == 0.99
    assert type(norm) is type(norm_of(small_cnn()))


def test_batches_add_up_to_the_statistics_of_all(
    session: Any, small_cnn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, x = small_cnn(), session().data.x[0]
    mean, variance = moments_before(model, norm_of(model), x)
    monkeypatch.setattr("edgeq.convert.training.norms.BATCH", 24)
    settle_norms(model, (x,))
    np.testing.assert_allclose(norm_of(model).moving_mean.numpy(), mean, atol=1e-5)
    np.testing.assert_allclose(norm_of(model).moving_variance.numpy(), variance, rtol=1e-4)


def test_a_frozen_norm_and_a_single_sample_change_nothing(session: Any, small_cnn: Any) -> None:
    model, x = small_cnn(), session().data.x[0]
    before = [w.copy() for w in model.get_weights()]
    settle_norms(model, (x[:1],))
    norm_of(model).trainable = False
    settle_norms(model, (x,))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_failure_leaves_the_norms_as_they_were(
    session: Any, small_cnn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, x = small_cnn(), session().data.x[0]
    norm = norm_of(model)
    before, kind = [w.copy() for w in model.get_weights()], type(norm)
    calls = []

    def fail_at_second(*given: Any) -> Any:
        calls.append(run(*given))
        if len(calls) == 2:
            raise MemoryError

    monkeypatch.setattr("edgeq.convert.training.norms.BATCH", 24)
    monkeypatch.setattr("edgeq.convert.training.norms.run", fail_at_second)
    with pytest.raises(MemoryError):
        settle_norms(model, (x,))
    assert (type(norm), norm.momentum) == (kind, 0.99)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_training_leaves_the_statistics_of_its_weights(session: Any, small_cnn: Any) -> None:
    model, here = small_cnn(), session()
    train(model, here, Schedule(epochs=1, batch=32, learning_rate=1e-2), name="short", settled=0.5)
    mean, variance = moments_before(model, norm_of(model), here.data.x[0])
    np.testing.assert_allclose(norm_of(model).moving_mean.numpy(), mean, atol=1e-5)
    np.testing.assert_allclose(norm_of(model).moving_variance.numpy(), variance, rtol=1e-4)


def test_a_short_pruning_costs_a_trained_model_nothing(session: Any, small_cnn: Any) -> None:
    model, here = small_cnn(), session()
    train(model, here, Schedule(epochs=6, batch=16, learning_rate=1e-2), name="first")
    schedule = Schedule(epochs=1, batch=48, learning_rate=1e-3)
    pruned = prune(Trained(model), here, Prune(sparsity=0.5, schedule=schedule))
    outputs = np.asarray(pruned.model(here.data.watched_x[0], training=False))
    assert np.mean(outputs.argmax(1) == here.data.watched_y) > 0.95
