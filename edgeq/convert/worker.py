"""Child process: the only place where TensorFlow, Keras and the quantisers run.

The job folder holds job.json and the arrays; the answer goes to answer.json. A native crash ends
this process alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.convert.child import ANSWER, JOB, MARK
from edgeq.core.errors import EdgeqError

Answer = dict[str, Any]
SKETCH_SAMPLES = 8


def progress(stage: str, share: float | None = None) -> None:
    """Tell the parent what is done now and, where known, which share of it is done."""
    print(MARK + json.dumps([stage, share]), flush=True)


def convert(job: Answer, folder: Path) -> Answer:
    """Convert to float.tflite and int8.tflite in the folder; compare them on samples."""
    from edgeq.convert.backends import convert_source

    answer: Answer = convert_source(job, np.load(folder / "x.npy"), folder, progress)
    return answer


def sketch(job: Answer, folder: Path) -> Answer:
    """Convert to int8.tflite in the folder, with noise of the input's shape."""
    from edgeq.convert.backends import convert_source
    from edgeq.convert.loading import input_shape
    from edgeq.data.dataset import SYNTHETIC, load_dataset

    shape = "x".join(map(str, (1, *input_shape(Path(job["source"])))))
    noise = load_dataset(SYNTHETIC + shape).samples("representative", SKETCH_SAMPLES)
    ports = {"backend": "tflite", "input_dtype": "int8", "output_dtype": "int8"}
    answer: Answer = convert_source({**job, **ports}, noise.x, folder, progress)
    return answer


def predict(job: Answer, folder: Path) -> Answer:
    """Run a model on x.npy (N, ...); write its outputs to y.npy as float32."""
    from edgeq.convert.loading import predict_source

    y, engine = predict_source(Path(job["model"]), np.load(folder / "x.npy"), progress)
    np.save(folder / "y.npy", y)
    return {"engine": engine}


def compare(job: Answer, folder: Path) -> Answer:
    """Compare pairs of tensors of a float and an int8 .tflite on x.npy."""
    from edgeq.convert.interpreters import compare_tensors

    pairs = [(int(a), int(b)) for a, b in job["pairs"]]
    x = np.load(folder / "x.npy")
    return {"sqnr_db": compare_tensors(Path(job["float"]), Path(job["int8"]), pairs, x)}


def train(job: Answer, folder: Path) -> Answer:
    """Train the demo's model on x.npy and y.npy; write model.keras."""
    from edgeq.convert.training import train_separable_cnn

    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    train_separable_cnn(x, y, folder / "model.keras", int(job["seed"]), progress)
    return {}


TASKS: dict[str, Callable[[Answer, Path], Answer]] = {
    "convert": convert,
    "sketch": sketch,
    "predict": predict,
    "compare": compare,
    "train": train,
}


def main(folder: Path) -> None:
    """Do the job of the folder and write its answer, be it an error."""
    job = json.loads((folder / JOB).read_text())
    try:
        answer = TASKS[job["task"]](job, folder)
    except EdgeqError as error:
        answer = {"error": type(error).__name__, "cause": error.cause, "hint": error.hint}
    except MemoryError:
        raise
    except Exception as error:
        answer = {
            "error": "ToolchainError",
            "cause": f"'{job['task']}' failed: {type(error).__name__}: {str(error)[:500]}",
            "hint": "the model or the data do not suit the converter; see the cause",
        }
    (folder / ANSWER).write_text(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
