"""Drift and diagnosis: each finding with data that bring it about and data that do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeq.convert.quantization.calibrators import calibrate
from edgeq.convert.quantization.diagnosis import (
    clipped_layers,
    diagnose_drift,
    diagnose_ranges,
    diagnose_samples,
)
from edgeq.convert.quantization.draft import Draft, Observer
from edgeq.convert.quantization.drift import (
    measure_drift,
    range_overlap,
    saturated_share,
    shannon_distance,
)
from edgeq.convert.quantization.observation import observe_activations
from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.quantization.statistics import TensorStatistics, measure_samples
from edgeq.convert.recipes.steps import Calibrate
from edgeq.core.records import DriftRecord
from edgeq.graph.ir import Graph, Node, Tensor

Images = NDArray[np.float32]


def normal(seed: int, mean: float = 0.0, size: int = 20_000) -> TensorStatistics:
    values = np.random.default_rng(seed).normal(mean, 1, size)
    return measure_samples(values.astype(np.float32)[None])


def images(seed: int, count: int = 100, gain: float = 1.0) -> Images:
    """Smooth values within 0..1, each image of its own brightness."""
    random = np.random.default_rng(seed)
    light = random.uniform(0.3, 1, (count, 1, 1, 1))
    return (gain * light * random.uniform(0, 1, (count, 8, 8, 1))).astype(np.float32)


def draft() -> Draft:
    tensors = (Tensor(0, "in", (1, 8, 8, 1), "float32"), Tensor(1, "out", (1, 8, 8, 1), "float32"))
    graph = Graph("one", tensors, (Node(0, "RELU", 1, (0,), (1,)),), (0,), (1,))
    return Draft(graph, Scheme(), {0: "only"})


def observer(samples: Images, gain: float = 2.0) -> Observer:
    def observe(graph: Graph, tensors: Sequence[int]) -> Iterator[Sequence[NDArray[Any]]]:
        for row in samples:
            values = {0: row[None], 1: gain * row[None]}
            yield [values[index] for index in tensors]

    return observe


# --- distances -----------------------------------------------------------------------------------


def test_draws_of_one_distribution_are_no_distance_apart() -> None:
    distances = [shannon_distance(normal(s), normal(s + 100)) for s in range(20)]
    assert max(distances) < 0.05


def test_the_distance_grows_with_the_shift_up_to_one() -> None:
    distances = [shannon_distance(normal(0), normal(1, mean)) for mean in (0.25, 0.5, 1, 3, 50)]
    assert distances == sorted(distances)
    assert distances[-1] == pytest.approx(1, abs=0.01)


@settings(max_examples=30)
@given(st.floats(-3, 3), st.integers(2, 400))
def test_the_distance_is_symmetric_and_within_its_bounds(mean: float, size: int) -> None:
    a, b = normal(1), normal(2, mean, size)
    assert 0 <= shannon_distance(a, b) <= 1
    assert shannon_distance(a, b) == pytest.approx(shannon_distance(b, a), abs=1e-9)


def test_overlap_and_saturation_are_those_of_the_values() -> None:
    first = measure_samples(np.array([[0.0, 1.0, 2.0, 4.0]], np.float32))
    second = measure_samples(np.array([[2.0, 3.0, 6.0, 6.0]], np.float32))
    assert range_overlap(first, second) == pytest.approx(2 / 6)
    assert saturated_share(first, second) == pytest.approx(0.5)
    assert saturated_share(second, first) == 0.0
    assert range_overlap(first, first) == 1.0


# --- samples -------------------------------------------------------------------------------------

GOOD = images(0)


def test_good_samples_have_no_finding() -> None:
    assert diagnose_samples((GOOD,)) == ()
    assert diagnose_samples((GOOD,), 0.0, 1.0) == ()


@pytest.mark.parametrize(
    ("samples", "low", "high", "said"),
    [
        (GOOD[:49], None, None, "49 samples only"),
        (np.zeros_like(GOOD), 0.0, 1.0, "one constant"),
        (np.repeat(GOOD[:1], 60, axis=0), 0.0, 1.0, "all samples are the same"),
        (np.clip(255 * GOOD, 0, 1), 0.0, 1.0, "clipped, or scaled wrongly"),
        (np.clip(1.6 * GOOD, 0, 0.7), None, None, "clipped, or scaled wrongly"),
        (GOOD / 255, 0.0, 1.0, "scaled twice"),
    ],
    ids=["few", "constant", "same", "undivided", "clipped", "divided twice"],
)
def test_bad_samples_are_named(
    samples: Images, low: float | None, high: float | None, said: str
) -> None:
    found = diagnose_samples((samples.astype(np.float32),), low, high)
    assert any(said in sentence for sentence in found)
    assert len(found) == 1


@pytest.mark.parametrize(
    "samples",
    [
        np.where(GOOD > 0.3, GOOD, 0).astype(np.float32),  # a black background
        np.where(GOOD > 0.3, 1, GOOD).astype(np.float32),  # a white one, at the declared bound
        np.random.default_rng(0).integers(0, 3, (100, 5)).astype(np.int32),  # indices
    ],
    ids=["black", "white", "integers"],
)
def test_backgrounds_and_indices_are_not_taken_for_clipping(samples: NDArray[Any]) -> None:
    assert diagnose_samples((samples,), 0.0, 1.0) == ()


def test_each_of_several_inputs_is_looked_at() -> None:
    found = diagnose_samples((GOOD, np.ones_like(GOOD)))
    assert len(found) == 1
    assert "input 1" in found[0]


# --- layers --------------------------------------------------------------------------------------


def test_a_settled_draft_has_no_finding() -> None:
    assert diagnose_ranges(calibrate(draft(), observer(GOOD), Calibrate())) == ()


def test_a_layer_that_gives_one_constant_is_named() -> None:
    found = diagnose_ranges(calibrate(draft(), observer(GOOD, gain=0.0), Calibrate()))
    assert len(found) == 1
    assert found[0].startswith("only give one constant")


def test_halves_that_disagree_are_said_with_the_layers_that_suffer() -> None:
    mixed = np.concatenate([images(1, 60), images(2, 60, gain=3.0)])
    found = diagnose_ranges(calibrate(draft(), observer(mixed), Calibrate()))
    assert len(found) == 1
    assert "halves" in found[0]
    assert "only (distance" in found[0]


def test_a_range_that_clips_much_is_said() -> None:
    params = Calibrate(layers="only", method="percentile", percentile=90)
    calibrated = calibrate(calibrate(draft(), observer(GOOD), Calibrate()), observer(GOOD), params)
    found = diagnose_ranges(calibrated)
    assert len(found) == 1
    assert "clip much" in found[0]
    tensor, share = clipped_layers(calibrated)[0]
    assert tensor == 1
    assert share == pytest.approx(0.1, abs=0.01)


def drift_to(samples: Images) -> tuple[DriftRecord, DriftRecord]:
    known = observe_activations(draft(), observer(GOOD), 1000).observed
    other = observe_activations(draft(), observer(samples), 1000).observed
    assert known is not None
    assert other is not None
    return (
        measure_drift(
            draft(), known.tensors, other.tensors, names=("representative", "evaluation")
        ),
        measure_drift(draft(), *known.halves, names=("first half", "second half")),
    )


def test_samples_of_the_same_kind_show_no_drift() -> None:
    drift, halves = drift_to(images(5))
    assert drift.samples == (100, 100)
    assert diagnose_drift(drift, halves) == ()


@pytest.mark.parametrize(
    "samples",
    [images(5, gain=0.2), 1 - images(5), images(5) + 0.4],
    ids=["dark", "negative", "lit"],
)
def test_samples_out_of_the_distribution_are_said(samples: Images) -> None:
    found = diagnose_drift(*drift_to(samples.astype(np.float32)))
    assert len(found) == 1
    assert "the evaluation samples are unlike the representative samples" in found[0]
    assert "only (distance" in found[0]
