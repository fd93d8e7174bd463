"""Time what users wait for, and hold it against its budget.

    python benchmarks/budgets.py MODEL.tflite [--runs 5]

The median of several runs each: `edgeq --help`, `edgeq compile MODEL`, `edgeq estimate
MODEL` for every board, and gcc on a model of 2 MB as a C array. The exit code is 1 where one is
over its budget.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from edgeq.compile.array import emit_array
from edgeq.graph.reader import read_model

ARRAY_BYTES = 2_000_000
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")


def write_array(model: Path, folder: Path) -> None:
    """Write a C array of 2 MB of random bytes, as large as a large model."""
    data = np.random.default_rng(0).integers(0, 256, ARRAY_BYTES, np.uint8).tobytes()
    for name, text in emit_array(read_model(model), data, "big").items():
        (folder / name).write_text(text, encoding="ascii")


def time_command(command: list[str], folder: Path, runs: int) -> float:
    """Return the median seconds of a command."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> int:
    """Print each time beside its budget."""
    parser = argparse.ArgumentParser(description="Time what users wait for.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    model = options.model.resolve()
    edgeq = [sys.executable, "-m", "edgeq"]
    # What it is, its command, its budget in seconds.
    rows: list[tuple[str, list[str], float]] = [
        ("edgeq --help", [*edgeq, "--help"], 0.25),
        (f"edgeq compile {model.name}", [*edgeq, "compile", str(model), "--out", "c"], 3.0),
        (f"edgeq estimate {model.name}", [*edgeq, "estimate", str(model)], 5.0),
        ("gcc, a model of 2 MB", ["gcc", *STRICT, "-c", "big_model.c"], 0.5),
    ]
    over = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_array(model, folder)
        for what, command, budget in rows:
            seconds = time_command(command, folder, options.runs)
            over += seconds > budget
            print(f"{what:40} {seconds:6.3f} s, median of {options.runs} (budget {budget:g} s)")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
