"""Depthwise convolutions of one channel as convolutions."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.compile.passes.single_channels import widen_single_channels
from edgeq.graph.ir import Graph
from tests.support.models import ModelBuilder, activation, constant
from tests.support.proofs import assert_same


def _depthwise(channels: int, copies: int, *, per_channel: bool, bias: bool, stride: int) -> Graph:
    rng = np.random.default_rng(copies)
    outputs = channels * copies
    model = ModelBuilder()
    x = model.input(activation((2, 6, 5, channels), "int8", 0.05, -11))
    scales = list(rng.uniform(0.002, 0.02, outputs)) if per_channel else [0.01]
    operands = [constant(rng.integers(-127, 128, (1, 3, 2, outputs)), "int8", scales, axis=3)]
    if bias:
        values = rng.integers(-999, 999, outputs)
        operands.append(constant(values, "int32", [s * 0.05 for s in scales]))
    options = {
        "padding": "SAME", "stride_h": stride, "stride_w": stride, "dilation_h_factor": 1,
        "dilation_w_factor": 1, "fused_activation_function": "RELU6", "depth_multiplier": copies,
    }  # fmt: skip
    shape = (2, -(-6 // stride), -(-5 // stride), outputs)
    result = activation(shape, "int8", 0.06, -20)
    return model.build(model.op("DEPTHWISE_CONV_2D", [x, *operands], result, options))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("copies", [1, 2, 7])
def test_one_channel_makes_a_convolution(
    copies: int, per_channel: bool, bias: bool, stride: int
) -> None:
    graph = _depthwise(1, copies, per_channel=per_channel, bias=bias, stride=stride)
    made = widen_single_channels(graph)
    (node,) = made.graph.nodes
    assert (node.op, node.index) == ("CONV_2D", 0)
    assert made.graph.tensor(node.inputs[1]).shape == (copies, 3, 2, 1)
    assert_same(graph, made.graph)


def test_several_channels_stay_as_they_are() -> None:
    graph = _depthwise(3, 2, per_channel=True, bias=True, stride=1)
    assert widen_single_channels(graph).graph is graph
