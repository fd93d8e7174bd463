"""A child that hangs, crashes or errs is a clear error of ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.convert import child
from edgeq.core.errors import InputError, ToolchainError
from edgeq.core.processes import TimedOut


def test_an_error_of_the_child_keeps_its_class(tmp_path: Path) -> None:
    np.save(tmp_path / "x0.npy", np.zeros((1, 2), np.float32))
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    job = {"source": str(tmp_path / "bad.tflite"), "backend": "aeq"}
    with pytest.raises(InputError, match=r"bad\.tflite"):
        child.run_task("convert", job, tmp_path)


def test_an_unknown_failure_names_its_exception(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="FileNotFoundError"):
        child.run_task("predict", {"model": "none"}, tmp_path)


def test_a_hanging_child_is_killed(tmp_path: Path) -> None:
    with pytest.raises(TimedOut):
        child.run_task("predict", {"model": "none"}, tmp_path, timeout_s=0.01)


def test_a_crash_is_named_with_its_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(child, "python_argv", lambda *_: ["/usr/bin/env", "python3", "-c", crash])
    with pytest.raises(ToolchainError, match="signal 11"):
        child.run_task("convert", {}, tmp_path)


def test_want_of_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    eat = "bytearray(1 << 40)"
    monkeypatch.setattr(child, "python_argv", lambda *_: ["/usr/bin/env", "python3", "-c", eat])
    with pytest.raises(ToolchainError, match="ran out"):
        child.run_task("convert", {}, tmp_path, memory_bytes=1 << 30)
