"""Child side: an autoencoder of what a sound machine sounds like."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.convert.samples import Inputs

HIDDEN, CODE = 64, 8


def build_autoencoder(inputs: Inputs, classes: int) -> Any:
    """Return dense layers down to a code of 8 and back; the error of its output is the anomaly."""
    import keras
    from keras import layers

    size = int(np.prod(inputs[0].shape[1:]))
    x = features = keras.Input((size,), name="features")
    for place, units in enumerate((HIDDEN, HIDDEN, CODE, HIDDEN, HIDDEN), 1):
        x = layers.Dense(units, use_bias=False, name=f"dense_{place}")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(features, layers.Dense(size, name="again")(x), name="autoencoder")
