"""Channels are really removed: in groups, with everything that reads or writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeq.convert.recipes.steps import PruneChannels, Schedule
from edgeq.convert.training.channel_groups import trace_channels
from edgeq.convert.training.channels import (
    choose_groups,
    count_macs,
    norm_importance,
    prune_channels,
    remove_channels,
)
from edgeq.convert.training.flattening import build, flatten
from edgeq.convert.training.kernels import kernel_of
from edgeq.convert.training.session import Trained
from edgeq.core.errors import InputError

pytestmark = pytest.mark.convert


def branched(seed: int = 1) -> Any:
    """Add, Concatenate, Depthwise, BN, pools, Flatten and a shared layer in one model."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same", name="stem")(inputs)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    y = layers.Conv2D(8, 3, padding="same", use_bias=False, name="branch")(x)
    x = layers.Add()([x, layers.DepthwiseConv2D(3, padding="same", name="depthwise")(y)])
    shared = layers.Conv2D(6, 1, activation="relu", name="shared")
    z = layers.Concatenate()([shared(x), layers.MaxPooling2D(1)(shared(x)), y])
    z = layers.AveragePooling2D(2)(z)
    z = layers.Conv2DTranspose(5, 2, strides=2, name="up")(layers.PReLU(shared_axes=[1, 2])(z))
    z = layers.Dense(12, activation="relu", name="hidden")(layers.Flatten()(z))
    outputs = layers.Dense(3, activation="softmax", name="head")(z)
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(seed)
    model.set_weights([w + rng.uniform(0.01, 0.3, w.shape) for w in model.get_weights()])
    return model


def masked(model: Any, removed: Any) -> Any:
    """The same model with the removed channels zeroed where they are read."""
    traced = trace_channels(flatten(model))
    copy = build(traced.flat)
    for call in traced.flat.calls:
        gone = removed[traced.group[traced.ids[call.inputs[0]]]]
        kind = call.spec.kind.__name__
        layer = copy.get_layer(call.spec.name)
        if kind in ("Conv2D", "Dense"):
            kernel = np.array(layer.kernel.numpy())
            kernel[..., gone, :] = 0
            kernel_of(layer).variable.assign(kernel)
        if kind == "Conv2DTranspose":
            kernel = np.array(layer.kernel.numpy())
            kernel[..., gone] = 0
            kernel_of(layer).variable.assign(kernel)
    return copy


def test_the_smaller_model_computes_what_the_masked_one_does() -> None:
    model = branched()
    traced = trace_channels(flatten(model))
    removed = choose_groups(
        traced,
        norm_importance(model, traced, None),
        0.5 * count_macs(model),  # type: ignore[arg-type]
    )
    smaller = build(traced.without(removed))
    x = np.random.default_rng(2).normal(size=(5, 8, 8, 1)).astype(np.float32)
    assert np.allclose(smaller(x), masked(model, removed)(x), atol=1e-5)
    assert count_macs(smaller) <= 0.5 * count_macs(model)
    assert smaller.count_params() < model.count_params()


def test_added_channels_go_together_and_ports_stay() -> None:
    model = branched()
    traced = trace_channels(flatten(model))
    by_name = {work.name: traced.group[work.outputs] for work in traced.works}
    assert np.array_equal(by_name["stem"], by_name["depthwise"])
    assert np.array_equal(by_name["branch"], by_name["depthwise"])
    assert not set(by_name["shared"]) & set(by_name["stem"])
    assert traced.locked[by_name["head"]].all()
    assert not traced.locked[by_name["hidden"]].any()


def test_macs_are_those_of_the_layers() -> None:
    import keras
    from keras import layers

    inputs = keras.Input((8, 6, 2))
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False)(x)
    outputs = layers.Dense(5)(layers.Flatten()(x))
    expected = 4 * 3 * 9 * 2 * 4 + 4 * 3 * 9 * 8 + 4 * 3 * 8 * 5
    assert count_macs(keras.Model(inputs, outputs)) == expected


@pytest.mark.parametrize("importance", ["taylor", "norm", "gamma"])
def test_half_the_macs_go_and_the_classes_are_still_told(
    session: Any, small_cnn: Any, importance: Any
) -> None:
    from edgeq.convert.training.loop import train

    model, here = small_cnn(), session()
    train(model, here, Schedule(epochs=4, batch=16, learning_rate=1e-2), name="first")
    schedule = Schedule(epochs=4, batch=16, learning_rate=1e-2)
    params = PruneChannels(macs=0.5, importance=importance, rounds=2, schedule=schedule)
    found = prune_channels(Trained(model), here, params)
    assert count_macs(found.model) <= 0.5 * count_macs(model)
    assert found.model.get_layer("conv").filters == 2
    outputs = np.asarray(found.model(here.data.watched_x[0], training=False))
    assert np.mean(outputs.argmax(1) == here.data.watched_y) > 0.9


def test_channels_that_nothing_reads_go_first(session: Any, small_cnn: Any) -> None:
    model = small_cnn()
    head = model.get_layer("head")
    kernel = np.array(head.kernel.numpy()).reshape(36, 4, 3)
    kernel[:, 2] = 0
    head._kernel.assign(kernel.reshape(144, 3))
    params = PruneChannels(macs=0.8, rounds=1)
    here = session()
    smaller = remove_channels(model, here, params, 0.8 * count_macs(model))
    assert smaller.get_layer("conv").filters == 3
    x = here.data.x[0][:8]
    assert np.allclose(model(x), smaller(x), atol=1e-5)


def test_more_than_the_layers_have_is_an_error(session: Any, small_cnn: Any) -> None:
    with pytest.raises(InputError, match="MACs are left"):
        prune_channels(Trained(small_cnn()), session(), PruneChannels(macs=0.1))
    with pytest.raises(InputError, match="no layer matches 'none'"):
        prune_channels(Trained(small_cnn()), session(), PruneChannels(layers="none"))


def test_nested_and_sequential_models_are_flat_behind_it(session: Any) -> None:
    import keras
    from keras import layers

    inner = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(8, 3, activation="relu"), layers.Flatten()]
    )
    model = keras.Sequential([keras.Input((8, 8, 1)), inner, layers.Dense(3, activation="softmax")])
    schedule = Schedule(epochs=1, batch=32)
    params = PruneChannels(macs=0.5, rounds=1, schedule=schedule)
    found = prune_channels(Trained(model), session(), params)
    assert count_macs(found.model) <= 0.5 * count_macs(model)


@pytest.mark.parametrize("importance", ["norm", "taylor"])
def test_large_layers_are_left_with_a_multiple_of_four(session: Any, importance: Any) -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(2)
    x = inputs = keras.Input((8, 8, 1))
    for name, filters in (("even", 16), ("odd", 22), ("small", 6)):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    total, here = count_macs(model), session()
    for macs in (0.9, 0.6, 0.3):
        params = PruneChannels(macs=macs, importance=importance)
        smaller = remove_channels(model, here, params, macs * total)
        assert count_macs(smaller) <= macs * total
        widths = [smaller.get_layer(name).filters for name in ("even", "odd")]
        assert all(
            width % 4 == 0 or width == full for width, full in zip(widths, (16, 22), strict=True)
        )
    params = PruneChannels(macs=0.9, importance=importance, multiple=1)
    fine = remove_channels(model, here, params, 0.9 * total)
    assert any(fine.get_layer(name).filters % 4 for name in ("even", "odd"))
