"""A built firmware, for tests that flash or run one."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.bench.preparation import prepare
from edgeq.boards.registry import find_board
from edgeq.core.records import FirmwareImage
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn


def virtual_firmware(folder: Path, board: str = "virt-m4") -> FirmwareImage:
    """Return the small network's firmware for a virtual board; skip where no compiler is there."""
    pytest.importorskip("ziglang")
    model = folder / "small.tflite"
    model.write_bytes(write_graph(small_cnn()))
    return prepare(model, find_board(board), folder).image
