"""AVERAGE_POOL_2D and MAX_POOL_2D."""

from __future__ import annotations

from edgeq.compile.layer import Call, Layer
from edgeq.compile.lower.convolution import Window, explicit_padding, option_pair
from edgeq.compile.lower.overlaps import over_window
from edgeq.compile.target import Target
from edgeq.graph.ir import Graph, Node
from edgeq.graph.ops import call_of
from edgeq.graph.oracle.requantization import fused_range


def pool_window(graph: Graph, node: Node) -> Window:
    """Return the window of a pooling node."""
    return Window(
        input=graph.tensor(node.inputs[0]).shape,
        output=graph.tensor(node.outputs[0]).shape,
        kernel=option_pair(node, "filter_height", "filter_width"),
        stride=option_pair(node, "stride_h", "stride_w"),
        dilation=(1, 1),
        same=node.options.get("padding", "SAME") == "SAME",
        explicit=explicit_padding(node),
    )


def lower_pool(graph: Graph, node: Node, target: Target) -> Layer:
    """Lower AVERAGE_POOL_2D or MAX_POOL_2D."""
    window = pool_window(graph, node)
    low, high = fused_range(call_of(graph, node))
    kernel = {"AVERAGE_POOL_2D": "eq_average_pool", "MAX_POOL_2D": "eq_max_pool"}[node.op]
    fields = {"window": window.fields, "min": low, "max": high}
    call = Call(kernel, "eq_pool", fields, (node.inputs[0], node.outputs[0]))
    overlaps = over_window(node.inputs[0], window)
    return Layer((call,), ("eq_pool",), (), window.describe(), overlaps=overlaps)
