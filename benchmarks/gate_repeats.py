"""How often does `edgeq check` call noise a regression, and how often does it find a real one?

    python benchmarks/gate_repeats.py demo/int8.tflite --board virt-m4 --board virt-m0plus

The model's firmware is run 100 times on each virtual board. Every run is checked against the first
as it is, and with its latency raised by 5 %. Boards with noise are simulated: 1,000 pairs of
sessions for each kind of noise, unchanged and 5 % slower.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from edgeq.bench.gates import Rules, Subject, check_subject
from edgeq.bench.latency import summarise_latency
from edgeq.core.records import LatencyRecord, Result
from edgeq.testing import EdgeBoard

RISE = 1.05
TOLERANCE = 0.03

Noise = Callable[[np.random.Generator, int], np.ndarray]


def _two_speeds(rng: np.random.Generator, runs: int) -> np.ndarray:
    """Return runs of which a fifth are 2 % slower, and one in twenty is interrupted."""
    factors = np.where(rng.random(runs) < 0.2, 1.02, 1.0) * rng.normal(1, 0.003, runs)
    return np.where(rng.random(runs) < 0.05, factors * 1.5, factors)


NOISES: dict[str, Noise] = {
    "normal, 0.5 %": lambda rng, runs: rng.normal(1, 0.005, runs),
    "normal, 1 %": lambda rng, runs: rng.normal(1, 0.01, runs),
    "normal, 5 %": lambda rng, runs: rng.normal(1, 0.05, runs),
    "log-normal, 2 %": lambda rng, runs: rng.lognormal(0, 0.02, runs),
    "two speeds and interruptions": _two_speeds,
}


def main() -> int:
    """Print both tables; return 1 where a virtual board's repeat failed or a rise was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--board", action="append", help="a virtual board [default: virt-m4]")
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=1000, help="of each kind of noise")
    options = parser.parse_args()
    sound = True
    print(f"| board | repeats that passed | {RISE - 1:.0%} regressions that were caught |")
    print("| --- | ---: | ---: |")
    result = None
    for board in options.board or ["virt-m4"]:
        with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
            results = repeat(options.model, EdgeBoard(board, Path(folder)), options.repeats)
        result = results[0]
        passed, caught = count_repeats(results)
        print(
            f"| {board} | {passed} of {options.repeats} | {caught} of {options.repeats} |",
            flush=True,
        )
        sound = sound and passed == caught == options.repeats
    assert result is not None
    print("\n| noise | runs | false alarms | caught | cannot tell (unchanged, slower) |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, noise in NOISES.items():
        for runs in (10, 30):
            same, slower = count_pairs(result, noise, runs, options.pairs)
            print(f"| {name} | {runs} | {_cells(same, slower, options.pairs)} |", flush=True)
    return int(not sound)


def repeat(model: Path, board: EdgeBoard, repeats: int) -> list[Result]:
    """Return a baseline and `repeats` more results of the same build."""
    return [board.bench(model) for _ in range(repeats + 1)]


def count_repeats(results: Sequence[Result]) -> tuple[int, int]:
    """Return how many repeats pass against the first, and how many fail once slower by 5 %."""
    baseline, *others = results
    passed = sum(is_green(result, baseline) for result in others)
    caught = sum(not is_green(slow_down(result), baseline) for result in others)
    return passed, caught


def is_green(result: Result, baseline: Result) -> bool:
    """Whether every gate passes, the comparison with the baseline included."""
    rules = Rules(tolerance=TOLERANCE)
    return check_subject(Subject("now", result), rules, Subject("baseline", baseline)).passed


def slow_down(result: Result) -> Result:
    """Return the result with every run slower by 5 %."""
    latency = result.latency
    slower = summarise_latency([RISE * s for s in latency.samples_s], latency.kind)
    return msgspec.structs.replace(result, latency=slower)


def count_pairs(
    result: Result, noise: Noise, runs: int, pairs: int
) -> tuple[Counter[str], Counter[str]]:
    """Return the verdicts on the latency of sessions that are unchanged, and 5 % slower."""
    rng = np.random.default_rng(runs)
    same: Counter[str] = Counter()
    slower: Counter[str] = Counter()
    for _ in range(pairs):
        baseline = _measured(result, noise(rng, runs))
        same[_verdict(_measured(result, noise(rng, runs)), baseline)] += 1
        slower[_verdict(_measured(result, RISE * noise(rng, runs)), baseline)] += 1
    return same, slower


def _measured(result: Result, factors: np.ndarray) -> Result:
    seconds = (1e-3 * factors).tolist()
    latency: LatencyRecord = summarise_latency(seconds, "measured")
    return msgspec.structs.replace(result, latency=latency)


def _verdict(result: Result, baseline: Result) -> str:
    rules = Rules(tolerance=TOLERANCE)
    checked = check_subject(Subject("now", result), rules, Subject("baseline", baseline))
    return next(g.verdict for g in checked.gates if g.gate == "latency")


def _cells(same: Counter[str], slower: Counter[str], pairs: int) -> str:
    unknown = f"{same['cannot tell'] / pairs:.1%}, {slower['cannot tell'] / pairs:.1%}"
    return f"{same['regression'] / pairs:.1%} | {slower['regression'] / pairs:.1%} | {unknown}"


if __name__ == "__main__":
    sys.exit(main())
