"""Child side: whether a user will like an item."""

from __future__ import annotations

from typing import Any

from edgeq.convert.samples import Inputs

FACTORS = 8
PULL = 2e-5  # of weights towards zero, by their squares


def build_recommender(inputs: Inputs, classes: int) -> Any:
    """Return embeddings of users and items, their product, two dense layers (He et al. 2017, 3.4).

    Takes two ids, int32 (1,) each; gives the probability of a like.
    """
    import keras
    from keras import layers

    pull = keras.regularizers.L2(PULL)
    ports, rows = [], []
    for name, ids in zip(("user", "item"), inputs, strict=True):
        port = keras.Input((1,), dtype="int32", name=name)
        table = layers.Embedding(
            int(ids.max()) + 1, FACTORS, embeddings_regularizer=pull, name=f"{name}_factors"
        )
        ports.append(port)
        rows.append(layers.Flatten(name=f"{name}_row")(table(port)))
    both = layers.Concatenate()([*rows, layers.Multiply()(rows)])
    hidden = layers.Dense(16, activation="relu", name="hidden")(both)
    like = layers.Dense(1, activation="sigmoid", name="like")(hidden)
    return keras.Model(ports, like, name="recommender")
