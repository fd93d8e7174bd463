"""Bench edgeq's engine on every core, against TensorFlow Lite Micro with CMSIS-NN.

    python benchmarks/engine.py [--models DIR] [--model kws,vww] [--core m4,m55] [--layers]
        [--optimize speed,ram] [--no-pass NAME] [--page docs/performance.md] [--json FILE]

DIR holds the reference models of github.com/mlcommons/tiny; the other models are the benchmark's
own (benchmarks/networks.py). Instructions are `simulated`: every one that ran is counted. Cycles
are `estimated`. Exit code 1: an output is not the expected bytes, or a model failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from baseline import Baseline, read_baseline
from engine_page import SECTION, render_page
from engine_rows import NO_FIT, Row, Setting, bench_subject
from engine_tables import M4_BOARD, describe, layer_table
from networks import NETWORKS
from pages import write_section
from subjects import BOARDS, Subject, default_models, list_subjects, select

from edgeq.core.files import write_atomic

MLPERF_TINY = ("kws", "vww", "ic", "ad")
# What the page shows of the Cortex-M4 beside the default: settings, and of which models.
PAGE_RUNS = (
    (Setting(goal="speed"), (*MLPERF_TINY, *NETWORKS)),
    (Setting(goal="ram"), (*MLPERF_TINY, *NETWORKS)),
    (Setting(goal="flash"), (*MLPERF_TINY, *NETWORKS)),
    (Setting(omitted=("dead-channels",)), ("vww",)),
)


def run_all(subjects: Sequence[Subject], options: argparse.Namespace) -> Iterator[Row]:
    """Bench every model on every board, and print each row as it comes."""
    asked = {
        "layers": options.layers, "oracle": options.oracle, "toolchain": options.toolchain,
    }  # fmt: skip
    for board, setting, names in options.runs:
        for subject in (s for s in subjects if s.name in names):
            row = bench_subject(subject, board, setting, **asked)
            print(describe(row, subject.reference), flush=True)
            if row.layers:
                print(layer_table(row), flush=True)
            yield row


def parse_arguments(arguments: Sequence[str], baseline: Baseline) -> argparse.Namespace:
    """Return the options of the command line; `runs` are the boards and settings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = [*baseline.models, *NETWORKS]
    parser.add_argument("--models", type=Path, default=default_models(), metavar="DIR")
    parser.add_argument("--model", default=",".join(known), help=f"of {', '.join(known)}")
    parser.add_argument("--core", default=",".join(BOARDS), help=f"of {', '.join(BOARDS)}")
    parser.add_argument("--board", help="ids of boards, instead of --core")
    parser.add_argument("--optimize", help="balanced, speed, ram, flash, or several of them")
    parser.add_argument("--no-pass", action="append", default=[], metavar="NAME")
    parser.add_argument("--toolchain", help="zig, gcc-arm; by default the board's first")
    parser.add_argument("--oracle", default="edgeq", help="edgeq or tflite-micro")
    parser.add_argument("--layers", action="store_true", help="print the cost of every layer")
    parser.add_argument("--page", type=Path, help="write the tables into this Markdown page")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    options = parser.parse_args(arguments)
    options.model = select(options.model, known, "model")
    cores = select(options.core, list(BOARDS), "core")
    boards = options.board.split(",") if options.board else [BOARDS[c] for c in cores]
    goals = (options.optimize or "balanced").split(",")
    settings = [Setting(goal=goal, omitted=tuple(options.no_pass)) for goal in goals]
    options.runs = [(board, setting, known) for board in boards for setting in settings]
    if options.page and settings == [Setting()] and M4_BOARD in boards:
        options.runs += [(M4_BOARD, setting, names) for setting, names in PAGE_RUNS]
    return options


def main(arguments: Sequence[str]) -> int:
    """Bench, print, write what was asked for; return the exit code."""
    baseline = read_baseline()
    options = parse_arguments(arguments, baseline)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        subjects = list_subjects(baseline, options.models, Path(folder))
        missing = {*options.model} - {s.name for s in subjects}
        if missing:
            print(f"left out, not in {options.models}: {', '.join(sorted(missing))}")
        subjects = [s for s in subjects if s.name in options.model]
        if not subjects:
            return 2
        rows = list(run_all(subjects, options))
    if options.page:
        write_section(options.page, SECTION, render_page(rows, baseline))
    if options.json:
        write_atomic(options.json, msgspec.json.encode(rows))
    return 1 if any(row.fault and not row.fault.startswith(NO_FIT) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
