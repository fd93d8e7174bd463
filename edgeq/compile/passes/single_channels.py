"""A depthwise convolution of one channel is a convolution, whose kernels are faster at it."""

from __future__ import annotations

from dataclasses import replace

from edgeq.compile.arithmetic import weight_values
from edgeq.compile.passes.intervals import is_constant_weighted
from edgeq.compile.passes.rewriting import Draft, Rewrite, constant, count_of
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import OPS


def widen_single_channels(graph: Graph) -> Rewrite:
    """Return the graph with CONV_2D in the place of DEPTHWISE_CONV_2D of a single channel."""
    draft, made = Draft(graph), 0
    for node in graph.nodes:
        if node.op == "DEPTHWISE_CONV_2D" and _reads_one_channel(graph, node):
            draft.nodes[node.index] = _convolution(graph, draft, node)
            made += 1
    if not made:
        return Rewrite(graph)
    note = f"{count_of(made, 'depthwise convolution')} of one channel as CONV_2D"
    return Rewrite(draft.finish(), made, note)


def _reads_one_channel(graph: Graph, node: Node) -> bool:
    return is_constant_weighted(graph, node) and graph.tensor(node.inputs[0]).shape[3] == 1


def _convolution(graph: Graph, draft: Draft, node: Node) -> Node:
    """Return the convolution; its weights are [outputs, height, width, 1]."""
    filters = graph.tensor(node.inputs[1])
    q = filters.quantization
    scales = None if q is None else replace(q, axis=0)
    weights = weight_values(graph, node)[0].transpose(2, 0, 1)[..., None]
    new = draft.add(constant(filters.name, weights, filters.dtype, scales))
    options = {k: v for k, v in node.options.items() if k != "depth_multiplier"}
    inputs = (node.inputs[0], new, *node.inputs[2:])
    version = OPS["CONV_2D"].version
    return replace(node, op="CONV_2D", version=version, inputs=inputs, options=options)
