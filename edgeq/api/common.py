"""What the verbs share: progress, ports that are refused early, and models as graphs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.core.errors import InputError

if TYPE_CHECKING:
    from edgeq.graph.ir import Graph

Progress = Callable[[str, float | None], None]


def quiet(stage: str, share: float | None = None) -> None:
    """Report no progress."""


def refuse_port(port: str | None) -> None:
    """Refuse a port's name before anything is built for it."""
    from edgeq.device.ports import check_port

    if port is not None:
        check_port(port)


def read_int8(model: Path) -> Graph:
    """Return the graph of a .tflite; raise InputError for a model that is not converted."""
    from edgeq.graph.reader import read_model

    if model.suffix in (".keras", ".h5") or os.path.isdir(model):
        raise InputError(
            f"{model} is not a .tflite model",
            hint=f"convert it first: edgeq convert {model} --data DATASET",
        )
    return read_model(model)
