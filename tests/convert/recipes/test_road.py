"""The steps on the graph: what each gained is measured, what does not help can be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from edgeq.convert.interpreters import run_model
from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.draft import Draft
from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.recipes.gains import Gauge
from edgeq.convert.recipes.materials import Labelled, Materials
from edgeq.convert.recipes.recipe import Recipe
from edgeq.convert.recipes.road import Errand, Workshop
from edgeq.convert.recipes.steps import Calibrate, CorrectBiases, Quantize, Step
from edgeq.graph.ir import Graph
from edgeq.graph.writer import write_graph
from tests.support.float_models import noise
from tests.support.separable_net import separable

# Half of all values are clipped: that helps no network.
CLIPPED: dict[str, Any] = {"method": "percentile", "percentile": 75.0}


class Runs:
    """An observer that counts how often it ran the float graph."""

    def __init__(self, graph: Graph, inputs: Any) -> None:
        self._graph, self._observe, self.count = graph, observer_of(inputs), 0

    def __call__(self, graph: Graph, tensors: Sequence[int]) -> Iterator[Sequence[Any]]:
        self.count += graph is self._graph
        return self._observe(graph, tensors)


def workshop(graph: Graph, folder: Path, *steps: Step) -> tuple[Workshop, Runs]:
    inputs = noise(graph, samples=32)
    samples = Labelled(inputs, None)
    recipe = Recipe(name="r", steps=(*steps, Quantize()))
    materials = Materials(samples, samples, samples, None, "train")
    floating = folder / "float.tflite"
    floating.write_bytes(write_graph(graph))
    errand = Errand(floating, recipe, materials, folder, lambda stage, share: None)
    runs = Runs(graph, inputs)
    return Workshop(runs, Gauge(samples, run_model(floating, inputs)[0], None), errand), runs


@pytest.mark.parametrize("keep", ["always", "if-better"])
def test_a_step_that_does_harm_is_taken_back_where_the_recipe_says_so(
    keep: Any, tmp_path: Path
) -> None:
    graph, step = separable(), Calibrate(**CLIPPED, keep=keep)
    bench, _ = workshop(graph, tmp_path, step)
    draft, (record,) = bench.run(Draft(graph, Scheme(), {}), [step])
    assert record.sqnr_db is not None
    assert record.before_db is not None
    assert record.sqnr_db < record.before_db - 3
    assert record.kept is (keep == "always")
    assert bool(draft.ranges) is record.kept


def test_the_next_step_starts_from_what_was_kept(tmp_path: Path) -> None:
    graph = separable()
    steps: list[Step] = [Calibrate(**CLIPPED, keep="if-better"), Calibrate(keep="if-better")]
    bench, _ = workshop(graph, tmp_path, *steps)
    draft, (dropped, kept) = bench.run(Draft(graph, Scheme(), {}), steps)
    assert not dropped.kept
    assert kept.kept
    assert kept.before_db == dropped.before_db == kept.sqnr_db
    assert draft.ranges


def test_the_samples_run_once_for_steps_that_leave_the_graph(tmp_path: Path) -> None:
    graph = separable()
    steps: list[Step] = [Calibrate(method="mse"), Calibrate(method="entropy"), Calibrate()]
    bench, runs = workshop(graph, tmp_path, *steps)
    bench.run(Draft(graph, Scheme(), {}), steps)
    assert runs.count == 1


def test_biases_are_corrected_without_a_calibration_before(tmp_path: Path) -> None:
    graph, step = separable(), CorrectBiases()
    bench, runs = workshop(graph, tmp_path, step)
    draft, _ = bench.run(Draft(graph, Scheme(), {}), [step])
    assert draft.biases
    assert runs.count == 2  # for the ranges, and for the means that the biases make up for
