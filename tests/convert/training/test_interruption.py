"""A training that is killed goes on from its last epoch and ends with the same bytes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeq.convert.training.checkpoint import STATE

pytestmark = [pytest.mark.convert, pytest.mark.slow]

EPOCHS = 60


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.convert.training.killed", str(folder), str(EPOCHS)]
    root = Path(__file__).resolve().parents[3]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=root, text=True, **pipes)


def test_a_killed_training_ends_with_the_bytes_of_one_that_was_not(tmp_path: Path) -> None:
    broken = start(tmp_path / "broken")
    state = tmp_path / "broken" / "it" / STATE
    while not state.exists() and broken.poll() is None:
        time.sleep(0.01)
    broken.kill()
    ended, _ = broken.communicate()
    assert "checksum" not in ended
    finished, _ = start(tmp_path / "broken").communicate()
    whole, _ = start(tmp_path / "whole").communicate()
    assert "checksum" in whole
    assert finished == whole
