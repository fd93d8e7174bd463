"""Child side: handwritten digits from small images."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.samples import Inputs

SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))


def build_separable_cnn(inputs: Inputs, classes: int) -> Any:
    """Return conv 3x3 (8), two separable blocks (16, 32), global average pool and softmax."""
    import keras
    from keras import layers

    x = image = keras.Input(inputs[0].shape[1:], name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU(max_value=6.0)(layers.BatchNormalization()(x))
    for filters, strides in ((16, 1), (32, 2)):
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(classes, activation="softmax", name="digit")(x)
    return keras.Model(image, outputs, name="separable_cnn")


def shift_images(inputs: Inputs, y: Array, random: np.random.Generator) -> tuple[Inputs, Array]:
    """Return each image (N, H, W, C) as it is and moved by one pixel in each direction."""
    (x,) = inputs
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    moved = [wide[:, 1 + i : 1 + i + height, 1 + j : 1 + j + width] for i, j in SHIFTS]
    return (np.concatenate(moved),), np.tile(y, len(SHIFTS))
