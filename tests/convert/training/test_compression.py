"""Pruned, clustered, ternary and binary weights are exactly that, and later steps keep them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeq.convert.quantization.scheme import LayerScheme, Scheme
from edgeq.convert.recipes.steps import Binary, Cluster, Prune, Schedule, Ternary
from edgeq.convert.training.clustering import cluster, split_schedule
from edgeq.convert.training.codebooks import fit_codes
from edgeq.convert.training.extreme import train_binary, train_ternary
from edgeq.convert.training.kernels import kernels_of
from edgeq.convert.training.pruning import prune, sparsity_at
from edgeq.convert.training.session import Trained
from edgeq.core.errors import InputError

pytestmark = pytest.mark.convert

SHORT = Schedule(epochs=4, batch=16, learning_rate=1e-2)
TWO = Schedule(epochs=2, batch=32, learning_rate=3e-3)


def weights(trained: Trained, name: str) -> Any:
    return kernels_of(trained.model)[name].read()


def accuracy(trained: Trained, session: Any) -> float:
    outputs = np.asarray(trained.model(session.data.watched_x[0], training=False))
    return float(np.mean(outputs.argmax(1) == session.data.watched_y))


def off_codebook(trained: Trained, name: str) -> float:
    """The largest distance from codebook times scale, relative to the largest weight."""
    columns, codebook = weights(trained, name), trained.notes[name].codebook
    assert codebook is not None
    codes, scales = fit_codes(columns, codebook)
    error = np.abs(columns - np.asarray(codebook)[codes] * scales)
    return float(np.max(error) / np.max(np.abs(columns)))


@pytest.mark.parametrize("among", ["layer", "model"])
def test_pruning_reaches_the_sparsity_exactly(session: Any, small_cnn: Any, among: Any) -> None:
    here = session()
    params = Prune(sparsity=0.7, among=among, schedule=SHORT)
    pruned = prune(Trained(small_cnn()), here, params)
    zeros = {name: int(np.sum(weights(pruned, name) == 0)) for name in ("conv", "head")}
    if among == "layer":
        assert zeros == {"conv": round(0.7 * 36), "head": round(0.7 * 432)}
    assert sum(zeros.values()) == pytest.approx(0.7 * 468, abs=1)
    assert accuracy(pruned, here) > 0.9
    assert pruned.notes["conv"].frozen_zeros


def test_sparsity_rises_by_the_cubic_of_zhu_and_gupta() -> None:
    assert [round(sparsity_at(s, 0.8), 3) for s in (0, 0.5, 1, 2)] == [0, 0.7, 0.8, 0.8]


def test_a_step_leaves_its_argument_as_it_was(session: Any, small_cnn: Any) -> None:
    model = small_cnn()
    before = [w.copy() for w in model.get_weights()]
    train_ternary(Trained(model), session(), Ternary(schedule=SHORT))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_ternary_weights_are_ternary_and_still_tell_the_classes(
    session: Any, small_cnn: Any
) -> None:
    here = session()
    found = train_ternary(Trained(small_cnn()), here, Ternary(layers="conv|head", schedule=SHORT))
    assert found.notes["head"].codebook == (-127, 0, 127)
    for column in weights(found, "head").T:
        assert len(np.unique(np.abs(column[column != 0]))) == 1
    assert 0.2 < np.mean(weights(found, "head") == 0) < 0.7
    assert accuracy(found, here) > 0.9


def test_binary_weights_are_binary(session: Any, small_cnn: Any) -> None:
    here = session()
    found = train_binary(Trained(small_cnn()), here, Binary(layers="head", schedule=SHORT))
    assert np.allclose(np.ptp(np.abs(weights(found, "head")), axis=0), 0, atol=1e-7)
    assert "conv" not in found.notes
    assert accuracy(found, here) > 0.9


def test_a_scheme_without_channels_gives_one_scale(session: Any, small_cnn: Any) -> None:
    here = session(scheme=Scheme(LayerScheme(per_channel=False)))
    found = train_binary(Trained(small_cnn()), here, Binary(layers="head", schedule=SHORT))
    assert np.ptp(np.abs(weights(found, "head"))) == pytest.approx(0, abs=1e-7)
    assert found.notes["head"].per_channel is False


def test_clustered_weights_are_on_their_codebook(session: Any, small_cnn: Any) -> None:
    here = session()
    found = cluster(Trained(small_cnn()), here, Cluster(values=8, schedule=SHORT))
    assert len(found.notes["head"].codebook or ()) == 8
    assert off_codebook(found, "conv") < 1e-6
    assert off_codebook(found, "head") < 1e-6
    assert accuracy(found, here) > 0.9


def test_clustering_keeps_pruned_zeros(session: Any, small_cnn: Any) -> None:
    here = session()
    pruned = prune(Trained(small_cnn()), here, Prune(sparsity=0.6, schedule=SHORT))
    zero = weights(pruned, "head") == 0
    found = cluster(pruned, here, Cluster(values=8, schedule=SHORT))
    assert np.all(weights(found, "head")[zero] == 0)
    assert off_codebook(found, "head") < 1e-6
    assert len(found.notes["head"].codebook or ()) == 7
    assert found.notes["head"].frozen_zeros


def test_later_steps_keep_codes_and_zeros_of_other_layers(session: Any, small_cnn: Any) -> None:
    here = session()
    first = prune(Trained(small_cnn()), here, Prune(layers="conv", sparsity=0.5, schedule=SHORT))
    first = train_ternary(first, here, Ternary(layers="head", schedule=SHORT))
    codes = np.sign(weights(first, "head"))
    then = cluster(first, here, Cluster(layers="conv", values=4, schedule=SHORT))
    assert np.array_equal(np.sign(weights(then, "head")), codes)
    assert not np.array_equal(weights(then, "head"), weights(first, "head"))
    assert off_codebook(then, "head") < 1e-6
    assert np.all(weights(then, "conv")[weights(first, "conv") == 0] == 0)


def test_no_layer_of_that_name_is_an_error_that_lists_those_there_are(
    session: Any, small_cnn: Any
) -> None:
    with pytest.raises(InputError, match="no layer with weights matches 'dense'") as caught:
        train_ternary(Trained(small_cnn()), session(), Ternary(layers="dense"))
    assert "conv, head" in caught.value.hint


def test_weights_that_are_not_finite_are_an_error_that_names_the_layer(
    session: Any, small_cnn: Any
) -> None:
    model = small_cnn()
    model.get_layer("head").bias.assign(np.zeros(3))
    model.get_layer("head")._kernel.assign(np.full((144, 3), np.nan))
    with pytest.raises(InputError, match="layer head"):
        prune(Trained(model), session(), Prune())


def test_a_schedule_is_split_into_epochs_and_minutes() -> None:
    moving, standing = split_schedule(Schedule(epochs=10, minutes=5.0), 0.4)
    assert moving is not None
    assert (moving.epochs, moving.minutes) == (4, 2.0)
    assert (standing.epochs, standing.minutes) == (6, 3.0)
    assert split_schedule(Schedule(epochs=1), 0.4) == (None, Schedule(epochs=1))


def test_pruning_gives_up_a_codebook_and_keeps_earlier_zeros(session: Any, small_cnn: Any) -> None:
    here = session()
    first = prune(Trained(small_cnn()), here, Prune(layers="head", sparsity=0.6, schedule=TWO))
    first = cluster(first, here, Cluster(layers="head", values=4, schedule=TWO))
    then = prune(first, here, Prune(layers="head", sparsity=0.3, schedule=TWO))
    assert then.notes["head"].codebook is None
    assert np.all(weights(then, "head")[weights(first, "head") == 0] == 0)


def test_an_interrupted_pruning_ends_with_the_bytes_of_an_uninterrupted_one(
    session: Any, small_cnn: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeq.convert.training import pruning

    params = Prune(sparsity=0.5, schedule=SHORT)
    whole = prune(Trained(small_cnn()), session(checkpoints=tmp_path / "a"), params)
    sparsity_at, asked = pruning.sparsity_at, []

    def fail_at_third(share: float, final: float) -> float:
        asked.append(share)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return sparsity_at(share, final)

    here = session(checkpoints=tmp_path / "b")
    monkeypatch.setattr(pruning, "sparsity_at", fail_at_third)
    with pytest.raises(KeyboardInterrupt):
        prune(Trained(small_cnn()), here, params)
    monkeypatch.setattr(pruning, "sparsity_at", sparsity_at)
    again = prune(Trained(small_cnn()), here, params)
    assert np.array_equal(weights(whole, "head"), weights(again, "head"))
