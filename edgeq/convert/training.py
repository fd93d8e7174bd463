"""Child side: the demo's separable CNN, trained with a fixed seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

EPOCHS = 40
BATCH = 64

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


def train_separable_cnn(
    x: NDArray[Any], y: NDArray[Any], target: Path, seed: int, progress: Progress
) -> None:
    """Train on x (N, H, W, C) float32 and labels y (N,); save the model to `target` (.keras)."""
    import keras

    keras.utils.set_random_seed(seed)
    model = build_separable_cnn(x.shape[1:], int(y.max()) + 1)
    steps = EPOCHS * -(-len(x) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, steps)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    report = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: progress("train", (epoch + 1) / EPOCHS)
    )
    labels = y.astype(np.int32)
    model.fit(x, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[report])
    model.save(target)
