"""Child side: spoken words from mel-frequency cepstral coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.samples import Inputs

CHANNELS = 64
BLOCKS = 4
LATEST, EARLIEST = 10, -4
GAIN, NOISE = 0.3, 0.15


def build_ds_cnn(inputs: Inputs, classes: int) -> Any:
    """Return the depthwise separable CNN of Zhang et al., Hello Edge (2017), section 4.5, small.

    Takes (frames, coefficients, 1); one convolution 10x4 with strides 2, four separable blocks.
    """
    import keras
    from keras import layers

    x = features = keras.Input(inputs[0].shape[1:], name="features")
    x = layers.Conv2D(CHANNELS, (10, 4), strides=2, padding="same", use_bias=False, name="stem")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for block in range(1, BLOCKS + 1):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"depthwise_{block}")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(CHANNELS, 1, use_bias=False, name=f"pointwise_{block}")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    outputs = layers.Dense(classes, activation="softmax", name="word")(x)
    return keras.Model(features, outputs, name="ds_cnn")


def disturb_speech(inputs: Inputs, y: Array, random: np.random.Generator) -> tuple[Inputs, Array]:
    """Return features (N, frames, coefficients, 1) moved in time, louder or softer, with noise.

    A sound that moves leaves its outermost frame behind. The first coefficient is the loudness.
    """
    (x,) = inputs
    count, frames = x.shape[:2]
    shifts = random.integers(EARLIEST, LATEST, size=(count, 1), endpoint=True)
    times = np.clip(np.arange(frames) - shifts, 0, frames - 1)
    moved = x[np.arange(count)[:, None], times] + random.normal(0, NOISE, x.shape)
    moved[:, :, 0] += random.normal(0, GAIN, (count, 1, 1))
    return (moved.astype(np.float32),), y
