"""Models of several layers in other dtypes than int8: int16 data, or weights of four bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edgeq.graph.ir import Graph, OptionValue, Tensor
from tests.support.models import ModelBuilder, activation, constant

_WINDOW: dict[str, OptionValue] = {
    "padding": "SAME",
    "stride_h": 1,
    "stride_w": 1,
    "fused_activation_function": "RELU",
}
_CONV = _WINDOW | {"dilation_h_factor": 1, "dilation_w_factor": 1}
_POOL = _WINDOW | {"stride_h": 4, "stride_w": 4, "filter_height": 4, "filter_width": 4}
_HALVED = _WINDOW | {"stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
_PLAIN: dict[str, OptionValue] = {"fused_activation_function": "NONE"}


class Types(NamedTuple):
    """The dtypes of a model, and the scale and zero point of its activations."""

    data: str
    weights: str
    scale: float
    zero_point: int

    def activation(self, *shape: int) -> Tensor:
        """Return an activation."""
        return activation(shape, self.data, self.scale, self.zero_point)

    def softmax(self, *shape: int) -> Tensor:
        """Return the output of a SOFTMAX."""
        if self.data == "int16":
            return activation(shape, "int16", 2.0**-15)
        return activation(shape, "int8", 1 / 256, -128)


INT8 = Types("int8", "int8", 0.1, -3)
INT4 = Types("int8", "int4", 0.1, -3)
INT16 = Types("int16", "int8", 1e-3, 0)


def small_network(types: Types, seed: int = 1) -> Graph:
    """Return convolutions of three kinds, a sum, a pool, a dense layer and a softmax."""
    rng, builder, square = np.random.default_rng(seed), ModelBuilder(), (1, 16, 16, 16)
    x = builder.input(types.activation(1, 16, 16, 4))

    def weighted(op: str, data: int, shape: Sequence[int], axis: int, *output: int) -> int:
        tensors = _weights(types, rng, shape, axis, op == "FULLY_CONNECTED")
        options = _PLAIN if op == "FULLY_CONNECTED" else _CONV
        copies: dict[str, OptionValue] = {"depth_multiplier": 1} if axis == 3 else {}
        return builder.op(op, [data, *tensors], types.activation(*output), options | copies)

    first = weighted("CONV_2D", x, (16, 3, 3, 4), 0, *square)
    second = weighted("DEPTHWISE_CONV_2D", first, (1, 3, 3, 16), 3, *square)
    third = weighted("CONV_2D", second, (16, 1, 1, 16), 0, *square)
    total = builder.op("ADD", [first, third], types.activation(*square), _PLAIN)
    mean = builder.op("AVERAGE_POOL_2D", [total], types.activation(1, 4, 4, 16), _POOL)
    flat = builder.op("RESHAPE", [mean, constant([1, 256], "int32")], types.activation(1, 256))
    dense = weighted("FULLY_CONNECTED", flat, (10, 256), 0, 1, 10)
    return builder.build(builder.op("SOFTMAX", [dense], types.softmax(1, 10), {"beta": 1.0}))


def _weights(
    types: Types, rng: np.random.Generator, shape: Sequence[int], axis: int, single: bool
) -> tuple[Tensor, Tensor]:
    limit, scale = (8, 0.1) if types.weights == "int4" else (128, 0.01)
    outputs = shape[axis]
    scales = [scale] if single else [scale * (1 + i / outputs) for i in range(outputs)]
    values = rng.integers(-limit, limit, shape)
    bias = rng.integers(-3000, 3000, outputs)
    kind = "int64" if types.data == "int16" else "int32"
    products = [s * types.scale for s in scales]
    return constant(values, types.weights, scales, axis=axis), constant(bias, kind, products)


def rectified_network(seed: int = 1) -> Graph:
    """Return what converters make of 16x8 beside small_network: rectifiers, extremes, products."""
    rng, builder, types = np.random.default_rng(seed), ModelBuilder(), INT16
    x = builder.input(types.activation(1, 6, 6, 4))
    first = builder.op(
        "CONV_2D", [x, *_weights(types, rng, (8, 3, 3, 4), 0, False)],
        types.activation(1, 6, 6, 8), _CONV | _PLAIN,
    )  # fmt: skip
    bent = builder.op("LEAKY_RELU", [first], types.activation(1, 6, 6, 8), {"alpha": 0.2})
    size = constant(np.array([1, 12, 12, 8]), "int32")
    spread = builder.op(
        "TRANSPOSE_CONV", [size, *_weights(types, rng, (8, 3, 3, 8), 0, False)[:1], bent],
        types.activation(1, 12, 12, 8), {"padding": "SAME", "stride_h": 2, "stride_w": 2},
    )  # fmt: skip
    cut = builder.op("RELU", [spread], types.activation(1, 12, 12, 8))
    pooled = builder.op("MAX_POOL_2D", [cut], types.activation(1, 6, 6, 8), _HALVED)
    rows = types.activation(1, 36, 8)
    most, least = (
        builder.op(
            "RESHAPE", [builder.op(op, [pooled, bent], types.activation(1, 6, 6, 8)), _of(36, 8)],
            rows,
        )
        for op in ("MAXIMUM", "MINIMUM")
    )  # fmt: skip
    product = builder.op(
        "BATCH_MATMUL", [most, least], types.activation(1, 36, 36), {"adj_y": True}
    )
    return builder.build(builder.op("RELU6", [product], types.activation(1, 36, 36)))


def _of(*sizes: int) -> Tensor:
    return constant(np.array([1, *sizes]), "int32")
