"""Whole int8 networks with random weights: the benchmark's own models beside MLPerf Tiny's.

Weights are uniform; their scales are such that each layer's sums fill the range of its output, so
that no layer saturates and none is dead. The same bytes come out wherever it runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from builders import Builder, Shape, window_output

from edgeq.graph.ir import Graph, OptionValue, Quantization

PROBABILITY = Quantization((1 / 256,), (-128,))
WEIGHT_RMS = 127 / math.sqrt(3)


@dataclass(frozen=True, slots=True)
class Range:
    """How an activation function's output is quantised: the real values that 255 steps span, and
    the zero point; one standard deviation of the sums in steps, and the root mean square about the
    zero point of what comes out.
    """

    span: float
    zero_point: int
    deviation: float
    rms: float


RANGES = {
    "RELU6": Range(6.0, -128, 64.0, 45.0),
    "RELU": Range(12.0, -128, 64.0, 45.0),
    "NONE": Range(12.0, 4, 42.5, 42.5),
}


@dataclass(frozen=True, slots=True)
class Signal:
    """A tensor of a network: its index, its shape, and how large its values are."""

    index: int
    shape: Shape
    quantization: Quantization
    rms: float


class Network(Builder):
    """Layers one after the other, each quantised for what comes in."""

    def input(self, shape: Shape) -> Signal:
        """Add the input of the network."""
        q = Quantization((1 / 64,), (-1,))
        return Signal(self.add(shape, "int8", q), shape, q, 128 / math.sqrt(3))

    def conv(
        self, x: Signal, channels: int, k: Shape, stride: Shape = (1, 1),
        padding: str = "SAME", activation: str = "RELU6",
    ) -> Signal:  # fmt: skip
        """A CONV_2D."""
        size = window_output(x.shape, k, stride, padding)
        weights = (channels, *k, x.shape[3])
        options = _window(stride, padding, activation)
        return self._weighted(x, "CONV_2D", weights, 0, (1, *size, channels), options)

    def depthwise(
        self, x: Signal, k: Shape = (3, 3), stride: Shape = (1, 1),
        padding: str = "SAME", activation: str = "RELU6",
    ) -> Signal:  # fmt: skip
        """A DEPTHWISE_CONV_2D."""
        channels, size = x.shape[3], window_output(x.shape, k, stride, padding)
        options = _window(stride, padding, activation) | {"depth_multiplier": 1}
        shape, weights = (1, *size, channels), (1, *k, channels)
        return self._weighted(x, "DEPTHWISE_CONV_2D", weights, 3, shape, options)

    def dense(self, x: Signal, outputs: int, activation: str = "NONE") -> Signal:
        """A FULLY_CONNECTED."""
        options: dict[str, OptionValue] = {
            "fused_activation_function": activation, "keep_num_dims": False,
        }  # fmt: skip
        weights = (outputs, x.shape[1])
        return self._weighted(x, "FULLY_CONNECTED", weights, 0, (1, outputs), options)

    def _weighted(
        self, x: Signal, op: str, weights: Shape, axis: int, shape: Shape,
        options: dict[str, OptionValue],
    ) -> Signal:  # fmt: skip
        """Add an operator whose weights make sums that fill the output's range."""
        wanted = RANGES[str(options["fused_activation_function"])]
        y = Quantization((float(np.float32(wanted.span / 255)),), (wanted.zero_point,))
        channels = weights[axis]
        sums = x.rms * WEIGHT_RMS * math.sqrt(math.prod(weights) / channels)
        scale = y.scale * wanted.deviation / (x.quantization.scale * sums)
        scales = np.float32(scale * self.rng.uniform(0.6, 1.6, channels))
        products = scales * np.float32(x.quantization.scale)
        w = self.constant(self.rng.integers(-127, 128, weights), "int8", _per_channel(scales, axis))
        bias = self.rng.normal(0, sums / 4, channels).astype(np.int32)
        inputs = [x.index, w, self.constant(bias, "int32", _per_channel(products, 0))]
        version = 4 if op == "FULLY_CONNECTED" else 3
        index = self.op(op, inputs, self.add(shape, "int8", y), version, **options)
        return Signal(index, shape, y, wanted.rms)

    def add_up(self, a: Signal, b: Signal) -> Signal:
        """An ADD of two tensors of one shape."""
        q = Quantization((float(np.float32(a.quantization.scale * 1.4)),), (-7,))
        index = self.op(
            "ADD", [a.index, b.index], self.add(a.shape, "int8", q), 2,
            fused_activation_function="NONE",
        )  # fmt: skip
        return Signal(index, a.shape, q, a.rms)

    def pad(self, x: Signal, bottom_right: int) -> Signal:
        """A PAD below and to the right."""
        shape = (1, x.shape[1] + bottom_right, x.shape[2] + bottom_right, x.shape[3])
        margins = self.constant([[0, 0], [0, bottom_right], [0, bottom_right], [0, 0]])
        output = self.add(shape, "int8", x.quantization)
        return Signal(self.op("PAD", [x.index, margins], output, 2), shape, x.quantization, x.rms)

    def pool(self, x: Signal, op: str, k: Shape) -> Signal:
        """An AVERAGE_POOL_2D or MAX_POOL_2D without overlap."""
        shape = (1, *window_output(x.shape, k, k, "VALID"), x.shape[3])
        index = self.op(
            op, [x.index], self.add(shape, "int8", x.quantization), 2,
            padding="VALID", stride_h=k[0], stride_w=k[1], filter_height=k[0], filter_width=k[1],
            fused_activation_function="NONE",
        )  # fmt: skip
        larger = 1.4 if op == "MAX_POOL_2D" else 1.0
        return Signal(index, shape, x.quantization, larger * x.rms)

    def mean(self, x: Signal) -> Signal:
        """A MEAN over height and width."""
        shape = (1, x.shape[3])
        q = Quantization((float(np.float32(x.quantization.scale / 2)),), (-128,))
        inputs = [x.index, self.constant([1, 2])]
        index = self.op("MEAN", inputs, self.add(shape, "int8", q), 2, keep_dims=False)
        return Signal(index, shape, q, 2 * x.rms)

    def reshape(self, x: Signal, shape: Shape) -> Signal:
        """A RESHAPE."""
        output = self.add(shape, "int8", x.quantization)
        inputs = [x.index, self.constant(shape)]
        return Signal(
            self.op("RESHAPE", inputs, output, 1, new_shape=shape), shape, x.quantization, x.rms
        )

    def softmax(self, x: Signal) -> Signal:
        """A SOFTMAX."""
        output = self.add(x.shape, "int8", PROBABILITY)
        index = self.op("SOFTMAX", [x.index], output, 2, beta=1.0)
        return Signal(index, x.shape, PROBABILITY, 42.5)


