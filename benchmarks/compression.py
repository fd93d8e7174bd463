"""What compression costs and saves: recipes run on a model, judged on its dataset's own split.

    python benchmarks/compression.py --dataset fsdd --seed 0 --seed 1 ternary clustered
    python benchmarks/compression.py --dataset fsdd-logmel640 --model ad01.h5 --adapt 50 low-rank

Without a model the dataset's example is trained first. `--adapt` trains a model made for other
data on this dataset before anything else, so that compression alone tells what follows. Recipes
are shipped names or TOML files. Autoencoders are judged by their mean squared error.
Accuracy stands with its 95 % interval. Weights are counted as the C compiler keeps them: a layer
of at most 2, 4 or 16 values in 1, 2 or 4 bits beside its codebook. All figures are measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from edgeq.convert.conversion import float_path
from edgeq.convert.evaluation import evaluate
from edgeq.convert.examples import train_example
from edgeq.convert.interpreters import run_model
from edgeq.convert.quantization.rules import filter_input
from edgeq.convert.recipes.conversion import convert_by_recipe
from edgeq.convert.recipes.materials import gather_materials
from edgeq.convert.recipes.recipe import Written, find_recipe
from edgeq.convert.recipes.steps import Schedule
from edgeq.data.dataset import Dataset, load_dataset
from edgeq.graph.ir import Graph
from edgeq.graph.ops import macs
from edgeq.graph.reader import read_model

SCALE_BYTES = 4
BASELINE = "int8"
HEAD = "| recipe | seed | float | quantised | 95 % interval | weights | with scales | MACs | s |"


def main() -> int:
    """Print a row for each recipe and seed, the plain int8 model first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--dataset", default="fsdd")
    parser.add_argument("--model", type=Path, help=".keras or .h5 [default: the example's]")
    parser.add_argument(
        "--adapt", type=int, default=0, help="epochs that fit the model to the data"
    )
    parser.add_argument("--seed", type=int, action="append", help="[default: 0]")
    options = parser.parse_args()
    dataset = load_dataset(options.dataset)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        source = options.model or train_example(options.dataset, folder / "example.keras")
        if options.adapt:
            source = _adapt(source, folder / "adapted.keras", dataset, options.adapt)
        print(HEAD)
        print("| --- |" + " ---: |" * (HEAD.count("|") - 2))
        whole = None
        runs = [(BASELINE, 0), *((r, s) for r in options.recipes for s in options.seed or [0])]
        for recipe, seed in runs:
            out = folder / f"{Path(recipe).stem}-{seed}.tflite"
            whole = _print_row(source, out, dataset, find_recipe(recipe), seed, whole)
    return 0


def _print_row(
    source: Path, out: Path, dataset: Dataset, recipe: Written, seed: int, whole: Graph | None
) -> Graph:
    """Convert, judge and print; return the graph that shares refer to."""
    record = convert_by_recipe(source, out, dataset=dataset, recipe=recipe, seed=seed)
    graph = read_model(out)
    whole = whole or graph
    cells = (
        recipe.recipe.name,
        str(seed),
        *_judge(out, dataset),
        f"{weight_bytes(graph):,} B ({weight_bytes(graph) / weight_bytes(whole):.3f})",
        f"{weight_bytes(graph, scales=True) / weight_bytes(whole, scales=True):.3f}",
        f"{count_macs(graph):,} ({count_macs(graph) / count_macs(whole):.3f})",
        f"{record.seconds:.0f}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)
    return whole


def _judge(out: Path, dataset: Dataset) -> tuple[str, str, str]:
    """Return what the float and the quantised model are worth, and the latter's interval."""
    if dataset.manifest.metric == "none":
        x = dataset.samples("evaluation").x
        real, quantised = (
            np.mean((run_model(path, (x,))[0].reshape(x.shape) - x) ** 2, axis=1)
            for path in (float_path(out), out)
        )
        half = 1.96 * float(quantised.std(ddof=1)) / len(x) ** 0.5
        bounds = f"{quantised.mean() - half:.3f} to {quantised.mean() + half:.3f}"
        return f"{real.mean():.3f}", f"{quantised.mean():.3f}", f"{bounds}, {len(x)} samples"
    judged = evaluate(out, dataset, reference=float_path(out))
    low, high = judged.int8_interval.low, judged.int8_interval.high
    bounds = f"{100 * low:.2f} to {100 * high:.2f}, {judged.samples} samples"
    return f"{100 * judged.float_value:.2f} %", f"{100 * judged.int8_value:.2f} %", bounds


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


def weight_bytes(graph: Graph, *, scales: bool = False) -> int:
    """Return the bytes of all filters as the C compiler keeps them, a scale four bytes each."""
    total = 0
    for node in graph.nodes:
        place = filter_input(node)
        tensor = None if place is None else graph.tensor(node.inputs[place])
        if tensor is None or tensor.data is None:
            continue
        values = len(np.unique(tensor.data))
        bits = next((b for b in (1, 2, 4) if values <= 1 << b), 8)
        total += -(-tensor.data.size * bits // 8) + (values if bits < 8 else 0)
        if scales and tensor.quantization is not None:
            total += SCALE_BYTES * len(tensor.quantization.scales)
    return total


def count_macs(graph: Graph) -> int:
    """Return the multiply-accumulates of one inference."""
    return sum(macs(graph, node) for node in graph.nodes)


if __name__ == "__main__":
    sys.exit(main())
