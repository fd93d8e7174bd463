"""Recovery steps on whole graphs: errors lowered, layers chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgeq.convert.observers import observer_of
from edgeq.convert.quantization.bias_correction import correct_biases
from edgeq.convert.quantization.calibrators import calibrate
from edgeq.convert.quantization.clipping import clip_weights
from edgeq.convert.quantization.compensation import compensate_rounding
from edgeq.convert.quantization.draft import Draft
from edgeq.convert.quantization.equalization import equalize
from edgeq.convert.quantization.products import products_of
from edgeq.convert.quantization.rounding import learn_rounding
from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.recipes.steps import (
    Calibrate,
    ClipWeights,
    CompensateRounding,
    CorrectBiases,
    Equalize,
    LearnRounding,
)
from tests.support.float_models import noise
from tests.support.separable_net import calibrated, quality, separable

STEPS: dict[str, tuple[Callable[..., Draft], Any]] = {
    "learn-rounding": (learn_rounding, LearnRounding(iterations=200, samples=192)),
    "compensate-rounding": (compensate_rounding, CompensateRounding(samples=192)),
    "clip-weights": (clip_weights, ClipWeights()),
    "empirical": (correct_biases, CorrectBiases()),
    "analytic": (correct_biases, CorrectBiases(method="analytic")),
}
# What each must gain at least in dB on samples that it did not see; clipping alone may lose.
LEAST = {"learn-rounding": 1.0, "compensate-rounding": 1.0, "empirical": 0.0, "analytic": 0.0}


@pytest.mark.parametrize("kind", LEAST)
def test_a_step_gains_on_samples_that_it_did_not_see(kind: str) -> None:
    graph = separable()
    inputs, unseen = noise(graph, samples=256), noise(graph, 1, samples=64)
    draft = calibrated(graph, (np.concatenate([inputs[0], unseen[0]]),), "int4")
    step, params = STEPS[kind]
    after = step(draft, observer_of(inputs), params)
    assert quality(after, graph, unseen) > quality(draft, graph, unseen) + LEAST[kind]


@pytest.mark.parametrize("kind", STEPS)
def test_only_the_layers_asked_for_change(kind: str) -> None:
    graph = separable()
    inputs = noise(graph)
    draft = calibrated(graph, inputs, "int4")
    first = products_of(draft)[0]
    step, params = STEPS[kind]
    named = type(params)(layers=first.name)
    after = step(draft, observer_of(inputs), named)
    assert set(after.weights) <= {first.weights}
    assert set(after.biases) <= {first.bias}
    assert after.weights or after.biases


@pytest.mark.parametrize("kind", ["learn-rounding", "compensate-rounding", "clip-weights"])
def test_weights_on_their_grid_stay(kind: str) -> None:
    graph = separable()
    inputs = noise(graph)
    draft = calibrated(graph, inputs, "int4")
    fixed = clip_weights(draft, observer_of(inputs), ClipWeights())
    tensors = list(graph.tensors)
    for index, weights in fixed.weights.items():
        shape = [-1 if a == weights.axis else 1 for a in range(weights.values.ndim)]
        real = (weights.values * weights.scales.reshape(shape)).astype(np.float32)
        tensors[index] = replace(tensors[index], data=real)
    fixed = replace(fixed, graph=replace(graph, tensors=tuple(tensors)))
    step, params = STEPS[kind]
    after = step(fixed, observer_of(inputs), params)
    assert dict(after.weights) == dict(fixed.weights)


def test_a_missing_bias_is_added_where_one_is_corrected() -> None:
    graph = separable()
    nodes = tuple(
        replace(n, inputs=(*n.inputs[:2], -1)) if n.op == "FULLY_CONNECTED" else n
        for n in graph.nodes
    )
    graph = replace(graph, nodes=nodes)
    inputs = noise(graph)
    after = correct_biases(calibrated(graph, inputs, "int4"), observer_of(inputs), CorrectBiases())
    assert len(after.biases) == 4
    assert after.graph.nodes[-1].inputs[2] >= 0
    assert np.isfinite(quality(after, graph, inputs))


def test_all_steps_together_make_int8_better() -> None:
    graph = separable(residual=True)
    inputs, unseen = noise(graph, samples=256), noise(graph, 1, samples=64)
    observe, before = observer_of(inputs), Draft(graph, Scheme(), {})
    plain = calibrate(before, observe, Calibrate())
    after = calibrate(equalize(before, observe, Equalize()), observe, Calibrate())
    after = learn_rounding(after, observe, LearnRounding(iterations=200, samples=192))
    assert quality(after, graph, unseen) > quality(plain, graph, unseen) + 1.0


@pytest.mark.parametrize("kind", ["learn-rounding", "compensate-rounding", "empirical", "analytic"])
@pytest.mark.parametrize("place", [0, 3, 7])
def test_no_sample_is_left_out(kind: str, place: int) -> None:
    graph = separable()
    (x,) = inputs = noise(graph, samples=8)
    draft = calibrated(graph, inputs, "int4")
    step, params = STEPS[kind]
    changed = x.copy()
    changed[place] = -x[place]
    mine, other = (step(draft, observer_of((values,)), params) for values in (x, changed))
    assert any(not np.array_equal(mine.biases[i], other.biases[i]) for i in mine.biases)
