"""The demo's model: a small separable CNN on digits, trained on the spot."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from edgeq.convert.child import Progress, quiet, run_task
from edgeq.core.files import write_atomic
from edgeq.data.dataset import load_dataset

SEED = 7


def train_demo_model(path: Path, *, on_progress: Progress = quiet) -> Path:
    """Train the separable CNN on digits' training split and write it to `path` (.keras).

    Raises:
        ToolchainError: TensorFlow is missing or failed.
    """
    samples = load_dataset("digits").samples("train")
    assert samples.y is not None
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        np.save(folder / "x.npy", samples.x.astype(np.float32))
        np.save(folder / "y.npy", samples.y)
        run_task("train", {"seed": SEED}, folder, on_progress=on_progress)
        write_atomic(path, (folder / "model.keras").read_bytes())
    return path
