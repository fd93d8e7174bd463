"""Layers side by side in one model: a function for each kind, and the model that they go into.

Every layer reads its own slice of one int8 input, and every result is an output of the model, so
that no layer depends on another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from builders import Builder, Shape, window_output

from edgeq.graph.ir import OptionValue, Quantization

INPUT_BYTES = 24_576
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
