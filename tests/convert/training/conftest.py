"""Tiny models, data and sessions that tests of training share."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.convert.training.session import Session, TrainingData


@pytest.fixture(scope="session", autouse=True)
def tensorflow() -> None:
    if find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")


def blobs(count: int, seed: int, classes: int = 3) -> tuple[Any, Any]:
    """Return images (N, 8, 8, 1) with a bright blob whose place tells the class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, count).astype(np.int32)
    x = rng.normal(0, 0.3, (count, 8, 8, 1)).astype(np.float32)
    for image, label in zip(x, y, strict=True):
        image[2 * label : 2 * label + 3, 2:6] += 1.0
    return x, y


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., Session]:
    """Return a session on blobs; keywords replace its fields."""

    def make(teacher: Any = None, **fields: Any) -> Session:
        x, y = blobs(96, seed=1)
        watched_x, watched_y = blobs(48, seed=2)
        data = TrainingData((x,), y, (watched_x,), watched_y)
        given = {"data": data, "teacher": teacher, "seed": 7, "checkpoints": tmp_path}
        return Session(**{**given, "progress": lambda text, share: None, **fields})

    return make


@pytest.fixture
def small_cnn() -> Callable[..., Any]:
    """Return a maker of a small CNN with batch norm and dropout, always of the same weights."""

    def make(activation: str | None = "softmax", seed: int = 3) -> Any:
        import keras
        from keras import layers

        keras.utils.set_random_seed(seed)
        inputs = keras.Input((8, 8, 1))
        x = layers.Conv2D(4, 3, name="conv")(inputs)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Dropout(0.1)(layers.Flatten()(x))
        return keras.Model(inputs, layers.Dense(3, activation=activation, name="head")(x))

    return make
