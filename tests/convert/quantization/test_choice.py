"""The choice among calibrators goes by the error at the outputs of the quantised model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq.convert.quantization.calibrators import calibrate
from edgeq.convert.quantization.choice import JUDGING, choose_ranges
from edgeq.convert.quantization.draft import Draft, Range
from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.recipes.steps import Calibrate
from edgeq.graph.ir import Graph, Node, Tensor

RANDOM = np.random.default_rng(3)
SAMPLES = RANDOM.normal(size=(60, 8)).astype(np.float32)


def chain(last: str) -> Draft:
    """Input -> ABS -> RELU -> `last`: operators without weights, run below in numpy."""
    names = ("in", "abs", "relu", "out")
    tensors = tuple(Tensor(i, name, (1, 8), "float32") for i, name in enumerate(names))
    nodes = tuple(Node(i, op, 1, (i,), (i + 1,)) for i, op in enumerate(("ABS", "RELU", last)))
    return Draft(Graph("chain", tensors, nodes, (0,), (3,)), Scheme(), {0: "a", 1: "b", 2: "c"})


def softmax(x: NDArray[Any]) -> NDArray[Any]:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


FUNCTIONS = {"ABS": np.abs, "RELU": lambda x: np.maximum(x, 0), "SOFTMAX": softmax}


class Runner:
    """Runs such chains; a quantised tensor rounds to its steps. It counts the samples."""

    def __init__(self, samples: NDArray[Any] = SAMPLES) -> None:
        self.samples, self.count = samples, 0

    def __call__(self, graph: Graph, tensors: Sequence[int]) -> Iterator[Sequence[NDArray[Any]]]:
        for row in self.samples:
            self.count += 1
            values = {graph.inputs[0]: self.settle(graph, graph.inputs[0], row[None])}
            for node in graph.nodes:
                made = FUNCTIONS[node.op](values[node.inputs[0]])
                values[node.outputs[0]] = self.settle(graph, node.outputs[0], made)
            yield [values[index] for index in tensors]

    @staticmethod
    def settle(graph: Graph, index: int, value: NDArray[Any]) -> NDArray[Any]:
        q = graph.tensor(index).quantization
        if q is None:
            return value
        steps = np.clip(np.rint(value / q.scale) + q.zero_point, -128, 127)
        return np.asarray((steps - q.zero_point) * q.scale, np.float32)


def test_each_layer_takes_the_range_with_the_least_error() -> None:
    good = {0: Range(-4, 4), 1: Range(0, 4), 2: Range(0, 4), 3: Range(0, 4)}
    wide = {**good, 1: Range(0, 400), 2: Range(0, 4)}
    narrow = {**good, 2: Range(0, 0.5)}
    chosen = choose_ranges(chain("RELU"), Runner(), {"wide": wide, "narrow": narrow})
    assert chosen == good


def test_what_gains_no_more_than_chance_mixes_no_candidates() -> None:
    one = {0: Range(-4, 4), 1: Range(0, 4), 2: Range(0, 4), 3: Range(0, 4)}
    two = {0: Range(-4.001, 4), 1: Range(0, 4), 2: Range(0, 4), 3: Range(0, 4.001)}
    assert choose_ranges(chain("RELU"), Runner(), {"one": one, "two": two}) in (one, two)


def test_beside_a_softmax_its_input_is_compared() -> None:
    """The range of a softmax' output is fixed: candidates differ by what feeds it alone."""
    good = {0: Range(-4, 4), 1: Range(0, 4), 2: Range(0, 4), 3: Range(0, 1)}
    bad = {**good, 2: Range(0, 40), 3: Range(0, 0.001)}
    chosen = choose_ranges(chain("SOFTMAX"), Runner(), {"bad": bad, "good": good})
    assert chosen[2] == good[2]


def test_few_samples_judge() -> None:
    runner = Runner(np.resize(SAMPLES, (JUDGING + 50, 8)))
    ranges = {0: Range(-4, 4), 1: Range(0, 4), 2: Range(0, 4), 3: Range(0, 4)}
    choose_ranges(chain("RELU"), runner, {"one": ranges})
    assert runner.count <= 2 * (JUDGING + 1)


def test_best_is_a_calibrator_that_is_no_worse_than_min_max_and_repeats() -> None:
    outlier = SAMPLES.copy()
    outlier[5, 3] = 90.0
    found = [calibrate(chain("RELU"), Runner(outlier), Calibrate(method="best")) for _ in range(2)]
    assert found[0].ranges == found[1].ranges
    assert set(found[0].ranges) == {0, 1, 2, 3}


def test_best_of_some_layers_leaves_the_others_alone() -> None:
    first = calibrate(chain("RELU"), Runner(), Calibrate())
    second = calibrate(first, Runner(), Calibrate(method="best", layers="b"))
    assert {t: r for t, r in second.ranges.items() if t != 2} == {
        t: r for t, r in first.ranges.items() if t != 2
    }


@pytest.mark.parametrize("method", ["min-max", "best"])
def test_ranges_alone_are_no_samples(method: str) -> None:
    with pytest.raises(Exception, match="no samples"):
        calibrate(chain("RELU"), Runner(SAMPLES[:0]), Calibrate(method=method))  # type: ignore[arg-type]
