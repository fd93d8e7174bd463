"""Child side: intents from the ids of a sentence's words."""

from __future__ import annotations

from typing import Any

from edgeq.convert.samples import Inputs

WIDTH = 16


def build_text_cnn(inputs: Inputs, classes: int) -> Any:
    """Return embeddings of 16, convolutions over 3 words (Kim 2014, one width), maximum, softmax.

    Takes ids int32 (words,).
    """
    import keras
    from keras import layers

    words = int(inputs[0].max()) + 1
    ids = keras.Input(inputs[0].shape[1:], dtype="int32", name="words")
    x = layers.Embedding(words, WIDTH, name="embedding")(ids)
    x = layers.Conv1D(32, 3, padding="same", activation="relu", name="triples")(x)
    x = layers.Dropout(0.3)(layers.GlobalMaxPooling1D()(x))
    outputs = layers.Dense(classes, activation="softmax", name="intent")(x)
    return keras.Model(ids, outputs, name="text_cnn")
