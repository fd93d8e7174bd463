"""Child side: the demo's separable CNN, trained with a fixed seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

EPOCHS = 25
SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
BATCH = 128

Progress = Callable[[str, float | None], None]


def build_separable_cnn(shape: tuple[int, ...], classes: int) -> Any:
    """Return conv 3x3 (8), two separable blocks (16, 32), global average pool and softmax."""
    import keras
    from keras import layers

    x = inputs = keras.Input(shape, name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU(max_value=6.0)(layers.BatchNormalization()(x))
    for filters, strides in ((16, 1), (32, 2)):
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(classes, activation="softmax", name="digit")(x)
    return keras.Model(inputs, outputs, name="separable_cnn")


def augment(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return each image (N, H, W, C) as it is and moved by one pixel in each direction."""
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    moved = [wide[:, 1 + i : 1 + i + height, 1 + j : 1 + j + width] for i, j in SHIFTS]
    return np.concatenate(moved), np.tile(y, len(SHIFTS))


def train_separable_cnn(
    x: NDArray[Any], y: NDArray[Any], target: Path, seed: int, progress: Progress
) -> None:
    """Train on x (N, H, W, C) float32 and labels y (N,); save the model to `target` (.keras)."""
    import keras

    keras.utils.set_random_seed(seed)
    model = build_separable_cnn(x.shape[1:], int(y.max()) + 1)
    steps = EPOCHS * -(-len(SHIFTS) * len(x) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, steps)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    report = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: progress("train", (epoch + 1) / EPOCHS)
    )
    images, labels = augment(x, y.astype(np.int32))
    model.fit(images, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[report])
    model.save(target)
