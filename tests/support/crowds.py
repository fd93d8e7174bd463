"""Models of many convolutions side by side: one build tries them all."""

from __future__ import annotations

import numpy as np

from edgeq.graph.ir import Graph, OptionValue
from tests.support.models import ModelBuilder, activation, constant, window_output

_ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
_KERNELS = ((1, 1), (3, 3), (10, 4), (2, 5), (4, 1))


def convolutions(seed: int, count: int = 12, *, square: bool = False) -> Graph:
    """Return `count` CONV_2D of random windows, channels and quantisations, each on its input.

    With `square`, all are 3x3 of stride 1 with channels in fours.
    """
    rng = np.random.default_rng(seed)
    model = ModelBuilder()
    outputs = []
    for _ in range(count):
        kernel = (3, 3) if square else _KERNELS[rng.integers(len(_KERNELS))]
        stride = 1 if square else int(rng.integers(1, 3))
        dilation = 1 if square else int(rng.choice([1, 1, 2]))
        padding = str(rng.choice(["SAME", "VALID"]))
        size = [int(rng.integers((k - 1) * dilation + 1, k * dilation + 9)) for k in kernel]
        depths = [8, 12, 16, 24] if square else [1, 2, 3, 4, 5, 8, 9, 16]
        depth, channels = (int(c) for c in rng.choice(depths, 2))
        made = [
            window_output(s, k, stride, padding, dilation)
            for s, k in zip(size, kernel, strict=True)
        ]
        in_scale, weight_scales = 0.05, rng.uniform(0.002, 0.02, channels)
        # Some outputs saturate, and some keep to the middle.
        reach = 0.05 * 0.02 * 80 * np.sqrt(depth * np.prod(kernel)) * rng.uniform(0.5, 40)
        zeros = rng.integers(-128, 128, 2)
        options: dict[str, OptionValue] = {
            "padding": padding,
            "stride_h": stride,
            "stride_w": stride,
            "dilation_h_factor": dilation,
            "dilation_w_factor": dilation,
            "fused_activation_function": str(rng.choice(_ACTIVATIONS)),
        }
        x = model.input(activation((1, *size, depth), "int8", in_scale, int(zeros[0])))
        weights = rng.integers(-127, 128, (channels, *kernel, depth))
        inputs = [
            x,
            constant(weights, "int8", list(weight_scales), axis=0),
            constant(rng.integers(-4000, 4001, channels), "int32", list(weight_scales * in_scale)),
        ]
        zero = int(rng.choice([-128, zeros[1]]))
        y = activation((1, *made, channels), "int8", float(reach), zero)
        outputs.append(model.op("CONV_2D", inputs, y, options))
    return model.build(outputs, "convolutions")
