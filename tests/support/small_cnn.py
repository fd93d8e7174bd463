"""A small convolutional network with one layer of each common kind, and random weights."""

from __future__ import annotations

import numpy as np

from edgeq.graph.ir import Graph, Tensor
from tests.support.models import ModelBuilder, activation, constant

CLASSES = 10
CHANNELS = 8


def _weights(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> Tensor:
    scales = rng.uniform(0.004, 0.02, shape[axis])
    return constant(rng.integers(-127, 128, shape), "int8", list(scales), axis=axis)


def _bias(rng: np.random.Generator, weights: Tensor, in_scale: float, channels: int) -> Tensor:
    assert weights.quantization is not None
    scales = [s * in_scale for s in weights.quantization.scales]
    return constant(rng.integers(-800, 801, channels), "int32", scales)


def small_cnn(seed: int = 0) -> Graph:
    """Return conv 3x3, depthwise 3x3, mean pool, dense and softmax on a 1x8x8x1 input."""
    rng = np.random.default_rng(seed)
    model = ModelBuilder()
    x = model.input(activation((1, 8, 8, 1), scale=0.02, zero_point=-5, name="image"))
    window = {
        "padding": "SAME",
        "stride_h": 2,
        "stride_w": 2,
        "dilation_h_factor": 1,
        "dilation_w_factor": 1,
        "fused_activation_function": "RELU",
    }
    weights = _weights(rng, (CHANNELS, 3, 3, 1), 0)
    conv = activation((1, 4, 4, CHANNELS), scale=0.05, zero_point=-128, name="conv")
    x = model.op("CONV_2D", [x, weights, _bias(rng, weights, 0.02, CHANNELS)], conv, window)
    weights = _weights(rng, (1, 3, 3, CHANNELS), 3)
    depthwise = activation((1, 4, 4, CHANNELS), scale=0.2, zero_point=-128, name="depthwise")
    x = model.op(
        "DEPTHWISE_CONV_2D",
        [x, weights, _bias(rng, weights, 0.05, CHANNELS)],
        depthwise,
        {**window, "stride_h": 1, "stride_w": 1, "depth_multiplier": 1},
    )
    pool = {
        "padding": "VALID",
        "stride_h": 4,
        "stride_w": 4,
        "filter_height": 4,
        "filter_width": 4,
        "fused_activation_function": "NONE",
    }
    pooled = activation((1, 1, 1, CHANNELS), scale=0.2, zero_point=-128, name="pool")
    x = model.op("AVERAGE_POOL_2D", [x], pooled, pool)
    shape = constant([1, CHANNELS], "int32")
    flat = activation((1, CHANNELS), scale=0.2, zero_point=-128, name="flat")
    x = model.op("RESHAPE", [x, shape], flat, {"new_shape": (1, CHANNELS)})
    kernel = constant(rng.integers(-127, 128, (CLASSES, CHANNELS)), "int8", 0.01)
    dense = activation((1, CLASSES), scale=0.1, zero_point=3, name="dense")
    x = model.op(
        "FULLY_CONNECTED",
        [x, kernel, _bias(rng, kernel, 0.2, CLASSES)],
        dense,
        {"fused_activation_function": "NONE", "keep_num_dims": False},
    )
    result = activation((1, CLASSES), scale=1 / 256, zero_point=-128, name="probabilities")
    return model.build(model.op("SOFTMAX", [x], result, {"beta": 1.0}), "small_cnn")
