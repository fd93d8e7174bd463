"""A tiny model and data that tests of recipes share."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.data.dataset import Dataset, load_dataset


def blobs(count: int, seed: int, classes: int = 3) -> tuple[Any, Any]:
    """Return images (N, 8, 8, 1) with a bright bar whose place tells the class."""
    rng = np.random.Generator(np.random.PCG64(seed))
    y = rng.integers(0, classes, count)
    x = rng.normal(0, 0.3, (count, 8, 8, 1)).astype(np.float32)
    for image, label in zip(x, y, strict=True):
        image[2 * label : 2 * label + 3, 2:6] += 1.0
    return x, y


def write_data(path: Path, **changes: Any) -> Path:
    """Write an .npz of blobs that calibrate and judge; `changes` replace its arrays."""
    calibration, evaluation = blobs(96, 1), blobs(60, 2)
    arrays = {
        "x_calibration": calibration[0],
        "y_calibration": calibration[1],
        "x_evaluation": evaluation[0],
        "y_evaluation": evaluation[1],
    }
    np.savez(path, **{**arrays, **changes})
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with tiny.keras, trained for an instant, and data.npz."""
    if find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    import keras
    from keras import layers

    place = tmp_path_factory.mktemp("recipes")
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 1))
    x = layers.ReLU()(layers.Conv2D(4, 3, name="conv")(inputs))
    x = layers.ReLU(name="relu")(layers.DepthwiseConv2D(3, name="depthwise")(x))
    outputs = layers.Dense(3, activation="softmax", name="head")(layers.Flatten()(x))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(*blobs(96, 1), epochs=3, verbose=0)
    model.save(place / "tiny.keras")
    write_data(place / "data.npz")
    return place


@pytest.fixture(scope="session")
def model(folder: Path) -> Path:
    """Return the tiny model."""
    return folder / "tiny.keras"


@pytest.fixture(scope="session")
def data(folder: Path) -> Dataset:
    """Return its dataset, without a train split."""
    return load_dataset(str(folder / "data.npz"))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the child's tasks run in this process, which has TensorFlow loaded already."""
    from edgeq.convert import sensitivity
    from edgeq.convert.recipes import conversion
    from edgeq.convert.worker import TASKS

    def run_here(task: str, job: dict[str, Any], folder: Path, **_: Any) -> dict[str, Any]:
        return TASKS[task](job, folder)

    monkeypatch.setattr(conversion, "run_task", run_here)
    monkeypatch.setattr(sensitivity, "run_task", run_here)
