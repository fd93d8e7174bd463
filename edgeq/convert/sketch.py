"""A float model as an int8 graph for estimates: its ranges come from noise, trained or not."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from edgeq.convert.checks import check_int8
from edgeq.convert.child import Progress, quiet, run_task
from edgeq.core.files import refuse_missing
from edgeq.graph.ir import Graph
from edgeq.graph.reader import read_model

SKETCH_NOTE = "quantised with noise, weights as they are: accuracy is not considered"


def is_source(model: Path) -> bool:
    """Whether a model is a float one of Keras or TensorFlow."""
    return model.suffix in (".keras", ".h5") or os.path.isdir(model)


def sketch_model(source: Path, *, on_progress: Progress = quiet) -> Graph:
    """Return the graph that `source` becomes when it is quantised to int8 with noise.

    Args:
        source: .keras, .h5 or a SavedModel folder; one input of a fixed shape.

    Raises:
        InputError: the source is refused, or its input has no fixed shape.
        ToolchainError: TensorFlow is missing, crashed, hung, or left float operators.
    """
    refuse_missing(source)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        run_task("sketch", {"source": str(source.resolve())}, folder, on_progress=on_progress)
        graph = read_model(folder / "int8.tflite")
    check_int8(graph, input_dtype="int8", output_dtype="int8")
    return replace(graph, name=source.stem)
