"""Hold what `edgeq bench --board local` measures against a bare loop around the interpreter.

    python benchmarks/local_overhead.py MODEL.tflite... [--rounds 2000] [--limit 0.01]

Both loops run in one process on one interpreter, in turns of a few milliseconds, so that what else
the machine does hits both. Printed is how far the fastest twentieth of the runner's turns lies
above that of the bare loop's: those that nothing disturbed. The exit code is 1 where it is more
than the limit.
"""

from __future__ import annotations

import argparse
import base64
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from edgeq.bench.linux.measurement import read_job
from edgeq.device.linux.runner import Model, import_interpreter

BLOCK_S = 0.002
QUIET = 0.05


def bare_loop(model: Model, runs: int) -> float:
    """Return the seconds of one inference in a loop that does nothing else."""
    invoke = model.interpreter.invoke
    start = time.perf_counter()
    for _ in range(runs):
        invoke()
    return (time.perf_counter() - start) / runs


def runner_loop(model: Model, runs: int) -> float:
    """Return the mean seconds of about as many inferences as the runner measures them."""
    return statistics.fmean(model.time(max(1, runs // model.batch), 0)) * 1e-9


def measure_overhead(path: Path, rounds: int, *, xnnpack: bool) -> tuple[float, float]:
    """Return the bare loop's seconds, and by which share the runner's are above them."""
    job = read_job(path, 1)
    inputs = [base64.b64encode(raw).decode() for raw in job.item.ports]
    model = Model(import_interpreter(), job.data, {"inputs": inputs, "xnnpack": xnnpack}, 1)
    model.feed()
    runs = max(3, round(BLOCK_S / bare_loop(model, 20)))
    loops = (bare_loop, runner_loop)
    seconds: dict[Callable[[Model, int], float], list[float]] = {loop: [] for loop in loops}
    for number in range(rounds):
        for loop in loops[:: 1 if number % 2 else -1]:
            seconds[loop].append(loop(model, runs))
    bare, timed = (sorted(seconds[loop])[int(QUIET * rounds)] for loop in loops)
    return bare, timed / bare - 1


def main() -> int:
    """Print both loops' figures."""
    parser = argparse.ArgumentParser(description="The overhead of edgeq bench --board local.")
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--limit", type=float, default=0.01)
    options = parser.parse_args()
    worst = 0.0
    for path in options.models:
        for xnnpack in (True, False):
            bare_s, share = measure_overhead(path, options.rounds, xnnpack=xnnpack)
            kernels = "XNNPACK" if xnnpack else "built-in"
            print(f"{path.stem:24} {kernels:9} {bare_s * 1e6:9.2f} us  {share:+.3%}")
            worst = max(worst, share)
    return 0 if worst <= options.limit else 1


if __name__ == "__main__":
    raise SystemExit(main())
