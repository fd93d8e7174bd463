"""One recipe run on a model: what it is worth, what its weights weigh, what a board says."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeq.api.catalog import find_board
from edgeq.bench.inputs import generate_input
from edgeq.bench.preparation import Prepared, prepare
from edgeq.bench.runs import collect_inputs, run_bench, run_validation
from edgeq.convert.conversion import float_path
from edgeq.convert.evaluation import evaluate
from edgeq.convert.interpreters import run_model
from edgeq.convert.quantization.rules import filter_input
from edgeq.convert.recipes.conversion import convert_by_recipe
from edgeq.convert.recipes.recipe import find_recipe
from edgeq.core.records import Record
from edgeq.data.dataset import Dataset
from edgeq.graph.codebooks import find_codebook
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import macs
from edgeq.graph.reader import read_model

SCALE_BYTES = 4
WITHIN = 1.96  # standard errors to either side: 95 % of a normal distribution
SEEDS = 8  # generated inputs that a board is given beside the samples


class Judged(NamedTuple):
    """The metric of a model and its 95 % interval, and that of the float source.

    Accuracy is a share; the error of an autoencoder, which is better lower, is a mean square.
    """

    value: float
    low: float
    high: float
    float_value: float
    samples: int
    is_error: bool


class OnBoard(Record, frozen=True, kw_only=True):
    """The compiled model on a board; bytes of flash are linked, RAM and instructions simulated.

    `matched` of `inputs` gave the oracle's bytes. `decoded` of `weighted` layers keep their
    weights as codes that the compiled kernel decodes.
    """

    board: str
    inputs: int
    matched: int
    decoded: int
    weighted: int
    flash_bytes: int
    constant_bytes: int
    ram_bytes: int
    instructions: int


class Row(Record, frozen=True, kw_only=True):
    """A recipe with a seed. `weight_bytes` count codes and codebooks, not the scales."""

    recipe: str
    seed: int
    judged: Judged
    weight_bytes: int
    scales: int
    macs: int
    on_board: OnBoard | None = None

    @property
    def scaled_bytes(self) -> int:
        """Weights, codebooks, and four bytes for each scale of the weights."""
        return self.weight_bytes + SCALE_BYTES * self.scales


class Setting(NamedTuple):
    """What all rows of a run have in common; `real` is the source as float .tflite, once known."""

    source: Path
    dataset: Dataset
    folder: Path
    board: str | None
    samples: int
    real: Path | None = None


def measure(setting: Setting, recipe: str, seed: int) -> tuple[Row, Path]:
    """Convert, judge and run; return the row and the float .tflite that lies beside the model.

    Raises:
        SystemExit: an output of the board is not the oracle's.
    """
    out = setting.folder / f"{Path(recipe).stem}-{seed}.tflite"
    written = find_recipe(recipe)
    convert_by_recipe(setting.source, out, dataset=setting.dataset, recipe=written, seed=seed)
    graph = read_model(out)
    row = Row(
        recipe=written.recipe.name,
        seed=seed,
        judged=judge(out, setting.dataset, setting.real or float_path(out)),
        weight_bytes=weight_bytes(graph),
        scales=count_scales(graph),
        macs=sum(macs(graph, node) for node in graph.nodes),
        on_board=run_on_board(out, setting) if setting.board else None,
    )
    return row, float_path(out)


def judge(out: Path, dataset: Dataset, real: Path) -> Judged:
    """Return what a quantised model is worth on the evaluation split, beside the float `real`."""
    if dataset.manifest.metric == "none":
        return _judge_error(out, dataset, real)
    found = evaluate(out, dataset, reference=real)
    assert found.float_value is not None
    low, high = found.int8_interval.low, found.int8_interval.high
    return Judged(found.int8_value, low, high, found.float_value, found.samples, is_error=False)


def _judge_error(out: Path, dataset: Dataset, real: Path) -> Judged:
    """Return the mean squared error of an autoencoder."""
    x = dataset.samples("evaluation").x
    before, after = (
        np.mean((run_model(path, (x,))[0].reshape(x.shape) - x) ** 2, axis=1)
        for path in (real, out)
    )
    mean, half = float(after.mean()), WITHIN * float(after.std(ddof=1)) / len(x) ** 0.5
    return Judged(mean, mean - half, mean + half, float(before.mean()), len(x), is_error=True)


def run_on_board(out: Path, setting: Setting) -> OnBoard:
    """Compile, link and run a model; compare its outputs with the oracle's, byte for byte."""
    assert setting.board is not None
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        ready = prepare(out, find_board(setting.board), Path(name))
        plan = ready.compiled.plan
        inputs = collect_inputs(plan, setting.dataset, samples=setting.samples, seeds=SEEDS)
        validated = run_validation(ready, inputs)
        result = run_bench(ready, generate_input(plan.inputs, 1), runs=1, layers=False)
    if validated.matched < validated.inputs:
        raise SystemExit(f"{out.name} on {setting.board}: an output is not the oracle's")
    decoded, weighted = _count_decoded(ready)
    assert result.latency.instructions is not None
    return OnBoard(
        board=setting.board,
        inputs=validated.inputs,
        matched=validated.matched,
        decoded=decoded,
        weighted=weighted,
        flash_bytes=result.memory.flash_bytes,
        constant_bytes=result.memory.constant_bytes,
        ram_bytes=result.memory.ram_bytes,
        instructions=result.latency.instructions,
    )


def _count_decoded(ready: Prepared) -> tuple[int, int]:
    """Return how many planned layers with weights keep them as codes, and how many there are."""
    weighted = {node.index for node in ready.graph.nodes if _weights(ready.graph, node) is not None}
    layers = [layer for layer in ready.compiled.plan.layers if weighted.intersection(layer.nodes)]
    return sum(layer.weight_bits is not None for layer in layers), len(layers)


def weight_bytes(graph: Graph) -> int:
    """Return the bytes of all weights as codes where that is possible, and of their codebooks.

    Layers of the same values share a codebook, as they do in the compiled model.
    """
    total, books = 0, {}
    for data in (_weights(graph, node) for node in graph.nodes):
        if data is not None:
            book = find_codebook(data)
            total += data.size if book is None else book.row_bytes(data.size)
            books |= {book.name: book} if book else {}
    return total + sum(book.table().size for book in books.values())


def count_scales(graph: Graph) -> int:
    """Return how many scales the weights have."""
    total = 0
    for node in graph.nodes:
        if _weights(graph, node) is not None:
            place = filter_input(node)
            assert place is not None
            quantization = graph.tensor(node.inputs[place]).quantization
            total += 0 if quantization is None else len(quantization.scales)
    return total


def _weights(graph: Graph, node: Node) -> NDArray[np.int8] | None:
    place = filter_input(node)
    data = None if place is None else graph.tensor(node.inputs[place]).data
    return None if data is None else data.astype(np.int8)
