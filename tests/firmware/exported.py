"""Exports of a small model, or of EDGEQ_EXPORT_MODEL, and the tools that judge them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from edgeq import api
from edgeq.firmware.exports import EXPORTERS, Engine, ExportRecord
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn

KINDS = tuple(EXPORTERS)
NAME = "small"


def export_small(folder: Path, kind: str, engine: Engine = "aot") -> ExportRecord:
    """Export the model to `folder`."""
    model = folder.parent / f"{NAME}.tflite"
    given = os.environ.get("EDGEQ_EXPORT_MODEL")
    model.write_bytes(Path(given).read_bytes() if given else write_graph(small_cnn()))
    return api.export(model, kind=kind, out=folder, engine=engine)


def need_tool(name: str) -> str:
    """Return the path of a program; skip the test, with the reason, where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found
