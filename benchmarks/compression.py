"""What compression costs and saves: recipes run on a model, judged on its dataset's own split.

    python benchmarks/compression.py --dataset fsdd --seed 0 --seed 1 ternary clustered
    python benchmarks/compression.py --dataset fsdd-logmel640 --model ad01.h5 --adapt 150 low-rank
        [--board virt-m4] [--samples 20] [--page docs/quantization-figures.md]

Without a model the dataset's example is trained first. `--adapt` trains a model made for other
data on this dataset before anything else, so that compression alone tells what follows. Recipes
are shipped names or TOML files. Autoencoders are judged by their mean squared error. `--board`
runs every result there: an output that is not the oracle's ends the run.

Weights are counted as the C compiler keeps them: a layer of at most 2, 4 or 16 values in 1, 2 or
4 bits beside its codebook; and again with four bytes for each scale, which int8 has as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from compression_page import render, write_page
from compression_rows import Row, Setting, measure

from edgeq.convert.examples import train_example
from edgeq.convert.recipes.materials import gather_materials
from edgeq.convert.recipes.steps import Schedule
from edgeq.data.dataset import Dataset, load_dataset

BASELINE = "int8"


def main() -> int:
    """Measure the plain int8 model, then each recipe with each seed; print, and write the page."""
    options = _options()
    dataset = load_dataset(options.dataset)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        source = options.model or train_example(options.dataset, folder / "example.keras")
        if options.adapt:
            source = _adapt(source, folder / "adapted.keras", dataset, options.adapt)
        setting = Setting(source, dataset, folder, options.board, options.samples)
        rows: list[Row] = []
        for recipe, seed in _runs(options):
            row, real = measure(setting, recipe, seed)
            setting = setting._replace(real=setting.real or real)
            rows.append(row)
            print(f"{render(rows)}\n", flush=True)
            if options.page:
                write_page(options.page, dataset.name, rows)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--dataset", default="fsdd")
    parser.add_argument("--model", type=Path, help=".keras or .h5 [default: the example's]")
    parser.add_argument("--adapt", type=int, default=0, metavar="EPOCHS", help="on the dataset")
    parser.add_argument("--seed", type=int, action="append", help="[default: 0]")
    parser.add_argument("--board", help="run the results there")
    parser.add_argument("--samples", type=int, default=20, help="of the dataset, on the board")
    parser.add_argument("--page", type=Path, help="write the tables into their section of it")
    return parser.parse_args()


def _runs(options: argparse.Namespace) -> list[tuple[str, int]]:
    seeds = options.seed or [0]
    return [(BASELINE, 0), *((recipe, seed) for seed in seeds for recipe in options.recipes)]


def _adapt(source: Path, target: Path, dataset: Dataset, epochs: int) -> Path:
    """Train the model on the dataset and write it to `target`."""
    from edgeq.convert.loading import load_keras
    from edgeq.convert.training.loop import train
    from edgeq.convert.training.session import Session, TrainingData

    made = gather_materials(dataset, 1)
    data = TrainingData(made.training.x, made.training.y, made.watched.x, made.watched.y)
    model = load_keras(source)
    quiet = lambda text, share: None  # noqa: E731
    session = Session(data, model, 0, target.with_suffix(""), quiet)
    train(model, session, Schedule(epochs=epochs), name="adapt")
    model.save(target)
    return target


if __name__ == "__main__":
    sys.exit(main())
