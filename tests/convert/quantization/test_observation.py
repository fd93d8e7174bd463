"""One pass over the samples serves every calibrator; ranges go to the layers that are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq.convert.quantization import observation
from edgeq.convert.quantization.calibrators import CALIBRATORS, calibrate
from edgeq.convert.quantization.draft import Draft, Observer, Range
from edgeq.convert.quantization.observation import (
    AT_ONCE,
    BLOCKS,
    gather_blocks,
    observe_activations,
)
from edgeq.convert.quantization.scheme import SCHEMES, Scheme, Scope
from edgeq.convert.recipes.steps import Calibrate
from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph, Node, Tensor

Rows = Sequence[NDArray[Any]]


def make_draft(scheme: Scheme | None = None) -> Draft:
    """Input -> RELU ('first') -> RELU ('second'), beside a constant and an integer tensor."""
    graph = Graph(
        name="two",
        tensors=(
            Tensor(0, "in", (1, 4), "float32"),
            Tensor(1, "weights", (4,), "float32", data=np.ones(4, np.float32)),
            Tensor(2, "hidden", (1, 4), "float32"),
            Tensor(3, "out", (1, 4), "float32"),
            Tensor(4, "shape", (1,), "int32"),
        ),
        nodes=(
            Node(0, "RELU", 1, (0,), (2,)),
            Node(1, "RELU", 1, (2,), (3,)),
            Node(2, "SHAPE", 1, (3,), (4,)),
        ),
        inputs=(0,),
        outputs=(3,),
    )
    return Draft(graph, scheme or Scheme(), {0: "first", 1: "second"})


class Watcher:
    """An observer that counts how often the samples ran."""

    def __init__(self, samples: NDArray[Any]) -> None:
        self.samples, self.runs = samples, 0

    def __call__(self, graph: Graph, tensors: Sequence[int]) -> Iterator[Rows]:
        self.runs += 1
        for row in self.samples:
            x = row[None].astype(np.float32)
            values = {0: x, 2: np.maximum(x, 0), 3: np.maximum(x, 0) / 2}
            yield [values[index] for index in tensors]


SAMPLES = np.random.default_rng(0).normal(size=(40, 4))


def test_the_samples_run_once_for_all_calibrators() -> None:
    watch = Watcher(SAMPLES)
    observe: Observer = watch
    draft = make_draft()
    for method in CALIBRATORS:
        draft = calibrate(draft, observe, Calibrate(method=method))  # type: ignore[arg-type]
    assert watch.runs == 1
    assert draft.observed is not None
    assert draft.observed.samples == 40


def test_another_graph_or_another_number_of_samples_runs_anew() -> None:
    watch, draft = Watcher(SAMPLES), make_draft()
    draft = calibrate(draft, watch, Calibrate())
    draft = calibrate(draft, watch, Calibrate(samples=10))
    assert watch.runs == 2
    changed = replace(draft, graph=replace(draft.graph, name="changed"))
    calibrate(changed, watch, Calibrate(samples=10))
    assert watch.runs == 3


def test_only_activations_of_static_layers_get_ranges() -> None:
    scheme = Scheme(scopes=(Scope("second", SCHEMES["float32"]),))
    draft = calibrate(make_draft(scheme), Watcher(SAMPLES), Calibrate())
    assert sorted(draft.ranges) == [0, 2]
    assert draft.ranges[2] == Range(0.0, float(np.float32(SAMPLES.max())))


def test_a_later_step_overrules_for_the_layers_that_it_names() -> None:
    watch = Watcher(SAMPLES)
    first = calibrate(make_draft(), watch, Calibrate())
    narrow = Calibrate(layers="sec.*", method="percentile", percentile=60)
    second = calibrate(first, watch, narrow)
    assert {t: second.ranges[t] for t in (0, 2)} == {t: first.ranges[t] for t in (0, 2)}
    assert second.ranges[3].high < first.ranges[3].high


def test_a_layer_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    with pytest.raises(InputError) as caught:
        calibrate(make_draft(), Watcher(SAMPLES), Calibrate(layers="third"))
    assert "third" in caught.value.cause
    assert "first, second" in caught.value.hint


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_layer_that_gives_nan_is_named(bad: float) -> None:
    samples = SAMPLES.copy()
    samples[7, 1] = bad
    with pytest.raises(InputError, match="NaN or infinity") as caught:
        calibrate(make_draft(), Watcher(samples), Calibrate())
    assert "layer in " in caught.value.cause


def test_no_samples_are_an_error() -> None:
    with pytest.raises(InputError, match="no samples"):
        observe_activations(make_draft(), Watcher(SAMPLES[:0]), 10)


@pytest.mark.parametrize("method", CALIBRATORS)
def test_the_same_samples_give_the_same_ranges(method: str) -> None:
    params = Calibrate(method=method)  # type: ignore[arg-type]
    one, two = (calibrate(make_draft(), Watcher(SAMPLES), params) for _ in range(2))
    assert one.ranges == two.ranges


@pytest.mark.parametrize("at_once", [1, 3, AT_ONCE])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 40, 41, 100])
def test_blocks_are_few_and_hold_every_sample_in_order(
    count: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observation, "AT_ONCE", at_once)
    rows = [[np.full((1, 1), n, np.float32)] for n in range(count)]
    blocks = gather_blocks(rows, [5], 0.9)
    assert len(blocks) <= BLOCKS
    assert sum(block[5].samples for block in blocks) == count
    assert len({block[5].samples for block in blocks[:-1]}) <= 1
    assert [b[5].low for b in blocks] == sorted(b[5].low for b in blocks)
    assert all(b[5].high - b[5].low == b[5].samples - 1 for b in blocks)


def test_the_halves_are_of_near_the_same_size() -> None:
    for count in (2, 9, 40):
        watch = Watcher(np.resize(SAMPLES, (count, 4)))
        observed = observe_activations(make_draft(), watch, 1000).observed
        assert observed is not None
        first, second = (half[0].samples for half in observed.halves)
        assert first + second == count
        assert 0.5 <= second / first <= 2
