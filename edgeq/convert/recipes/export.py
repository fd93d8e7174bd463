"""Child side: the float .tflite of a source, or of what training made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeq.convert.backends import COMPARED, export_float, open_source
from edgeq.convert.loading import Traced, wrap_keras
from edgeq.convert.samples import Inputs

FLOAT = "float.tflite"


def write_float(
    source: Path, folder: Path, inputs: Inputs, trained: Any = None
) -> tuple[Any, Traced | None]:
    """Write the float .tflite; return its Keras model, and what it was exported from.

    Without a Keras model the first is None, for a .tflite the second too. `trained` is a Keras
    model that stands for the source.
    """
    loaded = open_source(source) if trained is None else wrap_keras(trained)
    model = loaded.tracked if loaded is not None and loaded.keras else None
    compared = tuple(x[:COMPARED] for x in inputs)
    return model, export_float(source, loaded, compared, folder / FLOAT)
