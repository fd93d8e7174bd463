"""A small float network whose channels are very uneven, and drafts of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.convert.metrics import sqnr_db
from edgeq.convert.quantization.assembly import quantize_graph
from edgeq.convert.quantization.draft import Draft
from edgeq.convert.quantization.scheme import SCHEMES
from edgeq.graph.ir import Graph
from tests.support.float_models import drafted, outputs_of
from tests.support.models import ModelBuilder, activation, constant

STRIDE = {"stride_h": 1, "stride_w": 1, "dilation_h_factor": 1, "dilation_w_factor": 1}


def separable(activation_function: str = "RELU", *, residual: bool = False, seed: int = 0) -> Graph:
    """Return conv, depthwise, conv and dense with very uneven channels, all of float32."""
    rng = np.random.default_rng(seed)
    model = ModelBuilder()
    options = {**STRIDE, "padding": "SAME", "fused_activation_function": activation_function}

    def plane(depth: int) -> Any:
        return activation((1, 6, 6, depth), "float32")

    def weights(*shape: int, uneven: int | None = None) -> Any:
        values = rng.normal(0, 0.4, shape)
        if uneven is not None:
            spread = [1] * len(shape)
            spread[uneven] = shape[uneven]
            values *= np.exp(rng.normal(0, 1, spread))
        return constant(values.astype(np.float32), "float32")

    x = model.input(plane(3))
    x = model.op("CONV_2D", [x, weights(8, 3, 3, 3, uneven=0), weights(8)], plane(8), options)
    y = model.op(
        "DEPTHWISE_CONV_2D",
        [x, weights(1, 3, 3, 8, uneven=3), weights(8)],
        plane(8),
        {**options, "depth_multiplier": 1},
    )
    y = model.op("CONV_2D", [y, weights(8, 1, 1, 8, uneven=0), weights(8)], plane(8), options)
    if residual:
        y = model.op("ADD", [x, y], plane(8), {"fused_activation_function": activation_function})
    flat = activation((1, 288), "float32")
    y = model.op("RESHAPE", [y, constant(np.array([1, 288]), "int32")], flat)
    dense = {"fused_activation_function": "NONE"}
    out = activation((1, 5), "float32")
    return model.build(model.op("FULLY_CONNECTED", [y, weights(5, 288), weights(5)], out, dense))


def calibrated(graph: Graph, inputs: Any, scheme: str = "int8") -> Draft:
    return drafted(graph, SCHEMES[scheme], inputs)


def quality(draft: Draft, graph: Graph, inputs: Any) -> float:
    real, given = (outputs_of(g, inputs)[0] for g in (graph, quantize_graph(draft)))
    return sqnr_db(real, given)
