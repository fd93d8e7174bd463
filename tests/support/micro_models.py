"""Models of one operator each, and what TensorFlow Lite Micro allocated for them.

The figures are `arena_used_bytes()` of tensorflow/tflite-micro 90b983c with CMSIS-NN 4ab83cc, run
in QEMU: reference kernels and CMSIS-NN on a Cortex-M4, CMSIS-NN without DSP, and on a Cortex-M55.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgeq.graph.ir import Graph, OptionValue, Tensor
from tests.support.models import ModelBuilder, activation, constant, conv_model, one_op
from tests.support.small_cnn import small_cnn

NO_ACTIVATION: dict[str, OptionValue] = {"fused_activation_function": "NONE"}
ADJOINT = 4


def weights(shape: tuple[int, ...], dtype: str = "int8", axis: int | None = None) -> Tensor:
    """Return small weights, with one scale or one for each index of `axis`."""
    scales = 0.01 if axis is None else [0.01 + 0.001 * i for i in range(shape[axis])]
    values = np.random.default_rng(1).integers(-7, 8, shape)
    return constant(values, dtype, scales, axis=axis or 0)


def depthwise(channels: int, multiplier: int, kernel: int, dtype: str = "int8") -> Graph:
    """Return a DEPTHWISE_CONV_2D, SAME, stride 1, on 8x8."""
    outputs = channels * multiplier
    options: dict[str, OptionValue] = {
        "padding": "SAME", "stride_h": 1, "stride_w": 1, "depth_multiplier": multiplier,
        "dilation_h_factor": 1, "dilation_w_factor": 1, **NO_ACTIVATION,
    }  # fmt: skip
    kernels = weights((1, kernel, kernel, outputs), dtype, 3)
    assert kernels.quantization is not None
    bias = constant([0] * outputs, "int32", [0.05 * s for s in kernels.quantization.scales])
    data = activation((1, 8, 8, channels))
    return one_op(
        "DEPTHWISE_CONV_2D", [data, kernels, bias], activation((1, 8, 8, outputs)), options
    )


def dense(shape: tuple[int, ...], outputs: int, dtype: str = "int8", *, axis: int | None) -> Graph:
    """Return a FULLY_CONNECTED."""
    options: dict[str, OptionValue] = {
        "keep_num_dims": len(shape) > 2, "weights_format": "DEFAULT", **NO_ACTIVATION,
    }  # fmt: skip
    inputs = [activation(shape), weights((outputs, shape[-1]), dtype, axis), None]
    return one_op("FULLY_CONNECTED", inputs, activation((*shape[:-1], outputs)), options)


def transposed(channels: int, stride: int) -> Graph:
    """Return a TRANSPOSE_CONV, VALID, 3x3, from 4x4."""
    size = 3 * stride + 3
    options: dict[str, OptionValue] = {"padding": "VALID", "stride_h": stride, "stride_w": stride}
    inputs = [constant([1, size, size, 4], "int32"), weights((4, 3, 3, channels), axis=0),
              activation((1, 4, 4, channels))]  # fmt: skip
    return one_op("TRANSPOSE_CONV", inputs, activation((1, size, size, 4)), options)


def svdf() -> Graph:
    """Return an int8 SVDF of rank 2 with int16 state."""
    model = ModelBuilder()
    bias = constant([0] * 4, "int32", float(np.float32(0.1) * np.float32(0.001)))
    inputs = [
        model.input(activation((1, 10))),
        weights((8, 10)),
        constant(np.ones((8, 3)), "int16", 0.001),
        bias,
        replace(activation((1, 24), "int16", 0.1), is_variable=True),
    ]
    return model.build(model.op("SVDF", inputs, activation((1, 4)), {"rank": 2, **NO_ACTIVATION}))


def lstm() -> Graph:
    """Return an int8 UNIDIRECTIONAL_SEQUENCE_LSTM: 3 steps of 6 values, 5 hidden."""
    model = ModelBuilder()
    inputs: list[int | Tensor] = [model.input(activation((1, 3, 6)))]
    inputs += [weights((5, 6)) for _ in range(4)] + [weights((5, 5)) for _ in range(4)]
    inputs += [-1] * 3 + [constant([0] * 5, "int32", 0.0005) for _ in range(4)] + [-1] * 2
    inputs += [
        replace(activation((1, 5)), is_variable=True),
        replace(activation((1, 5), "int16", 2**-11), is_variable=True),
    ]
    options: dict[str, OptionValue] = {
        "fused_activation_function": "TANH", "cell_clip": 0.0, "proj_clip": 0.0,
        "time_major": False, "asymmetric_quantize_inputs": False,
    }  # fmt: skip
    output = activation((1, 3, 5))
    return model.build(
        model.op("UNIDIRECTIONAL_SEQUENCE_LSTM", [*inputs, -1, -1, -1, -1], output, options)
    )


def batch_matmul(adjoint_x: bool, adjoint_y: bool) -> Graph:
    """Return a BATCH_MATMUL of two computed tensors."""
    square = [activation((1, 2, ADJOINT, ADJOINT)) for _ in range(3)]
    return one_op("BATCH_MATMUL", square[:2], square[2], {"adj_x": adjoint_x, "adj_y": adjoint_y})


def mean(dtype: str) -> Graph:
    """Return a MEAN over two axes."""
    inputs = [activation((1, 4, 4, 5), dtype, 0.1), constant([1, 2], "int32")]
    return one_op("MEAN", inputs, activation((1, 5), dtype, 0.1), {"keep_dims": False})


def softmax(dtype: str) -> Graph:
    """Return a SOFTMAX of ten classes."""
    scale, zero_point = (1 / 256, -128) if dtype == "int8" else (1 / 32768, 0)
    output = activation((1, 10), dtype, scale, zero_point)
    return one_op("SOFTMAX", [activation((1, 10), dtype, 0.1)], output, {"beta": 1.0})


def chain(length: int) -> Graph:
    """Return `length` RELUs of four values: many structures, few bytes of tensors."""
    model = ModelBuilder()
    last = model.input(activation((1, 4)))
    for _ in range(length):
        last = model.op("RELU", [last], activation((1, 4)))
    return model.build(last)


MODELS: dict[str, Callable[[], Graph]] = {
    "small cnn": small_cnn,
    "conv 3x3": conv_model,
    "conv 1x1": lambda: conv_model(kernel=(1, 1)),
    "conv 1x3, padded": lambda: conv_model(height=1, width=12, in_channels=4, kernel=(1, 3)),
    "conv 1x4, stride 2": lambda: conv_model(
        height=1, width=13, in_channels=2, kernel=(1, 4), strides=(1, 2), padding="VALID"
    ),
    "depthwise 3x3": lambda: depthwise(8, 1, 3),
    "depthwise 5x5": lambda: depthwise(8, 1, 5),
    "depthwise, one channel": lambda: depthwise(1, 9, 3),
    "depthwise, int4": lambda: depthwise(8, 1, 3, "int4"),
    "dense": lambda: dense((1, 12), 9, axis=None),
    "dense, a scale each": lambda: dense((1, 12), 9, axis=0),
    "dense, int4": lambda: dense((1, 12), 9, "int4", axis=None),
    "dense, rank 3": lambda: dense((1, 3, 12), 9, axis=None),
    "transposed, few channels": lambda: transposed(3, 2),
    "transposed, many channels": lambda: transposed(20, 2),
    "transposed, stride 3": lambda: transposed(20, 3),
    "svdf": svdf,
    "lstm": lstm,
    "batch matmul": lambda: batch_matmul(False, False),
    "batch matmul, adjoint": lambda: batch_matmul(True, True),
    "mean": lambda: mean("int8"),
    "mean, int16": lambda: mean("int16"),
    "softmax": lambda: softmax("int8"),
    "softmax, int16": lambda: softmax("int16"),
    "chain": lambda: chain(20),
}

# reference on cortex-m4; CMSIS-NN on cortex-m4, cortex-m3 and cortex-m55
USED_BYTES: dict[str, tuple[int, int, int, int]] = {
    "small cnn": (1428, 1476, 1476, 5988),
    "conv 3x3": (724, 836, 836, 852),
    "conv 1x1": (724, 724, 724, 724),
    "conv 1x3, padded": (564, 612, 612, 580),
    "conv 1x4, stride 2": (532, 564, 564, 548),
    "depthwise 3x3": (1524, 1524, 1524, 5988),
    "depthwise 5x5": (1524, 1924, 1524, 13924),
    "depthwise, one channel": (1172, 1172, 1172, 1332),
    "depthwise, int4": (1604, 1668, 1668, 5988),
    "dense": (420, 452, 452, 500),
    "dense, a scale each": (516, 548, 548, 596),
    "dense, int4": (532, 452, 452, 452),
    "dense, rank 3": (468, 580, 580, 580),
    "transposed, few channels": (2148, 1284, 1284, 1284),
    "transposed, many channels": (2420, 2564, 2564, 2612),
    "transposed, stride 3": (3668, 1940, 1940, 1940),
    "svdf": (564, 564, 564, 596),
    "lstm": (1364, 1828, 1828, 1828),
    "batch matmul": (644, 660, 660, 676),
    "batch matmul, adjoint": (644, 660, 660, 676),
    "mean": (548, 548, 548, 548),
    "mean, int16": (628, 628, 628, 628),
    "softmax": (420, 420, 420, 420),
    "softmax, int16": (2532, 2532, 2532, 2532),
    "chain": (1828, 1828, 1828, 1828),
}
