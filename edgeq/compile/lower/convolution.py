"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.compile.arithmetic import (
    channel_multipliers,
    weight_values,
    weighted_output,
)
from edgeq.compile.layer import Call, Constant, Layer, constant
from edgeq.compile.lower.dense import dense_layer
from edgeq.compile.lower.overlaps import over_window
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.requantization import zero_point_of
from edgeq.graph.shapes import EXPLICIT


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window: `struct eq_window`. Pairs are (height, width)."""

    input: tuple[int, ...]
    output: tuple[int, ...]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    same: bool
    explicit: tuple[int, int] | None = None

    @property
    def reach(self) -> tuple[int, int]:
        """The extent of the dilated kernel."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1

    @property
    def pad(self) -> tuple[int, int]:
        """Padding at the top and at the left (ComputePaddingHeightWidth), or what is given."""
        if self.explicit:
            return self.explicit
        pads = [
            max(0, (out - 1) * stride + reach - size) // 2
            for out, stride, reach, size in zip(
                self.output[1:3], self.stride, self.reach, self.input[1:3], strict=True
            )
        ]
        return (pads[0], pads[1]) if self.same else (0, 0)

    @property
    def is_padded(self) -> bool:
        """Whether any window reaches over the border."""
        return any(
            pad > 0 or (out - 1) * stride - pad + reach > size
            for out, stride, reach, size, pad in zip(
                self.output[1:3], self.stride, self.reach, self.input[1:3], self.pad, strict=True
            )
        )

    @property
    def fields(self) -> Mapping[str, int]:
        """The initialiser of `struct eq_window`."""
        names = "batch in_h in_w in_c out_h out_w out_c kernel_h kernel_w stride_h stride_w"
        values = (*self.input, *self.output[1:], *self.kernel, *self.stride)
        extra = {"dilation_h": self.dilation[0], "dilation_w": self.dilation[1]}
        pads = {"pad_h": self.pad[0], "pad_w": self.pad[1]}
        return {**dict(zip(names.split(), values, strict=True)), **extra, **pads}

    def describe(self) -> str:
        """Return e.g. '3x3, stride 2'."""
        parts = ["x".join(map(str, self.kernel))]
        for word, pair in (("stride", self.stride), ("dilation", self.dilation)):
            if pair != (1, 1):
                parts.append(f"{word} {pair[0]}" + (f"x{pair[1]}" if pair[0] != pair[1] else ""))
        return ", ".join(parts)


def option_pair(node: Node, first: str, second: str, default: int = 1) -> tuple[int, int]:
    """Return two integer options, (height, width)."""
    return int(node.options.get(first, default)), int(node.options.get(second, default))  # type: ignore[arg-type]


def node_window(graph: Graph, node: Node) -> Window:
    """Return the window of a CONV_2D or DEPTHWISE_CONV_2D node."""
    kernel = graph.tensor(node.inputs[1]).shape
    return Window(
        input=graph.tensor(node.inputs[0]).shape,
        output=graph.tensor(node.outputs[0]).shape,
        kernel=(kernel[1], kernel[2]),
        stride=option_pair(node, "stride_h", "stride_w"),
        dilation=option_pair(node, "dilation_h_factor", "dilation_w_factor"),
        same=node.options.get("padding", "SAME") == "SAME",
        explicit=explicit_padding(node),
    )


def explicit_padding(node: Node) -> tuple[int, int] | None:
    """Return the padding at the top and at the left that a pass gave to the node, if one did."""
    if node.options.get("padding") != EXPLICIT:
        return None
    return option_pair(node, "pad_top", "pad_left")


def lower_conv_2d(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D; a 1x1 kernel with stride 1 is a product of matrices."""
    window = node_window(graph, node)
    weights = weight_values(graph, node)
    rows = weights.reshape(len(weights), -1)
    multipliers = channel_multipliers(graph, node)
    if window.kernel == window.stride == (1, 1):
        return dense_layer(graph, node, rows, multipliers, window.describe())
    output = weighted_output(graph, node, rows, multipliers)
    array = constant("weights", rows, np.int8)
    fields = {
        "window": window.fields,
        "in_zero": zero_point_of(graph.tensor(node.inputs[0])),
        "weights": array.ref,
        "out": output.fields,
    }
    call = Call("eq_conv", "eq_conv", fields, (node.inputs[0], node.outputs[0]))
    constants, overlaps = (array, *output.constants), over_window(node.inputs[0], window, tile=2)
    return Layer((call,), ("eq_conv",), constants, window.describe(), hot=True, overlaps=overlaps)


def lower_depthwise_conv_2d(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower DEPTHWISE_CONV_2D; weights become [output][kernel height][kernel width]."""
    window = node_window(graph, node)
    rows = weight_values(graph, node)[0].reshape(-1, window.output[3]).T
    output = weighted_output(graph, node, rows, channel_multipliers(graph, node))
    array = constant("weights", rows, np.int8)
    zero = zero_point_of(graph.tensor(node.inputs[0]))
    plain = window.kernel == (3, 3) and window.dilation == (1, 1)
    kernel = "eq_depthwise_3x3" if plain and window.input[3] == window.output[3] else "eq_depthwise"
    constants: tuple[Constant, ...] = (array, *output.constants)
    fields: dict[str, Any] = {"window": window.fields, "in_zero": zero, "weights": array.ref}
    if kernel == "eq_depthwise_3x3" and window.is_padded:
        border = constant(
            f"border_{zero & 0xFF:02x}", [zero] * window.input[3], np.int8, shared=True
        )
        fields["border"] = border.ref
        constants += (border,)
    fields["out"] = output.fields
    call = Call(kernel, "eq_depthwise", fields, (node.inputs[0], node.outputs[0]))
    overlaps = over_window(node.inputs[0], window)
    return Layer((call,), (kernel,), constants, window.describe(), hot=True, overlaps=overlaps)
