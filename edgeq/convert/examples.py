"""The examples' models, trained in a child on the datasets' training splits."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from edgeq.convert.child import Progress, quiet, run_task
from edgeq.convert.samples import save_inputs
from edgeq.convert.training.examples.table import EXAMPLES as EXAMPLES
from edgeq.convert.training.examples.table import Example as Example
from edgeq.core.errors import UsageError, did_you_mean
from edgeq.core.files import refuse_unwritable, write_atomic
from edgeq.data.dataset import load_dataset

TIMEOUT_S = 3600.0


def find_example(name: str) -> Example:
    """Return the example of that name; raise UsageError where there is none."""
    if name not in EXAMPLES:
        raise UsageError(
            f"no example {name!r}.{did_you_mean(name, EXAMPLES)}",
            hint=f"choose one of: {', '.join(EXAMPLES)}",
        )
    return EXAMPLES[name]


def train_example(
    name: str,
    path: Path,
    *,
    data_root: Path | None = None,
    timeout_s: float = TIMEOUT_S,
    on_progress: Progress = quiet,
) -> Path:
    """Train the example `name` on its dataset's training split and write it to `path` (.keras).

    Raises:
        UsageError: there is no such example, or `path` cannot be written.
        InputError: the dataset's files are not on this computer.
        ToolchainError: TensorFlow is missing or failed.
    """
    example = find_example(name)
    refuse_unwritable(path)
    samples = load_dataset(example.dataset, data_root=data_root).samples("train")
    y = samples.x if example.target == "itself" or samples.y is None else samples.y
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder_name:
        folder = Path(folder_name)
        save_inputs(folder, samples.inputs)
        np.save(folder / "y.npy", y)
        run_task("train", {"example": name}, folder, timeout_s=timeout_s, on_progress=on_progress)
        write_atomic(path, (folder / "model.keras").read_bytes())
    return path
