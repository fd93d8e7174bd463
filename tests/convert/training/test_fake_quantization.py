"""Fake quantisation gives the values of the integers, and gradients that pass straight through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeq.convert.quantization.draft import Range
from edgeq.convert.quantization.parameters import choose_parameters, quantize_values
from edgeq.convert.quantization.weights import quantize_weights, restore

pytestmark = pytest.mark.convert

SPANS = [(-1.3, 2.7), (0.0, 6.0), (-5.0, 0.0), (-0.01, 100.0), (-3e-3, 1e-3)]


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("span", SPANS)
def test_activations_are_those_of_the_integers(dtype: str, span: tuple[float, float]) -> None:
    from edgeq.convert.training.fake_quantization import ActivationQuantizer

    span = (float(np.float32(span[0])), float(np.float32(span[1])))  # as the layer holds it
    x = np.random.default_rng(1).uniform(1.3 * span[0], 1.3 * span[1], 2000).astype(np.float32)
    layer = ActivationQuantizer(1, learned=True, name="it")
    layer.build(None)
    layer.start(0, *span)
    noted = layer.range(dtype)
    known = choose_parameters(noted, dtype)
    assert known == choose_parameters(Range(*span), dtype)
    wanted = quantize_values(x, known, dtype).astype(np.float64) - known.zero_point
    given = layer(x, dtype=dtype).numpy().astype(np.float64) / known.scale
    np.testing.assert_allclose(given, np.rint(given), rtol=2**-21, atol=0)
    apart = np.rint(given) != wanted
    # float32 may take another side only of what is a half in float32: within two units of its
    # last place, one for the scale and one for the quotient.
    steps = np.abs(x.astype(np.float64) / known.scale)
    from_half = np.abs(steps - np.floor(steps) - 0.5)
    assert np.all(from_half[apart] <= steps[apart] * 2**-22)
    assert np.all(np.abs(np.rint(given) - wanted) <= apart)
    assert layer(np.zeros(1, np.float32), dtype=dtype).numpy()[0] == 0.0


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("kind", ["Conv2D", "DepthwiseConv2D", "Dense", "Conv2DTranspose"])
def test_weights_are_found_again_by_the_export(
    kind: str, bits: int, per_channel: bool, learned: bool
) -> None:
    import keras

    from edgeq.convert.training.fake_quantization import WeightQuantizer

    keras.utils.set_random_seed(5)
    layer, shape = make_layer(kind)
    wrapper = WeightQuantizer(layer, bits=bits, per_channel=per_channel, learned=learned)
    x = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    wrapper(x)
    wrapper.start()
    if learned:
        wrapper.logs.assign(np.linspace(-0.05, 0.05, len(wrapper.logs.numpy())))
    outputs, weights = wrapper(x).numpy(), wrapper.quantized().numpy()
    columns = wrapper.kernel.columns(weights)
    found = quantize_weights(columns, bits, 1, per_channel)
    np.testing.assert_allclose(restore(found), columns, rtol=1e-5, atol=1e-7)
    assert np.abs(found.values).max() == (1 << (bits - 1)) - 1
    wrapper.kernel.variable.assign(weights)
    np.testing.assert_allclose(layer(x).numpy(), outputs, rtol=1e-4, atol=1e-5)


def make_layer(kind: str) -> tuple[Any, tuple[int, ...]]:
    from keras import layers

    if kind == "Dense":
        return layers.Dense(6), (3, 5)
    if kind == "DepthwiseConv2D":
        return layers.DepthwiseConv2D(3, depth_multiplier=2), (2, 6, 6, 3)
    return getattr(layers, kind)(6, 3), (2, 6, 6, 3)


def test_gradients_pass_inside_the_range_and_move_its_ends_outside() -> None:
    import tensorflow as tf

    from edgeq.convert.training.fake_quantization import fake_quantize

    x = tf.constant([-9.0, -0.5, 0.301, 9.0])
    low, high = tf.constant(-1.0), tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch((x, low, high))
        y = tf.reduce_sum(fake_quantize(x, low, high, "int8"))
    to_x, to_low, to_high = tape.gradient(y, (x, low, high))
    np.testing.assert_array_equal(to_x, [0, 1, 1, 0])
    assert float(to_low) == pytest.approx(1.0, abs=0.01)
    assert float(to_high) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_means_of_integers_round_halves_as_average_pools_do(dtype: str) -> None:
    from edgeq.convert.training.fake_quantization import fake_quantize

    known = choose_parameters(Range(-1.7, 2.3), dtype)
    low, high = (np.float32(e) for e in (-1.7, 2.3))
    taps, rng = 6, np.random.default_rng(3)
    integers = rng.integers(-128, 128, (4000, taps))
    sums = integers.sum(axis=1)
    wanted = np.sign(sums) * ((np.abs(sums) + taps // 2) // taps)
    assert np.sum(2 * np.abs(sums) % (2 * taps) == taps) > 300
    x = ((integers - known.zero_point) * np.float32(known.scale)).astype(np.float32).mean(axis=1)
    given = fake_quantize(x, low, high, dtype, taps).numpy() / known.scale + known.zero_point
    np.testing.assert_array_equal(np.rint(given), wanted)


def test_the_slope_of_a_scale_is_that_of_lsq() -> None:
    import tensorflow as tf

    from edgeq.convert.training.fake_quantization import _symmetric

    x, scale = np.float32([[0.3], [1.26], [-0.8], [5.0]]), 0.25
    with tf.GradientTape() as tape:
        peak = tf.Variable([7 * scale])
        y = tf.reduce_sum(_symmetric(tf.constant(x), peak, 7.0, 7.0))
    steps = x[:, 0] / scale
    wanted = np.sum(np.where(np.abs(steps) <= 7, np.rint(steps) - steps, 7.0)) / 7
    assert float(tape.gradient(y, peak)[0]) == pytest.approx(wanted, rel=1e-5)


def test_moving_ranges_follow_the_batches_in_training_alone() -> None:
    from edgeq.convert.training.fake_quantization import ActivationQuantizer

    layer = ActivationQuantizer(2, learned=False, name="it")
    layer.build(None)
    layer.start(0, -1.0, 1.0)
    layer.start(1, 0.0, 4.0)
    x = np.float32([-3.0, 3.0])
    layer(x, member=0)
    assert layer.range().high == pytest.approx(4.0, rel=0.01)
    for _ in range(200):
        layer(x, member=0, training=True)
    assert layer.range().low == pytest.approx(-3.0, rel=0.02)
    assert layer.range().high == pytest.approx(4.0, rel=0.01)


def test_a_fused_activation_caps_a_learned_range() -> None:
    from edgeq.convert.training.fake_quantization import ActivationQuantizer

    layer = ActivationQuantizer(1, learned=True, cap=6.0, name="it")
    layer.build(None)
    layer.start(0, 0.0, 6.0)
    layer.logs.assign([0.1, 0.1])
    assert layer.range().high == pytest.approx(6.0, rel=1e-6)
