"""Small sweeps for tests: a folder with models and a manifest, and the command that runs it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from edgeq.core.processes import Child, spawn
from edgeq.graph.writer import write_graph
from edgeq.sweep.store import read_journal
from tests.support.small_cnn import small_cnn

HEAD = 'schema = 1\nname = "small"\n'


def write_sweep(
    folder: Path, body: str = "", *, models: int = 1, action: str = "bench", boards: str = "virt-m4"
) -> Path:
    """Write `models` small networks and a manifest; `body` is added to it. Return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [HEAD, f'action = "{action}"', f"boards = {boards.split()}".replace("'", '"')]
    for i in range(models):
        (folder / f"net{i}.tflite").write_bytes(write_graph(small_cnn(i)))
        lines.append(f'[[models]]\npath = "net{i}.tflite"')
    path = folder / "sweep.toml"
    path.write_text("\n".join([*lines, body]))
    return path


def start_sweep(manifest: Path, out: Path, *more: str) -> Child:
    """Start `edgeq sweep` as a process of its own."""
    argv = [sys.executable, "-m", "edgeq", "sweep", str(manifest), "--out", str(out), *more]
    return spawn(argv, env={"CI": "1"})


def count_cells(out: Path) -> int:
    """Return the number of finished cells in a sweep's folder."""
    return len(list((out / "cells").glob("*.json")))


def wait_for_cells(child: Child, out: Path, count: int, timeout_s: float = 240.0) -> None:
    """Wait until `count` cells are finished."""
    deadline = time.monotonic() + timeout_s
    while count_cells(out) < count:
        code = child.wait(0)
        assert code is None, f"the sweep ended with {code}: {child.last_words()}"
        assert time.monotonic() < deadline, child.last_words()
        time.sleep(0.02)


def kill_hard(pid: int) -> None:
    """Kill a process as the system would: it can clean up nothing."""
    os.kill(pid, signal.SIGKILL)


def find_process(place: Path) -> int:
    """Return the process that names `place` in its command line, and started first (Linux)."""
    return min(workers_of(place))


def starts(out: Path) -> Counter[str]:
    """Return how often each piece of work was started, by key."""
    return Counter(event.key for event in read_journal(out) if event.event == "start")


def workers_of(scratch: Path) -> list[int]:
    """Return the processes whose command line names the folder `scratch` (Linux)."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if str(scratch).encode() in line:
            found.append(int(entry.name))
    return found
