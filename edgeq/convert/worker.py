"""Child process: the only place where TensorFlow, Keras and the quantisers run.

The job folder holds job.json and the arrays; the answer goes to answer.json. A native crash ends
this process alone.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.convert.child import ANSWER, JOB, MARK, OUT_OF_MEMORY
from edgeq.convert.samples import load_inputs, save_inputs
from edgeq.core.errors import EdgeqError
from edgeq.data.ports import fit_inputs, make_noise

Answer = dict[str, Any]
SKETCH_SAMPLES = 8
# New objects between two searches for cycles. Python's 700 make a third of TensorFlow's import.
COLLECTED = 100_000


def progress(stage: str, share: float | None = None) -> None:
    """Tell the parent what is done now and, where known, which share of it is done."""
    print(MARK + json.dumps([stage, share]), flush=True)


def convert(job: Answer, folder: Path) -> Answer:
    """Convert to float.tflite and int8.tflite in the folder; compare them on samples."""
    from edgeq.convert.backends import convert_source

    answer: Answer = convert_source(job, load_inputs(folder), folder, progress)
    return answer


def recipe(job: Answer, folder: Path) -> Answer:
    """Run a recipe's steps; write float.tflite and quantized.tflite."""
    from edgeq.convert.recipes.road import run_recipe

    return run_recipe(job, folder, progress)


def sensitivity(job: Answer, folder: Path) -> Answer:
    """Quantise one layer at a time and judge."""
    from edgeq.convert.probing import probe_layers

    return probe_layers(job, folder, progress)


def sketch(job: Answer, folder: Path) -> Answer:
    """Convert to int8.tflite in the folder, with noise of the inputs' shapes; ids are 0."""
    from edgeq.convert.backends import convert_source
    from edgeq.convert.loading import fixed_ports

    noise = make_noise(fixed_ports(Path(job["source"])), SKETCH_SAMPLES)
    ports = {"backend": "tflite", "input_dtype": "int8", "output_dtype": "int8"}
    answer: Answer = convert_source({**job, **ports}, noise, folder, progress)
    return answer


def predict(job: Answer, folder: Path) -> Answer:
    """Run a model on the folder's inputs; write each output to it as float32."""
    from edgeq.convert.loading import predict_source

    source, inputs = Path(job["model"]), load_inputs(folder)
    outputs, labels, engine = predict_source(source, inputs, job["names"], progress)
    save_inputs(folder, tuple(value.astype(np.float32) for value in outputs), name="y")
    return {"engine": engine, "outputs": labels}


def compare(job: Answer, folder: Path) -> Answer:
    """Compare pairs of tensors of a float and an int8 .tflite on the folder's inputs."""
    from edgeq.convert.interpreters import compare_tensors, tflite_ports

    floating, int8 = Path(job["float"]), Path(job["int8"])
    inputs = fit_inputs(floating, tflite_ports(floating), load_inputs(folder), job["names"])
    pairs = [(int(a), int(b)) for a, b in job["pairs"]]
    return {"sqnr_db": compare_tensors(floating, int8, pairs, inputs)}


def train(job: Answer, folder: Path) -> Answer:
    """Train an example's model on the folder's inputs and y.npy; write model.keras."""
    from edgeq.convert.training.examples.trainer import train_network

    inputs, y = load_inputs(folder), np.load(folder / "y.npy")
    train_network(str(job["example"]), inputs, y, folder / "model.keras", progress)
    return {}


def compare_calibrators(job: Answer, folder: Path) -> Answer:
    """Quantise by every calibrator; write the outputs of each."""
    from edgeq.convert.calibrating import compare_methods

    answer: Answer = compare_methods(job, folder, progress)
    return answer


TASKS: dict[str, Callable[[Answer, Path], Answer]] = {
    "convert": convert,
    "recipe": recipe,
    "sensitivity": sensitivity,
    "sketch": sketch,
    "predict": predict,
    "compare": compare,
    "train": train,
    "compare-calibrators": compare_calibrators,
}


def main(folder: Path) -> None:
    """Do the job of the folder and write its answer, be it an error."""
    gc.set_threshold(COLLECTED)
    job = json.loads((folder / JOB).read_text())
    try:
        answer = TASKS[job["task"]](job, folder)
    except EdgeqError as error:
        _refuse_shortage(error.__cause__)
        answer = {"error": type(error).__name__, "cause": error.cause, "hint": error.hint}
    except MemoryError:
        raise
    except Exception as error:
        _refuse_shortage(error)
        answer = {
            "error": "ToolchainError",
            "cause": f"'{job['task']}' failed: {type(error).__name__}: {str(error)[:500]}",
            "hint": "the model or the data do not suit the converter; see the cause",
        }
    (folder / ANSWER).write_text(json.dumps(answer))
    gc.freeze()  # nothing is collected at the end: the process gives back all its memory at once


def _refuse_shortage(error: BaseException | None) -> None:
    """End as for want of memory where an exception only says so: an import, a tensor."""
    if any(sign in str(error) for sign in OUT_OF_MEMORY):
        raise MemoryError(str(error)) from error


if __name__ == "__main__":
    main(Path(sys.argv[1]))
