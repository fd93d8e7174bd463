"""Steps in a row: what one decided is still true behind the others, and behind folding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgeq.convert.quantization.weights import fit_codebook, restore
from edgeq.convert.recipes.steps import (
    Cluster,
    Distil,
    LowRank,
    Prune,
    PruneChannels,
    Schedule,
    Ternary,
    TrainQuantized,
)
from edgeq.convert.training.channels import count_macs, prune_channels
from edgeq.convert.training.clustering import cluster
from edgeq.convert.training.distillation import teach
from edgeq.convert.training.extreme import train_ternary
from edgeq.convert.training.flattening import build, flatten
from edgeq.convert.training.folding import fold_model
from edgeq.convert.training.kernels import copy_model, kernels_of
from edgeq.convert.training.low_rank import count_weights, factorize
from edgeq.convert.training.pruning import prune
from edgeq.convert.training.qat import train_quantized
from edgeq.convert.training.session import Trained

pytestmark = pytest.mark.convert

TWO = Schedule(epochs=2, batch=32, learning_rate=3e-3)


def off_codebook(trained: Trained, name: str) -> float:
    """Distance from what the quantiser makes of the notes, relative to the largest weight."""
    columns, codebook = kernels_of(trained.model)[name].read(), trained.notes[name].codebook
    assert codebook is not None
    error = np.abs(restore(fit_codebook(columns, codebook, 1)) - columns)
    return float(np.max(error) / np.max(np.abs(columns)))


def test_pruned_then_clustered_then_trained_with_integers(session: Any, small_cnn: Any) -> None:
    here = session(teacher=small_cnn())
    pruned = prune(Trained(small_cnn()), here, Prune(sparsity=0.5, schedule=TWO))
    clustered = cluster(pruned, here, Cluster(values=8, layers="head", schedule=TWO))
    found = train_quantized(clustered, here, TrainQuantized(schedule=TWO))
    for name in ("conv", "head"):
        zero = kernels_of(pruned.model)[name].read() == 0
        assert np.all(kernels_of(found.model)[name].read()[zero] == 0)
    assert off_codebook(found, "head") < 1e-5
    assert found.notes["head"].codebook == clustered.notes["head"].codebook
    assert found.notes["head"].output is not None


def test_factored_then_taught_then_ternary(session: Any, small_cnn: Any) -> None:
    teacher = small_cnn()
    here = session(teacher=teacher)
    first = factorize(Trained(copy_model(teacher)), here, LowRank(weights=0.8, schedule=TWO))
    taught = teach(here, first, Distil(features=("conv=conv",)))
    found = train_ternary(first, taught, Ternary(layers="head.*", schedule=TWO))
    assert count_weights(flatten(found.model)) <= 0.8 * count_weights(flatten(teacher))
    names = [name for name in kernels_of(found.model) if name.startswith("head")]
    assert names == ["head_factor", "head"]
    assert all(off_codebook(found, name) < 1e-6 for name in names)


def test_narrowed_then_pruned(session: Any, small_cnn: Any) -> None:
    here, model = session(), small_cnn()
    macs = count_macs(model)
    narrow = prune_channels(Trained(model), here, PruneChannels(rounds=1, schedule=TWO))
    found = prune(narrow, here, Prune(sparsity=0.5, schedule=TWO))
    assert count_macs(found.model) <= 0.5 * macs
    kernel = kernels_of(found.model)["head"].read()
    assert np.sum(kernel == 0) == round(0.5 * kernel.size)


def test_folding_a_batch_norm_of_either_sign_keeps_the_codebook(
    session: Any, small_cnn: Any
) -> None:
    model = small_cnn()
    norm = next(layer for layer in model.layers if "normalization" in layer.name)
    norm.gamma.assign([0.5, -1.5, 2.0, -0.1])
    found = cluster(Trained(model), session(), Cluster(values=4, layers="conv", schedule=TWO))
    folded = replace(found, model=build(fold_model(found.model)))
    assert not any("normalization" in layer.name for layer in folded.model.layers)
    assert off_codebook(folded, "conv") < 1e-5
