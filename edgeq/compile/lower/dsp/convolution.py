"""CONV_2D on cores with SMLAD."""

from __future__ import annotations

from edgeq.compile.arithmetic import channel_multipliers, weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, Overlap
from edgeq.compile.lower.convolution import node_window
from edgeq.compile.lower.dsp.tiles import order_runs, shifts_right, tile_matrix
from edgeq.compile.lower.variants import Variant
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node


def _is_tiled(graph: Graph, node: Node, target: Target) -> bool:
    return target.dsp and shifts_right(channel_multipliers(graph, node))


def _is_pointwise(graph: Graph, node: Node, target: Target) -> bool:
    window = node_window(graph, node)
    return window.kernel == window.stride == (1, 1) and _is_tiled(graph, node, target)


def lower_pointwise(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower CONV_2D with a 1x1 kernel and stride 1."""
    weights = weight_values(graph, node)
    outputs, depth = len(weights), weights.shape[-1]
    rows = graph.tensor(node.outputs[0]).elements // outputs
    matrix = tile_matrix(
        graph,
        node,
        weights.reshape(outputs, depth),
        channel_multipliers(graph, node),
        order_runs(1, depth),
    )
    fields = {"rows": rows, "depth": depth, **matrix.limits, "matrix": matrix.fields}
    operands = (node.inputs[0], SCRATCH, node.outputs[0])
    return Layer(
        (Call("eq_dsp_pointwise", "eq_dsp_pointwise", fields, operands),),
        ("eq_dsp_pointwise", "eq_dsp_tile"),
        (matrix.constant,),
        "1x1",
        hot=True,
        scratch=matrix.scratch,
        overlaps=(Overlap(node.inputs[0], max(0, rows * (outputs - depth))),),
    )


CONVOLUTIONS = (Variant("pointwise", _is_pointwise, lower_pointwise),)
