"""Quantisers side by side on MLPerf Tiny's models: SQNR, accuracy, time and memory.

    python -m benchmarks.quantization FOLDER_OF_MODELS [--models ic,vww,kws,ad]
        [--rows tflite,int8,int8-best,int16x8,int4-recovered] [--judged 2000] [--repeats 3]
        [--jobs 1] [--data-root FOLDER] [--json OUT] [--page docs/quantization-figures.md]

A row is `tflite` (TFLiteConverter's full-integer int8, asked as its manual says), `int8` (what
`edgeq convert` does unasked), or any recipe, by its name or its file. All rows of a model
calibrate on the same samples of the representative split and are judged on the same samples of
the evaluation split against one float .tflite, on LiteRT's reference kernels.

Every conversion is a process of its own. `tflite` and `int8` are repeated by turns; their CPU
seconds count all that a conversion starts, Python and TensorFlow included, and hardly depend on
what else runs. Parent memory is the peak of the process that calls edgeq.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from benchmarks.quantization_page import write_page
from benchmarks.quantization_rows import SUBJECTS, Measured, measure
from edgeq.core.files import write_atomic
from edgeq.report.formats import to_json


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default=",".join(SUBJECTS))
    parser.add_argument("--rows", default="", help="of those that a model is asked for")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--judged", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="models at a time")
    parser.add_argument("--data-root", type=Path, default=None)
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument("--page", type=Path, default=None)
    return parser.parse_args()


def main() -> None:
    """Measure what the command line asks for, print it, and write the page."""
    asked = _options()
    settings = {
        "samples": asked.samples,
        "judged": asked.judged,
        "repeats": asked.repeats,
        "data_root": asked.data_root,
        "rows": _names(asked.rows),
    }
    found: list[Measured] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.jobs, mp_context=context) as pool:
        names = _names(asked.models)
        runs = [pool.submit(measure, name, asked.folder, settings) for name in names]
        for run in as_completed(runs):
            found.append(run.result())
            report(found, asked)


def report(found: Sequence[Measured], asked: argparse.Namespace) -> None:
    """Print the figures of the last model, and write those of all so far."""
    last = found[-1]
    found = sorted(found, key=lambda one: list(SUBJECTS).index(one.model))
    for row in last.rows:
        told = "" if row.top1 is None else f", top-1 {row.top1:.2%}"
        print(f"{last.model} {row.row}: {row.sqnr_db:.2f} dB{told}", flush=True)
    if asked.json is not None:
        write_atomic(asked.json, to_json(found))
    if asked.page is not None:
        write_page(asked.page, found)


def _names(text: str) -> Sequence[str]:
    return [name for name in text.split(",") if name]


if __name__ == "__main__":
    main()
