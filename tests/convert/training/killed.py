"""A small training for a process that is killed: prints the checksum of the weights at its end."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path


def main(folder: Path, epochs: int) -> None:
    """Train on noise with checkpoints in `folder`."""
    import keras
    import numpy as np

    from edgeq.convert.recipes.steps import Schedule
    from edgeq.convert.training.loop import train
    from edgeq.convert.training.session import Session, TrainingData

    keras.utils.set_random_seed(1)
    parts = [keras.layers.Dense(16, activation="relu"), keras.layers.Dropout(0.2)]
    model = keras.Sequential([keras.Input((8,)), *parts, keras.layers.Dense(3)])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(512, 8)).astype(np.float32), rng.integers(0, 3, 512)
    data = TrainingData((x,), y.astype(np.int32), (x[:64],), y[:64].astype(np.int32))
    session = Session(data, model, 3, folder, lambda text, share: None)
    train(model, session, Schedule(epochs=epochs, batch=16), name="it", settled=1.0)
    weights = b"".join(np.asarray(w).tobytes() for w in model.get_weights())
    print(f"checksum {zlib.crc32(weights)}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
