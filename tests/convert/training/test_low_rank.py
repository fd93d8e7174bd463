"""Factored layers compute what the original did where ranks suffice, and fit the budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeq.convert.quantization.draft import LayerNotes
from edgeq.convert.recipes.steps import LowRank, Schedule
from edgeq.convert.training.factor_layers import chain_cp, chain_matrix, chain_tucker
from edgeq.convert.training.factors import factor_cp, factor_matrix, factor_tucker
from edgeq.convert.training.flattening import Call, build, flatten, replace_call
from edgeq.convert.training.low_rank import Choice, choose_ranks, count_weights, factorize
from edgeq.convert.training.session import Trained
from edgeq.core.errors import InputError

pytestmark = pytest.mark.convert

ONE = Schedule(epochs=1, batch=32)


def one_layer(layer: Any, shape: tuple[int, ...]) -> Any:
    import keras

    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def with_chain(model: Any, specs: Any) -> Any:
    flat = flatten(model)
    (call,) = flat.calls
    values = [call.inputs, *((100 + i,) for i in range(len(specs) - 1)), call.outputs]
    calls = [Call(s, a, b) for s, a, b in zip(specs, values[:-1], values[1:], strict=True)]
    return build(replace_call(flat, call, calls))


def same(one: Any, two: Any, shape: tuple[int, ...]) -> bool:
    x = np.random.default_rng(2).normal(size=(3, *shape)).astype(np.float32)
    a, b = np.asarray(one(x)), np.asarray(two(x))
    return a.shape == b.shape and np.allclose(a, b, atol=1e-3 * np.abs(a).max())


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size", [(9, 8), (6, 7)])
def test_convolutions_of_full_rank_are_themselves(
    strides: int, padding: str, size: tuple[int, int]
) -> None:
    from keras import layers

    shape = (*size, 3)
    layer = layers.Conv2D(4, (3, 2), strides, padding, activation="relu", name="c")
    model = one_layer(layer, shape)
    spec = flatten(model).calls[0].spec
    tucker = with_chain(model, chain_tucker(spec, factor_tucker(spec.weights[0], 3, 4)))
    assert same(model, tucker, shape)
    factored = factor_cp(spec.weights[0], 24)
    assert factored.error < 1e-4
    cp = with_chain(model, chain_cp(spec, factored, size))
    x = np.random.default_rng(2).normal(size=(3, *shape)).astype(np.float32)
    a, b = np.asarray(model(x)), np.asarray(cp(x))
    assert float(np.mean((a - b) ** 2) / np.mean(a**2)) < 1e-3


def test_matrices_of_full_rank_are_themselves() -> None:
    from keras import layers

    for layer, shape in (
        (layers.Dense(5, activation="relu", name="d"), (7,)),
        (layers.Conv2D(5, 1, strides=2, padding="same", name="c"), (7, 6, 4)),
        (layers.Conv1D(5, 1, use_bias=False, name="e"), (7, 6)),
    ):
        model = one_layer(layer, shape)
        spec = flatten(model).calls[0].spec
        kernel = spec.weights[0].reshape(spec.weights[0].shape[-2:])
        factored = factor_matrix(kernel, min(kernel.shape))
        assert same(model, with_chain(model, chain_matrix(spec, factored, np.zeros(5))), shape)


def test_a_convolution_in_one_dimension_is_factored_by_tucker() -> None:
    from keras import layers

    model = one_layer(layers.Conv1D(4, 3, strides=2, padding="same", name="c"), (9, 3))
    spec = flatten(model).calls[0].spec
    factored = factor_tucker(spec.weights[0][None], 3, 4)
    assert same(model, with_chain(model, chain_tucker(spec, factored)), (9, 3))


def test_ranks_are_chosen_over_all_layers_for_the_least_error() -> None:
    easy = [Choice(100, 0, ()), Choice(50, 0.01, (5,)), Choice(10, 0.05, (1,))]
    hard = [Choice(100, 0, ()), Choice(50, 0.5, (5,)), Choice(10, 0.9, (1,))]
    assert choose_ranks([easy, hard], 200, 0.6) == [easy[2], hard[0]]
    assert choose_ranks([easy, hard], 400, 0.9) == [easy[1], hard[0]]
    with pytest.raises(InputError, match="220 of 400 weights"):
        choose_ranks([easy, hard], 400, 0.5)


@pytest.mark.parametrize("convolutions", ["tucker", "cp"])
def test_a_model_is_factored_to_its_share_of_weights(session: Any, convolutions: Any) -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, activation="relu", name="stem")(inputs)
    x = layers.Conv2D(16, 3, activation="relu", name="conv")(x)
    x = layers.Flatten()(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))
    notes = {"conv": LayerNotes(frozen_zeros=True), "stem": LayerNotes(frozen_zeros=True)}
    params = LowRank(weights=0.5, layers="conv|head", convolutions=convolutions, schedule=ONE)
    found = factorize(Trained(model, notes), session(), params)
    assert count_weights(flatten(found.model)) <= 0.5 * count_weights(flatten(model))
    assert "conv" in [layer.name for layer in found.model.layers]
    assert set(found.notes) == {"stem"}


def test_the_mean_of_the_inputs_goes_into_the_bias(session: Any) -> None:
    """Inputs that vary in two directions about a mean far off lose nothing at rank two."""
    import keras
    from keras import layers

    rng = np.random.default_rng(4)
    x = rng.normal(size=(96, 2)) @ rng.normal(size=(2, 12)) + 5 * rng.normal(size=12)
    x = x.astype(np.float32)
    inputs = keras.Input((12,))
    model = keras.Model(inputs, layers.Dense(12, name="d")(inputs))
    here = session(teacher=model)
    data = type(here.data)((x,), None, (x,), None)
    params = LowRank(weights=48 / 144, schedule=Schedule(epochs=1, learning_rate=1e-7))
    found = factorize(Trained(model), session(teacher=model, data=data), params)
    assert np.allclose(model(x), found.model(x), atol=2e-3)


def test_nothing_to_factor_is_an_error(session: Any, small_cnn: Any) -> None:
    with pytest.raises(InputError, match="no Dense layer or convolution"):
        factorize(Trained(small_cnn()), session(), LowRank(layers="nothing"))
    with pytest.raises(InputError, match="weights are left at rank 1"):
        factorize(Trained(small_cnn()), session(), LowRank(weights=0.01))