def _per_channel(scales: np.ndarray, axis: int) -> Quantization:
    return Quantization(tuple(map(float, scales)), (0,) * len(scales), axis)


def _window(stride: Shape, padding: str, activation: str) -> dict[str, OptionValue]:
    return {
        "padding": padding, "stride_h": stride[0], "stride_w": stride[1],
        "dilation_h_factor": 1, "dilation_w_factor": 1, "fused_activation_function": activation,
    }  # fmt: skip


# --- the networks ------------------------------------------------------------------------------


def mobilenet_v2(net: Network) -> tuple[Signal, Signal]:
    """MobileNetV2 0.35 on 96x96x3 as Keras builds it (Sandler et al. 2018), two classes."""
    # Expansion, channels at width 0.35, repetitions, first stride.
    stages = (
        (1, 8, 1, 1), (6, 8, 2, 2), (6, 16, 3, 2), (6, 24, 4, 2), (6, 32, 3, 1), (6, 56, 3, 2),
        (6, 112, 1, 1),
    )  # fmt: skip
    image = net.input((1, 96, 96, 3))
    x = net.conv(image, 16, (3, 3), (2, 2))
    for expansion, channels, count, first_stride in stages:
        for step in range(count):
            x = _bottleneck(net, x, expansion, channels, first_stride if step == 0 else 1)
    x = net.mean(net.conv(x, 1280, (1, 1)))
    return image, net.softmax(net.dense(x, 2))


def _bottleneck(net: Network, x: Signal, expansion: int, channels: int, stride: int) -> Signal:
    y = net.conv(x, expansion * x.shape[3], (1, 1)) if expansion > 1 else x
    y = net.pad(y, 1) if stride > 1 else y
    y = net.depthwise(y, (3, 3), (stride,) * 2, "VALID" if stride > 1 else "SAME")
    y = net.conv(y, channels, (1, 1), activation="NONE")
    return net.add_up(x, y) if x.shape == y.shape else y


def ds_cnn(
    channels: int, first: Shape, strides: Shape, window: Shape = (3, 3), blocks: int = 4,
    second_stride: int = 1, padding: str = "SAME",
) -> Callable[[Network], tuple[Signal, Signal]]:  # fmt: skip
    """Depthwise separable CNN on 49x10 MFCCs, twelve words (Zhang et al. 2017, Hello Edge)."""

    def build(net: Network) -> tuple[Signal, Signal]:
        sound = net.input((1, 49, 10, 1))
        x = net.conv(sound, channels, first, strides, activation="RELU")
        for block in range(blocks):
            stride = second_stride if block == 0 else 1
            x = net.depthwise(x, window, (stride,) * 2, padding, "RELU")
            x = net.conv(x, channels, (1, 1), activation="RELU")
        x = net.pool(x, "AVERAGE_POOL_2D", x.shape[1:3])
        return sound, net.softmax(net.dense(net.reshape(x, (1, channels)), 12))

    return build


def cnn_1d(net: Network) -> tuple[Signal, Signal]:
    """A 1-D CNN over 128 samples of 9 axes, six activities; Conv1D as TFLite writes it."""
    motion = net.input((1, 128, 9))
    x = net.reshape(motion, (1, 1, 128, 9))
    for channels, k in ((32, 5), (48, 5), (64, 3)):
        x = net.conv(x, channels, (1, k), activation="RELU")
        steps = x.shape[2]
        x = net.pool(net.reshape(x, (1, steps, 1, channels)), "MAX_POOL_2D", (2, 1))
        x = net.reshape(x, (1, 1, steps // 2, channels))
    return motion, net.softmax(net.dense(net.mean(x), 6))


def autoencoder(net: Network) -> tuple[Signal, Signal]:
    """64 - 32 - 16 - 8 - 16 - 32 - 64, fully connected."""
    x = window = net.input((1, 64))
    for width in (32, 16, 8, 16, 32):
        x = net.dense(x, width, "RELU")
    return window, net.dense(x, 64)


# fmt: off
NETWORKS: dict[str, Callable[[Network], tuple[Signal, Signal]]] = {
    "mobilenet_v2": mobilenet_v2,
    "cnn_1d": cnn_1d,
    "autoencoder": autoencoder,
    "ds_cnn_20": ds_cnn(20, (10, 4), (2, 2)),
    "ds_cnn_172": ds_cnn(172, (10, 4), (2, 1), second_stride=2),
    "ds_cnn_5x5": ds_cnn(30, (5, 5), (1, 1), window=(5, 3), blocks=2, second_stride=2,
                         padding="VALID"),
}
# fmt: on


def build_network(name: str) -> Graph:
    """Return a network of the table by its name."""
    net = Network()
    first, last = NETWORKS[name](net)
    return net.build(name, [first.index], [last.index])
