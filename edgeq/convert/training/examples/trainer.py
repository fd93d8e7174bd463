"""Child side: an example's model, trained with a fixed seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.samples import Inputs
from edgeq.convert.training.examples.table import EXAMPLES

Progress = Callable[[str, float | None], None]


def train_network(name: str, inputs: Inputs, y: Array, target: Path, progress: Progress) -> None:
    """Train the example `name` on inputs (N, ...) and y (N, ...); save it to `target` (.keras).

    Adam, its rate falling to zero by half a cosine (Loshchilov and Hutter 2017, eq. 5).
    """
    import keras
    import tensorflow as tf

    example = EXAMPLES[name]
    keras.utils.set_random_seed(example.seed)
    tf.config.experimental.enable_op_determinism()
    random = np.random.default_rng(example.seed)
    model = example.build(inputs, int(y.max()) + 1 if y.dtype.kind in "iu" else 1)
    for epoch in range(example.epochs):
        x, wanted = example.disturb(inputs, y, random) if example.disturb else (inputs, y)
        if epoch == 0:
            steps = example.epochs * -(-len(wanted) // example.batch)
            rate = keras.optimizers.schedules.CosineDecay(example.rate, steps)
            model.compile(keras.optimizers.Adam(rate), example.loss)
        model.fit(x[0] if len(x) == 1 else x, wanted, batch_size=example.batch, verbose=0)
        progress("train", (epoch + 1) / example.epochs)
    model.save(target)
