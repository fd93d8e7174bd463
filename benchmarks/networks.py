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
from edgeq.graph.recurrent import GATES, LSTM_INPUTS

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
        if op == "TRANSPOSE_CONV":
            inputs = [self.constant(shape), w, x.index, inputs[2]]
        version = 4 if op == "FULLY_CONNECTED" else 3
        index = self.op(op, inputs, self.add(shape, "int8", y), version, **options)
        return Signal(index, shape, y, wanted.rms)

    def transposed(self, x: Signal, channels: int, k: int, stride: int) -> Signal:
        """A TRANSPOSE_CONV."""
        shape = (1, x.shape[1] * stride, x.shape[2] * stride, channels)
        options = _window((stride, stride), "SAME", "NONE")
        del options["dilation_h_factor"], options["dilation_w_factor"]
        return self._weighted(x, "TRANSPOSE_CONV", (channels, k, k, x.shape[3]), 0, shape, options)

    def lstm(self, x: Signal, units: int) -> Signal:
        """A UNIDIRECTIONAL_SEQUENCE_LSTM."""
        _, steps, depth = x.shape
        given: dict[str, int] = {"input": x.index}
        for gate in GATES:
            for kind, size in (("input", depth), ("recurrent", units)):
                values = self.rng.integers(-127, 128, (units, size))
                q = Quantization((float(np.float32(0.02 / math.sqrt(size))),), (0,))
                given[f"{kind}_to_{gate}"] = self.constant(values, "int8", q)
            given[f"{gate}_bias"] = self.constant(self.rng.integers(-900, 900, units))
        q = Quantization((1 / 128,), (0,))
        given["output_state"] = self.variable((1, units), "int8", q)
        given["cell_state"] = self.variable((1, units), "int16", Quantization((2.0**-11,), (0,)))
        inputs = [given.get(role.rstrip("?"), -1) for role in LSTM_INPUTS.split()]
        index = self.op(
            "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, self.add((1, steps, units), "int8", q), 1,
            fused_activation_function="TANH", time_major=False, cell_clip=0.0,
        )  # fmt: skip
        return Signal(index, (1, steps, units), q, 42.5)

    def product(self, a: Signal, b: Signal, *, turned: bool, rms: float = 42.5) -> Signal:
        """A BATCH_MATMUL, with the second operand transposed where it is `turned`.

        Args:
            rms: that the products have, were the operands independent.
        """
        shape = (*a.shape[:-1], b.shape[-2 if turned else -1])
        sums = a.rms * b.rms * math.sqrt(a.shape[-1])
        scale = a.quantization.scale * b.quantization.scale * sums / rms
        q = Quantization((float(np.float32(scale)),), (4,))
        index = self.op(
            "BATCH_MATMUL", [a.index, b.index], self.add(shape, "int8", q), 2,
            adj_x=False, adj_y=turned,
        )  # fmt: skip
        return Signal(index, shape, q, rms)

    def multiply(self, a: Signal, b: Signal) -> Signal:
        """A MUL of two tensors of one shape."""
        scale = a.quantization.scale * b.quantization.scale * a.rms * b.rms / 42.5
        q = Quantization((float(np.float32(scale)),), (3,))
        index = self.op(
            "MUL", [a.index, b.index], self.add(a.shape, "int8", q), 2,
            fused_activation_function="NONE",
        )  # fmt: skip
        return Signal(index, a.shape, q, 42.5)

    def curve(self, x: Signal, op: str, **options: OptionValue) -> Signal:
        """A function of one tensor, element by element: LOGISTIC, TANH, or one of x's own scale."""
        fixed = {"LOGISTIC": PROBABILITY, "TANH": Quantization((1 / 128,), (0,))}
        q = fixed.get(op, x.quantization)
        index = self.op(op, [x.index], self.add(x.shape, "int8", q), 1, **options)
        return Signal(index, x.shape, q, {"LOGISTIC": 128.0, "TANH": 80.0}.get(op, x.rms))

    def transpose(self, x: Signal, order: Shape) -> Signal:
        """A TRANSPOSE."""
        shape = tuple(x.shape[axis] for axis in order)
        inputs = [x.index, self.constant(order)]
        output = self.add(shape, "int8", x.quantization)
        return Signal(self.op("TRANSPOSE", inputs, output, 2), shape, x.quantization, x.rms)

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


def attention(net: Network) -> tuple[Signal, Signal]:
    """Four heads over 32 tokens of 64 numbers (Vaswani et al. 2017), four classes."""
    tokens = net.input((1, 1, 32, 64))
    query, key, value = (
        net.transpose(
            net.reshape(net.conv(tokens, 64, (1, 1), activation="NONE"), (1, 32, 4, 16)),
            (0, 2, 1, 3),
        )
        for _ in range(3)
    )
    weights = net.softmax(net.product(query, key, turned=True))
    mixed = net.transpose(net.product(weights, value, turned=False, rms=90.0), (0, 2, 1, 3))
    x = net.conv(net.reshape(mixed, (1, 1, 32, 64)), 64, (1, 1), activation="NONE")
    return tokens, net.softmax(net.dense(net.mean(net.add_up(tokens, x)), 4))


def decoder(net: Network) -> tuple[Signal, Signal]:
    """8x8x32 to 32x32x3 by transposed convolutions, with a residual block of Leaky ReLUs."""
    code = net.input((1, 8, 8, 32))
    x = net.curve(net.transposed(code, 16, 3, 2), "LEAKY_RELU", alpha=0.3)
    y = net.add_up(x, net.transposed(x, 16, 3, 1))
    y = net.transposed(net.curve(y, "LEAKY_RELU", alpha=0.3), 8, 4, 2)
    return code, net.curve(net.transposed(y, 3, 3, 1), "TANH")


def lstm(net: Network) -> tuple[Signal, Signal]:
    """An LSTM of 64 cells over 28 steps of 28 numbers, ten classes."""
    sequence = net.input((1, 28, 28))
    states = net.lstm(sequence, 64)
    return sequence, net.softmax(net.dense(net.reshape(states, (1, 28 * 64)), 10))


def gru(net: Network) -> tuple[Signal, Signal]:
    """A step of a GRU of 256 cells (Cho et al. 2014), as an unrolled layer is converted."""
    x = net.input((1, 64))
    state = net.curve(net.dense(x, 256), "TANH")
    keep, reset = (
        net.curve(net.add_up(net.dense(x, 256), net.dense(state, 256)), "LOGISTIC")
        for _ in range(2)
    )
    part = net.multiply(reset, net.dense(state, 256))
    fresh = net.curve(net.add_up(net.dense(x, 256), part), "TANH")
    return x, net.add_up(net.multiply(keep, state), fresh)


# fmt: off
NETWORKS: dict[str, Callable[[Network], tuple[Signal, Signal]]] = {
    "mobilenet_v2": mobilenet_v2,
    "cnn_1d": cnn_1d,
    "autoencoder": autoencoder,
    "ds_cnn_20": ds_cnn(20, (10, 4), (2, 2)),
    "ds_cnn_172": ds_cnn(172, (10, 4), (2, 1), second_stride=2),
    "ds_cnn_5x5": ds_cnn(30, (5, 5), (1, 1), window=(5, 3), blocks=2, second_stride=2,
                         padding="VALID"),
    "attention": attention,
    "decoder": decoder,
    "lstm": lstm,
    "gru": gru,
}
# fmt: on


def build_network(name: str) -> Graph:
    """Return a network of the table by its name."""
    net = Network()
    first, last = NETWORKS[name](net)
    return net.build(name, [first.index], [last.index])
