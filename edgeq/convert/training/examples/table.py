"""The examples: a dataset that edgeq knows, and the network that learns it. One row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.samples import Inputs
from edgeq.convert.training.examples import anomaly, digits, keywords, recommender, texts

Disturb = Callable[[Inputs, Array, np.random.Generator], tuple[Inputs, Array]]


@dataclass(frozen=True, slots=True)
class Example:
    """How an example is trained, always alike: its seed fixes weights, order and disturbances.

    Attributes:
        task: what the model does, in a few words.
        dataset: its id; its training split is learned.
        build: (inputs of the training split, number of classes) -> Keras model.
        disturb: what makes of the split the samples of one epoch; None: they are learned as is.
        loss: of Keras, by its name.
        target: what the output learns: the label, or the input itself.
    """

    task: str
    dataset: str
    build: Callable[[Inputs, int], Any]
    epochs: int
    batch: int
    rate: float
    disturb: Disturb | None = None
    loss: str = "sparse_categorical_crossentropy"
    target: Literal["label", "itself"] = "label"
    seed: int = 7


EXAMPLES: dict[str, Example] = {
    "digits": Example(
        task="handwritten digits: image classification",
        dataset="digits",
        build=digits.build_separable_cnn,
        disturb=digits.shift_images,
        epochs=25,
        batch=128,
        rate=1e-2,
    ),
    "fsdd": Example(
        task="spoken digits: keyword spotting",
        dataset="fsdd",
        build=keywords.build_ds_cnn,
        disturb=keywords.disturb_speech,
        epochs=30,
        batch=64,
        rate=5e-3,
    ),
    "intents": Example(
        task="intents of sentences: text classification",
        dataset="intents",
        build=texts.build_text_cnn,
        epochs=15,
        batch=64,
        rate=5e-3,
    ),
    "ratings": Example(
        task="likes of users: recommendation, two inputs",
        dataset="ratings",
        build=recommender.build_recommender,
        epochs=20,
        batch=128,
        rate=5e-3,
        loss="binary_crossentropy",
    ),
    "vibration": Example(
        task="faults of a bearing: anomaly detection",
        dataset="vibration",
        build=anomaly.build_autoencoder,
        epochs=40,
        batch=64,
        rate=2e-3,
        loss="mean_squared_error",
        target="itself",
    ),
}
