"""Small models, each a row of layers of many shapes: what the cost tables are fitted on.

Every layer reads its own slice of one int8 input, and every result is an output of the model, so
that no layer depends on another. The shapes are none of MLPerf Tiny's models'.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from builders import Builder, Shape, window_output

from edgeq.core.records import CompileOptions, Goal
from edgeq.graph.ir import Graph, OptionValue, Quantization

INPUT_BYTES = 24_576
# A firmware has at most 16 outputs.
LAYERS_A_MODEL = 12
ACTIVATION = Quantization((0.05,), (-3,))
# What RELU leaves: noughts at the lowest byte.
RECTIFIED = Quantization((0.05,), (-128,))
LARGEST = {"int8": 127, "int4": 7}
PROBABILITY = Quantization((1 / 256,), (-128,))
SIGNED = Quantization((1 / 128,), (0,))

Options = Mapping[str, OptionValue]
Recipe = Callable[["Row"], int]


class Row(Builder):
    """A model in the making: one input, and the layers added so far."""

    def __init__(self) -> None:
        super().__init__()
        self.source = self.add((1, INPUT_BYTES))

    def add(
        self, shape: Shape, dtype: str = "int8", quantization: Quantization | None = ACTIVATION
    ) -> int:
        """Add an activation, of the usual quantisation, and return its index."""
        return super().add(shape, dtype, quantization)

    def take(self, shape: Shape, start: int = 0) -> int:
        """Return a tensor of `shape`, cut out of the input from `start`."""
        size = (1, math.prod(shape))
        bounds = [self.constant([0, start]), self.constant(size)]
        flat = self.op("SLICE", [self.source, *bounds], self.add(size), 2)
        return self.reshape(flat, shape)

    def reshape(self, tensor: int, shape: Shape) -> int:
        """Return `tensor` with another shape."""
        inputs = [tensor, self.constant(shape)]
        return self.op("RESHAPE", inputs, self.add(shape), 1, new_shape=shape)

    def weights(self, shape: Shape, axis: int | None, dtype: str = "int8") -> list[int]:
        """Return random weights, per channel or (axis None) of one scale, and a bias."""
        channels = shape[axis or 0]
        count = 1 if axis is None else channels
        most = LARGEST[dtype]
        scales = self.rng.uniform(0.002, 0.02, count) * (LARGEST["int8"] / most)
        w = self.constant(
            self.rng.integers(-most, most + 1, shape), dtype,
            Quantization(tuple(float(np.float32(s)) for s in scales), (0,) * count, axis or 0),
        )  # fmt: skip
        products = tuple(float(np.float32(s * ACTIVATION.scale)) for s in scales)
        bias = self.rng.integers(-2000, 2001, channels)
        return [w, self.constant(bias, "int32", Quantization(products, (0,) * count))]


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _windowed(kernel: Shape, stride: int, dilation: int, padding: str) -> dict[str, OptionValue]:
    return {
        "padding": padding, "stride_h": stride, "stride_w": stride,
        "dilation_h_factor": dilation, "dilation_w_factor": dilation,
        "fused_activation_function": "RELU",
    }  # fmt: skip


def conv(
    h: int, w: int, c: int, out: int, k: int | tuple[int, int], stride: int = 1,
    padding: str = "SAME", dilation: int = 1, output: Quantization = RECTIFIED, *,
    dtype: str = "int8",
) -> Recipe:  # fmt: skip
    """A CONV_2D."""

    def build(row: Row) -> int:
        kernel, shape = _pair(k), (1, h, w, c)
        size = window_output(shape, kernel, (stride,) * 2, padding, (dilation,) * 2)
        inputs = [row.take(shape), *row.weights((out, *kernel, c), 0, dtype)]
        options = _windowed(kernel, stride, dilation, padding)
        return row.op("CONV_2D", inputs, row.add((1, *size, out), "int8", output), 3, **options)

    return build


def depthwise(
    h: int, w: int, c: int, k: int | tuple[int, int] = 3, stride: int = 1,
    padding: str = "SAME", dilation: int = 1, copies: int = 1,
    output: Quantization = RECTIFIED, *, dtype: str = "int8",
) -> Recipe:  # fmt: skip
    """A DEPTHWISE_CONV_2D."""

    def build(row: Row) -> int:
        kernel, shape = _pair(k), (1, h, w, c)
        size = window_output(shape, kernel, (stride,) * 2, padding, (dilation,) * 2)
        inputs = [row.take(shape), *row.weights((1, *kernel, c * copies), 3, dtype)]
        options = _windowed(kernel, stride, dilation, padding) | {"depth_multiplier": copies}
        result = row.add((1, *size, c * copies), "int8", output)
        return row.op("DEPTHWISE_CONV_2D", inputs, result, 3, **options)

    return build


def dense(
    depth: int, outputs: int, rows: int = 1, output: Quantization = ACTIVATION, *,
    one_scale: bool = False, dtype: str = "int8",
) -> Recipe:  # fmt: skip
    """A FULLY_CONNECTED, its weights of one scale or of one for each output."""

    def build(row: Row) -> int:
        axis = None if one_scale else 0
        inputs = [row.take((rows, depth)), *row.weights((outputs, depth), axis, dtype)]
        return row.op(
            "FULLY_CONNECTED", inputs, row.add((rows, outputs), "int8", output), 4,
            fused_activation_function="RELU", keep_num_dims=False,
        )  # fmt: skip

    return build


def pool(op: str, h: int, w: int, c: int, k: tuple[int, int], stride: int, padding: str) -> Recipe:
    """An AVERAGE_POOL_2D or MAX_POOL_2D."""

    def build(row: Row) -> int:
        size = window_output((1, h, w, c), k, (stride,) * 2, padding)
        return row.op(
            op, [row.take((1, h, w, c))], row.add((1, *size, c)), 2,
            padding=padding, stride_h=stride, stride_w=stride, filter_height=k[0],
            filter_width=k[1], fused_activation_function="NONE",
        )  # fmt: skip

    return build


def mean(shape: Shape, axes: Shape) -> Recipe:
    """A MEAN."""

    def build(row: Row) -> int:
        kept = tuple(n for i, n in enumerate(shape) if i not in axes)
        inputs = [row.take(shape), row.constant(axes)]
        return row.op("MEAN", inputs, row.add(kept), 2, keep_dims=False)

    return build


def binary(op: str, a: Shape, b: Shape) -> Recipe:
    """An ADD, SUB or MUL."""

    def build(row: Row) -> int:
        # Of one tensor twice, a table would do.
        inputs = [row.take(a), row.take(b, start=64)]
        return row.op(op, inputs, row.add(a), 2, fused_activation_function="NONE")

    return build


def chained(op: str, a: Shape, b: Shape) -> Recipe:
    """An ADD, SUB or MUL with a LOGISTIC behind it."""

    def build(row: Row) -> int:
        pair = binary(op, a, b)(row)
        return row.op("LOGISTIC", [pair], row.add(a, "int8", PROBABILITY), 2)

    return build


def product(shape: Shape, columns: int, turned: bool) -> Recipe:
    """A BATCH_MATMUL of [..., rows, depth] by [..., depth, columns], or by its transpose."""

    def build(row: Row) -> int:
        second = (columns, shape[-1]) if turned else (shape[-1], columns)
        inputs = [row.take(shape), row.take((*shape[:-2], *second), start=64)]
        # The scale of the sums, so that the factor is small.
        wide = Quantization((float(np.float32(shape[-1] * ACTIVATION.scale)),), (3,))
        result = row.add((*shape[:-1], columns), "int8", wide)
        return row.op("BATCH_MATMUL", inputs, result, 2, adj_x=False, adj_y=turned)

    return build


def transposed(
    h: int, w: int, c: int, out: int, k: int, stride: int, padding: str = "SAME"
) -> Recipe:
    """A TRANSPOSE_CONV."""

    def build(row: Row) -> int:
        grown = [n * stride if padding == "SAME" else (n - 1) * stride + k for n in (h, w)]
        weights, bias = row.weights((out, k, k, c), 0)
        inputs = [row.constant((1, *grown, out)), weights, row.take((1, h, w, c)), bias]
        return row.op(
            "TRANSPOSE_CONV", inputs, row.add((1, *grown, out)), 3,
            padding=padding, stride_h=stride, stride_w=stride, fused_activation_function="NONE",
        )  # fmt: skip

    return build


def unary(op: str, count: int, q: Quantization = ACTIVATION, **options: OptionValue) -> Recipe:
    """An operator of one tensor that a table of 256 bytes computes."""

    def build(row: Row) -> int:
        return row.op(op, [row.take((1, count))], row.add((1, count), "int8", q), 2, **options)

    return build


def resize(op: str, shape: Shape, size: tuple[int, int]) -> Recipe:
    """A RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR."""

    def build(row: Row) -> int:
        output = row.add((shape[0], *size, shape[3]))
        return row.op(
            op, [row.take(shape), row.constant(size)], output, 3,
            align_corners=False, half_pixel_centers=False,
        )  # fmt: skip

    return build


def softmax(rows: int, depth: int) -> Recipe:
    """A SOFTMAX."""

    def build(row: Row) -> int:
        output = row.add((rows, depth), "int8", PROBABILITY)
        return row.op("SOFTMAX", [row.take((rows, depth))], output, 2, beta=1.0)

    return build


def concatenate(shape: Shape, axis: int, count: int) -> Recipe:
    """A CONCATENATION."""

    def build(row: Row) -> int:
        output = tuple(n * (count if i == axis else 1) for i, n in enumerate(shape))
        inputs = [row.take(shape) for _ in range(count)]
        return row.op(
            "CONCATENATION", inputs, row.add(output), 2,
            axis=axis, fused_activation_function="NONE",
        )  # fmt: skip

    return build


def pad(shape: Shape, amount: int) -> Recipe:
    """A PAD of height and width."""

    def build(row: Row) -> int:
        output = (shape[0], shape[1] + 2 * amount, shape[2] + 2 * amount, shape[3])
        margins = row.constant([[0, 0], [amount, amount], [amount, amount], [0, 0]])
        return row.op("PAD", [row.take(shape), margins], row.add(output), 2)

    return build


def transpose(shape: Shape, order: Shape) -> Recipe:
    """A TRANSPOSE."""

    def build(row: Row) -> int:
        output = tuple(shape[axis] for axis in order)
        return row.op("TRANSPOSE", [row.take(shape), row.constant(order)], row.add(output), 2)

    return build


def through_float(count: int) -> Recipe:
    """A DEQUANTIZE and a QUANTIZE."""

    def build(row: Row) -> int:
        real = row.add((1, count), "float32")
        row.op("DEQUANTIZE", [row.take((1, count))], real, 2)
        return row.op("QUANTIZE", [real], row.add((1, count)), 2)

    return build


# fmt: off
RECIPES: tuple[Recipe, ...] = (
    conv(40, 12, 1, 12, (8, 4), 2), conv(30, 8, 1, 32, (6, 4), 2), conv(25, 6, 1, 24, (12, 3)),
    conv(32, 32, 3, 8, 3, 2), conv(20, 20, 3, 16, 3), conv(64, 64, 3, 6, 3, 2),
    conv(16, 16, 12, 16, 3), conv(14, 14, 24, 16, 3, 2), conv(9, 9, 32, 40, 3),
    conv(8, 8, 48, 24, 3, 1, "VALID"), conv(10, 10, 56, 16, 3, 2), conv(12, 12, 8, 20, 5),
    conv(20, 20, 4, 6, 2, 2, "VALID"), conv(1, 60, 8, 16, (1, 5)), conv(60, 1, 10, 8, (7, 1)),
    conv(16, 16, 16, 24, 1, 2), conv(14, 14, 40, 24, 1, 2), conv(10, 10, 24, 64, 1, 2),
    conv(9, 9, 5, 7, 3), conv(12, 12, 8, 8, 3, 1, "SAME", 2), conv(6, 6, 96, 12, 3),
    conv(40, 40, 1, 8, 3), conv(18, 18, 6, 10, 4, 2), conv(7, 7, 72, 20, 3, 1, "VALID"),
    conv(6, 6, 1, 8, 3, 2), conv(5, 7, 3, 4, 3), conv(10, 4, 2, 6, 3), conv(4, 4, 16, 12, 3),
    conv(7, 5, 8, 6, 2), conv(3, 3, 24, 8, 3), conv(12, 12, 1, 4, 5, 1, "VALID"),
    conv(24, 24, 8, 16, 1), conv(12, 12, 16, 36, 1), conv(24, 5, 48, 40, 1),
    conv(11, 11, 32, 32, 1), conv(7, 7, 64, 56, 1), conv(3, 3, 128, 96, 1),
    conv(6, 6, 96, 40, 1), conv(5, 5, 20, 30, 1), conv(10, 10, 12, 9, 1),
    conv(16, 16, 3, 8, 1), conv(4, 4, 200, 50, 1), conv(2, 2, 256, 100, 1),
    conv(1, 1, 64, 24, 1), conv(1, 1, 160, 100, 1), conv(1, 1, 30, 10, 1),
    conv(3, 3, 20, 12, 3, 1, "VALID"), conv(4, 2, 48, 30, (4, 2), 1, "VALID"),
    conv(1, 1, 400, 40, 1), conv(18, 18, 8, 16, 3, output=ACTIVATION),
    conv(15, 15, 16, 24, 1, output=ACTIVATION), conv(16, 16, 16, 12, 3, 1, output=ACTIVATION),
    dense(64, 20), dense(96, 120), dense(600, 96), dense(16, 128), dense(100, 10),
    dense(256, 64), dense(32, 3), dense(400, 33), dense(12, 120), dense(1024, 40),
    dense(40, 24, 9), dense(128, 16, 4), dense(10, 8), dense(20, 4),
    depthwise(40, 40, 8), depthwise(24, 24, 20, 3, 2), depthwise(20, 20, 24),
    depthwise(13, 13, 48), depthwise(12, 12, 72, 3, 2), depthwise(7, 7, 120),
    depthwise(24, 6, 48), depthwise(3, 3, 200), depthwise(10, 10, 32, 3, 1, "VALID"),
    depthwise(16, 16, 4), depthwise(5, 5, 160, 3, 2), depthwise(30, 4, 16),
    depthwise(5, 5, 8), depthwise(6, 6, 12, 3, 2), depthwise(4, 7, 24),
    depthwise(12, 12, 16, 5), depthwise(8, 8, 32, 5, 2), depthwise(24, 1, 24, (9, 1)),
    depthwise(12, 12, 8, 3, 1, "SAME", 2), depthwise(10, 10, 8, 3, 1, "SAME", 1, 2),
    depthwise(16, 16, 1, 3, 1, "SAME", 1, 8), depthwise(9, 9, 12, 7),
    depthwise(20, 20, 1, (10, 8), 2, "SAME", 1, 8),
    depthwise(6, 6, 20, 5), depthwise(14, 14, 6, 4, 2), depthwise(1, 40, 16, (1, 7)),
    depthwise(7, 7, 64, 5), depthwise(11, 11, 10, 2, 2, "VALID"), depthwise(9, 9, 3, 5, 1, "VALID"),
    depthwise(8, 8, 40, 3, 1, "SAME", 2), depthwise(15, 15, 2, 3, 2, "SAME", 1, 4),
    depthwise(40, 40, 6, 3, 2), depthwise(10, 10, 64, 3, 2), depthwise(21, 17, 16, 3, 2),
    depthwise(13, 13, 24, 3, 2, "VALID"), depthwise(32, 24, 8, 3, 2),
    depthwise(18, 18, 20, output=ACTIVATION), depthwise(7, 7, 72, output=ACTIVATION),
    depthwise(20, 20, 12, 3, 2, output=ACTIVATION), depthwise(9, 9, 44, 3, 2, output=ACTIVATION),
    pool("AVERAGE_POOL_2D", 9, 9, 16, (3, 3), 1, "SAME"),
    pool("AVERAGE_POOL_2D", 10, 1, 40, (10, 1), 1, "VALID"),
    pool("AVERAGE_POOL_2D", 3, 3, 300, (3, 3), 1, "VALID"),
    pool("AVERAGE_POOL_2D", 24, 6, 64, (24, 6), 1, "VALID"),
    pool("AVERAGE_POOL_2D", 8, 8, 32, (8, 8), 8, "VALID"),
    pool("AVERAGE_POOL_2D", 12, 12, 24, (2, 2), 2, "VALID"),
    pool("AVERAGE_POOL_2D", 4, 4, 200, (4, 4), 4, "VALID"),
    pool("AVERAGE_POOL_2D", 16, 16, 8, (3, 3), 2, "SAME"),
    pool("AVERAGE_POOL_2D", 10, 10, 100, (5, 5), 5, "VALID"),
    pool("MAX_POOL_2D", 24, 24, 8, (2, 2), 2, "VALID"),
    pool("MAX_POOL_2D", 12, 12, 32, (3, 3), 2, "SAME"),
    pool("MAX_POOL_2D", 6, 6, 96, (6, 6), 6, "VALID"),
    pool("MAX_POOL_2D", 32, 32, 4, (4, 4), 4, "VALID"),
    pool("MAX_POOL_2D", 20, 1, 16, (5, 1), 5, "VALID"),
    pool("MAX_POOL_2D", 9, 9, 40, (3, 3), 3, "VALID"),
    pool("MAX_POOL_2D", 14, 14, 10, (2, 2), 2, "VALID"),
    pool("MAX_POOL_2D", 8, 8, 20, (3, 3), 1, "SAME"),
    mean((1, 8, 8, 64), (1, 2)), mean((1, 4, 4, 100), (1, 2)), mean((1, 12, 12, 16), (1, 2)),
    mean((1, 50, 20), (1,)), mean((1, 16, 300), (2,)),
    mean((1, 3, 3, 256), (1, 2)), mean((1, 30, 30, 4), (1, 2)), mean((1, 200), (1,)),
    binary("ADD", (1, 16, 16, 16), (1, 16, 16, 16)), binary("ADD", (1, 1000), (1, 1000)),
    binary("ADD", (1, 8, 8, 32), (1, 1, 1, 32)), binary("SUB", (1, 60), (1, 60)),
    binary("ADD", (1, 12, 12, 24), (1, 12, 12, 24)), binary("SUB", (1, 300), (1, 300)),
    binary("ADD", (1, 20, 20, 10), (1, 20, 20, 10)), binary("SUB", (1, 6, 6, 40), (1, 1, 1, 40)),
    binary("ADD", (1, 24, 24, 4), (1, 1, 1, 4)), binary("ADD", (1, 9, 9, 48), (1, 9, 9, 48)),
    binary("SUB", (1, 14, 14, 10), (1, 1, 1, 10)), binary("MUL", (1, 2000), (1, 2000)),
    binary("MUL", (1, 12, 12, 16), (1, 12, 12, 16)), binary("MUL", (1, 300), (1, 300)),
    binary("MUL", (1, 12, 12, 24), (1, 1, 1, 24)), binary("MUL", (1, 20, 20, 5), (1, 1, 1, 5)),
    unary("LOGISTIC", 500, PROBABILITY), unary("TANH", 64, SIGNED),
    unary("RELU", 4096), unary("LEAKY_RELU", 1500, alpha=0.1),
    softmax(1, 10), softmax(1, 4), softmax(1, 100), softmax(20, 16), softmax(50, 3),
    softmax(4, 40), softmax(1, 20),
    concatenate((1, 12, 12, 16), 3, 2), concatenate((1, 200), 1, 3),
    concatenate((1, 20, 20, 3), 3, 2),
    resize("RESIZE_NEAREST_NEIGHBOR", (1, 8, 8, 16), (16, 16)),
    resize("RESIZE_NEAREST_NEIGHBOR", (1, 12, 10, 6), (20, 30)),
    resize("RESIZE_NEAREST_NEIGHBOR", (1, 5, 5, 48), (10, 10)),
    resize("RESIZE_BILINEAR", (1, 8, 8, 16), (16, 16)),
    resize("RESIZE_BILINEAR", (1, 12, 10, 6), (20, 30)),
    resize("RESIZE_BILINEAR", (1, 5, 5, 48), (10, 10)),
    pad((1, 16, 16, 16), 1), pad((1, 24, 24, 3), 2), pad((1, 6, 6, 64), 1),
    transpose((1, 24, 30), (0, 2, 1)), transpose((1, 12, 12, 8), (0, 3, 1, 2)),
    through_float(1000), through_float(64), through_float(300),
    *(
        dense(*size, RECTIFIED, one_scale=True)
        for size in (
            (300, 48, 1), (48, 300, 1), (200, 64, 1), (64, 200, 1), (36, 36, 4), (20, 12, 1),
        )
    ),
    dense(160, 160, 1, RECTIFIED), dense(96, 40, 1, RECTIFIED), dense(500, 30, 1, RECTIFIED),
    dense(128, 90, one_scale=True), dense(72, 10, one_scale=True),
    dense(256, 33, 1, RECTIFIED, one_scale=True),
    chained("ADD", (1, 12, 12, 16), (1, 12, 12, 16)), chained("SUB", (1, 999), (1, 999)),
    chained("ADD", (1, 8, 8, 32), (1, 1, 1, 32)), chained("ADD", (1, 20, 20, 5), (1, 1, 1, 5)),
    chained("MUL", (1, 12, 12, 16), (1, 12, 12, 16)), chained("MUL", (1, 200), (1, 200)),
    chained("MUL", (1, 8, 8, 32), (1, 1, 1, 32)), chained("ADD", (1, 6, 6, 40), (1, 1, 1, 40)),
    product((1, 32, 16), 32, True), product((1, 32, 32), 16, False), product((4, 8, 20), 12, True),
    product((2, 20, 24), 20, False), product((1, 50, 8), 9, True), product((1, 6, 64), 30, False),
    transposed(8, 8, 16, 8, 3, 2), transposed(12, 9, 8, 6, 4, 2), transposed(6, 6, 24, 12, 2, 2),
    transposed(5, 7, 12, 4, 5, 3), transposed(10, 10, 6, 10, 3, 2, "VALID"),
    transposed(4, 4, 48, 16, 3, 2),
)
PACKED: tuple[Recipe, ...] = (
    *(
        conv(*shape, dtype="int4")
        for shape in (
            (16, 16, 12, 16, 3), (14, 14, 24, 16, 3, 2), (9, 9, 32, 40, 3), (12, 12, 8, 20, 5),
            (20, 20, 3, 16, 3), (10, 10, 56, 16, 3, 2), (8, 8, 48, 24, 3, 1, "VALID"),
            (6, 6, 20, 30, 3), (18, 18, 6, 10, 4, 2), (24, 24, 8, 16, 1), (12, 12, 16, 36, 1),
            (7, 7, 64, 56, 1), (3, 3, 128, 96, 1), (10, 10, 12, 9, 1), (14, 14, 40, 24, 1, 2),
            (11, 11, 32, 32, 1), (5, 5, 20, 30, 1), (16, 16, 16, 24, 1, 2), (25, 6, 1, 24, (12, 3)),
            (1, 60, 8, 16, (1, 5)),
        )
    ),
    *(
        dense(*size, dtype="int4")
        for size in ((96, 120), (600, 96), (100, 10), (256, 64), (32, 3), (400, 33), (40, 24, 9))
    ),
    *(
        depthwise(*shape, dtype="int4")
        for shape in (
            (24, 24, 20), (13, 13, 48), (12, 12, 72, 3, 2), (7, 7, 120), (16, 16, 4), (30, 4, 16),
            (12, 12, 16, 5), (8, 8, 32, 5, 2), (24, 1, 24, (9, 1)), (20, 20, 12, 3, 2),
            (10, 10, 8, 3, 1, "SAME", 1, 2), (10, 10, 32, 3, 1, "VALID"),
        )
    ),
)
# Layers that Winograd's kernel is for.
SQUARES: tuple[Recipe, ...] = tuple(
    conv(h, w, c, out, 3, 1, padding, output=output)
    for h, w, c, out, padding, output in (
        (16, 16, 12, 16, "SAME", RECTIFIED), (9, 9, 32, 40, "SAME", RECTIFIED),
        (8, 8, 48, 24, "VALID", RECTIFIED), (7, 7, 72, 20, "VALID", RECTIFIED),
        (12, 12, 8, 8, "SAME", ACTIVATION), (6, 6, 96, 12, "SAME", RECTIFIED),
        (18, 18, 8, 16, "SAME", ACTIVATION), (4, 4, 16, 12, "SAME", RECTIFIED),
        (24, 24, 8, 12, "SAME", RECTIFIED), (20, 10, 16, 8, "SAME", RECTIFIED),
        (5, 21, 20, 24, "SAME", RECTIFIED), (10, 10, 40, 30, "VALID", ACTIVATION),
        (14, 14, 24, 36, "SAME", RECTIFIED), (11, 13, 12, 20, "VALID", RECTIFIED),
        (3, 3, 64, 32, "SAME", RECTIFIED), (17, 8, 24, 10, "SAME", ACTIVATION),
        (22, 22, 12, 6, "VALID", RECTIFIED), (8, 16, 28, 28, "SAME", RECTIFIED),
    )
)
# fmt: on
# What each recipe is compiled for.
GOALS: tuple[tuple[Goal, tuple[Recipe, ...]], ...] = (
    ("balanced", (*RECIPES, *PACKED)),
    ("speed", SQUARES),
)


def cost_models() -> Iterator[tuple[Graph, CompileOptions]]:
    """Yield models whose layers together are every recipe, in models of a dozen."""
    for goal, recipes in GOALS:
        for start in range(0, len(recipes), LAYERS_A_MODEL):
            row = Row()
            outputs = tuple(build(row) for build in recipes[start : start + LAYERS_A_MODEL])
            name = f"{goal}{start // LAYERS_A_MODEL}"
            yield row.build(name, [row.source], outputs), CompileOptions(goal=goal)
