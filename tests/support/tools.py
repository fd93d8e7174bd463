"""Fake flash tools: small programs on PATH that log how they are called, and fail on demand."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

_TOOL = """#!{python} -I
import json, os, sys, time
print({start!r}, flush=True)
with open({log!r}, "a") as log:
    log.write(json.dumps({{"argv": sys.argv[1:], "files": sorted(os.listdir("."))}}) + "\\n")
time.sleep({seconds!r})
for name, data in {writes!r}.items():
    with open(name, "wb") as file:
        file.write(data)
print({says!r}, flush=True)
sys.exit({code!r})
"""


def put_tool(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    *,
    says: str = "",
    code: int = 0,
    seconds: float = 0.0,
    writes: dict[str, bytes] | None = None,
) -> Path:
    """Put a tool before all others on PATH; return the file with a JSON line for each call.

    Args:
        says: its last line.
        code: its exit code.
        seconds: how long it takes.
        writes: files that it leaves in its folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    program = folder / name
    program.write_text(
        _TOOL.format(
            python=sys.executable, start=f"{name} starts", log=str(log), seconds=seconds,
            writes=writes or {}, says=says, code=code,
        )
    )  # fmt: skip
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return log


def calls(log: Path) -> list[list[str]]:
    """Return the arguments of each call of a fake tool."""
    if not log.exists():
        return []
    return [json.loads(line)["argv"] for line in log.read_text().splitlines()]


def need_program(name: str) -> None:
    """Skip the test where the program is not on PATH."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
