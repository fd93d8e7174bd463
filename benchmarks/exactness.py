"""Hold compiled models against the oracle, byte for byte, on this computer and on virtual boards.

    python benchmarks/exactness.py operators [--case conv_2d,add] [--cases 10000] [--board host]
    python benchmarks/exactness.py models [--models DIR] [--inputs 1000] [--board virt-m4]

`operators` draws random models of one operator (benchmarks/exactness_cases.py), some hundred to a
firmware, and runs them on each board: shapes, quantisations, weights and inputs differ from case
to case. `models` gives whole models many inputs. Exit code 1: a byte differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from baseline import read_baseline
from exactness_bundle import Filling
from exactness_cases import CASES, ENDS, missing_operators
from exactness_runs import (
    Failure,
    Shard,
    Tally,
    keep_failure,
    make_cases,
    make_shards,
    run_cases,
    run_shard,
)
from networks import NETWORKS
from subjects import Subject, default_models, list_subjects, select

from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board
from edgeq.compile.support import OPERATORS
from edgeq.core.errors import EdgeqError
from edgeq.core.records import CompileOptions
from edgeq.graph.reader import read_model


def tally_operators(options: argparse.Namespace, asked: CompileOptions) -> Iterator[Tally]:
    """Run every strategy on every board, print what came of each, and yield it."""
    with ProcessPoolExecutor(options.jobs) as pool:
        for board in options.board.split(","):
            for name in options.case:
                begin, total = time.monotonic(), Tally()
                models = -(-options.cases // options.inputs)
                whole = Shard(name, board, asked, options.seed, 0, models, options.inputs)
                for tally in _spread(pool, make_shards(whole), options.jobs):
                    total.add(tally)
                seconds = time.monotonic() - begin
                print(describe_tally(board, name, total, seconds), flush=True)
                for failure in total.failures[: options.show]:
                    kept = keep_failure(failure, options.keep, name) if options.keep else ""
                    print(f"    case {failure.number}: {failure.why} {kept}", flush=True)
                yield total


def _spread(pool: ProcessPoolExecutor, shards: Sequence[Shard], jobs: int) -> Iterable[Tally]:
    return map(run_shard, shards) if jobs == 1 else pool.map(run_shard, shards)


def describe_tally(board: str, name: str, tally: Tally, seconds: float) -> str:
    """Return what came of a strategy's cases in a line."""
    kernels = ", ".join(f"{kernel} {count:,}" for kernel, count in tally.kernels.most_common())
    kinds = "; ".join(sorted(tally.kinds))
    refused = f", {tally.refused:,} not supported" if tally.refused else ""
    return (
        f"{board:12} {name:24} {tally.cases:>7,} cases {len(tally.failures):>4,} differences"
        f"{refused}  [{kinds}]  {kernels}  ({seconds:.0f} s)"
    )


def run_operators(options: argparse.Namespace) -> int:
    """Run random cases; return the exit code."""
    asked = CompileOptions(goal=options.optimize, omitted_passes=tuple(options.no_pass))
    total = Tally()
    for tally in tally_operators(options, asked):
        total.add(tally)
    drawn = {kind.split()[0] for kind in total.kinds}
    print(f"{total.cases:,} cases, {len(total.failures):,} differences")
    if set(options.case) == set(CASES):
        missing = missing_operators(OPERATORS, drawn)
        print(f"operators without a case generator: {', '.join(missing) or 'none'}")
    return 1 if total.failures else 0


# --- whole models -------------------------------------------------------------------------------


def make_fillings(count: int) -> list[Filling]:
    """Return `count` ways to fill inputs: bytes at the ends of their range, then lcg:1 and on."""
    ends = [Filling(ends=pair) for pair in ENDS["int8"]]
    return [*ends, *(Filling(seed) for seed in range(1, count + 1))][:count]


def check_model(subject: Subject, board: Board, options: argparse.Namespace) -> list[Failure]:
    """Give a model its inputs on a board and return which outputs are not the oracle's.

    Raises:
        EdgeqError: the model was not compiled.
    """
    asked = CompileOptions(goal=options.optimize, omitted_passes=tuple(options.no_pass))
    graph = read_model(Path(subject.path))
    cases = make_cases(0, graph, board, asked, make_fillings(options.inputs))
    return run_cases(cases, board)


def tell_model(subject: Subject, board: Board, options: argparse.Namespace) -> bool:
    """Check a model on a board and print what came of it; return whether all is well."""
    begin, sound = time.monotonic(), False
    try:
        failures = check_model(subject, board, options)
        told = f"{options.inputs:,} inputs, {len(failures):,} differences"
        told += f"; {failures[0].why}" if failures else ""
        sound = not failures
    except EdgeqError as error:
        told = f"failed: {error.cause}"
    seconds = time.monotonic() - begin
    print(f"{board.id:12} {subject.name:14} {told} ({seconds:.0f} s)", flush=True)
    return sound


def run_models(options: argparse.Namespace) -> int:
    """Run whole models; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        listed = list_subjects(read_baseline(), options.models, Path(folder))
        subjects = [s for s in listed if s.name in options.model]
        boards = [find_board(name) for name in options.board.split(",")]
        told = [tell_model(s, board, options) for board in boards for s in subjects]
    return 0 if told and all(told) else 1


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    operators = commands.add_parser("operators", help="random models of one operator")
    operators.add_argument("--case", default=",".join(CASES), help=f"of: {'; '.join(CASES)}")
    operators.add_argument("--cases", type=int, default=10_000, help="of each (10,000)")
    operators.add_argument("--inputs", type=int, default=1, help="cases of each model (1)")
    operators.add_argument("--seed", type=int, default=1, help="another one gives other cases")
    operators.add_argument("--jobs", type=int, default=1, help="processes at a time")
    operators.add_argument("--show", type=int, default=5, help="how many failures of each")
    operators.add_argument("--keep", type=Path, help="write those to this folder")
    operators.add_argument("--board", default="host", help="ids of boards that run as processes")
    models = commands.add_parser("models", help="whole models, many inputs")
    known = [*read_baseline().models, *NETWORKS]
    models.add_argument("--models", type=Path, default=default_models(), metavar="DIR")
    models.add_argument("--model", default=",".join(known), help=f"of {', '.join(known)}")
    models.add_argument("--inputs", type=int, default=1000, help="of each (1,000)")
    models.add_argument("--board", default="virt-m4,qemu-an547", help="ids of boards")
    for command in (operators, models):
        command.add_argument("--optimize", default="balanced", help="balanced, speed, ram, flash")
        command.add_argument("--no-pass", action="append", default=[], metavar="NAME")
    options = parser.parse_args(arguments)
    if options.command == "operators":
        options.case = select(options.case, list(CASES), "case")
    else:
        options.model = select(options.model, known, "model")
    return options


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; return the exit code."""
    options = parse_arguments(arguments)
    return run_operators(options) if options.command == "operators" else run_models(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
