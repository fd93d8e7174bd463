"""What benchmarks run: MLPerf Tiny's reference models and networks of their own; and on what."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from baseline import Baseline, Reference
from networks import NETWORKS, build_network

from edgeq.core.records import Record
from edgeq.graph.writer import write_graph

ROOT = Path(__file__).resolve().parent.parent
# The board that runs for each core: Unicorn, and QEMU for the Cortex-M55.
BOARDS = {
    "m0plus": "virt-m0plus",
    "m3": "virt-m3",
    "m4": "virt-m4",
    "m7": "virt-m7",
    "m33": "virt-m33",
    "m55": "qemu-an547",
}


class Subject(Record, frozen=True, kw_only=True):
    """A model to bench: the name to select it by, its file, and what is recorded of it."""

    name: str
    title: str
    path: str
    reference: Reference | None = None


def default_models() -> Path:
    """Return where MLPerf Tiny's models are taken from when nothing is said."""
    shared = Path(os.environ.get("EDGEQ_SHARED", ROOT.parent / "shared"))
    return shared / "models" / "mlperf_tiny"


def select(names: str, known: Sequence[str], what: str) -> list[str]:
    """Return the names of a comma-separated list; exit where one is unknown."""
    chosen = [name for name in names.split(",") if name]
    if unknown := [name for name in chosen if name not in known]:
        sys.exit(f"no {what} {', '.join(unknown)}; choose from {', '.join(known)}")
    return chosen


def list_subjects(baseline: Baseline, models: Path | None, folder: Path) -> list[Subject]:
    """Return MLPerf Tiny's models in the folder `models`, and the networks, written to `folder`."""
    found = [
        Subject(name=name, title=row.title, path=str(models / row.file), reference=row)
        for name, row in baseline.models.items()
        if models is not None and (models / row.file).is_file()
    ]
    for name in NETWORKS:
        path = folder / f"{name}.tflite"
        path.write_bytes(write_graph(build_network(name)))
        found.append(Subject(name=name, title=name, path=str(path)))
    return found
