"""Equal forms of float operators that integers hold better, taken before layers are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgeq.convert.quantization.scheme import Scheme
from edgeq.graph.ir import Graph, Node, OptionValue, Tensor, frozen

_AXES = (1, 2)
# A node and the graph's tensors so far, to which it may add; the nodes that stand for it.
Rewrite = Callable[[Node, list[Tensor]], list[Node]]


def choose_forms(graph: Graph, scheme: Scheme) -> Graph:
    """Return a float graph of the same values in the forms that suit the scheme's integers.

    int8: an average pool over a whole plane becomes a MEAN, whose output may have a finer scale
    than its input. int16, which is fine enough: a MEAN over planes becomes an average pool, which
    every runtime and compiler has.
    """
    if scheme.default.mode != "static":
        return graph
    rewrite = {"int8": _mean_of, "int16": _pool_of}[scheme.default.activations]
    tensors = list(graph.tensors)
    nodes = [new for node in graph.nodes for new in rewrite(node, tensors)]
    numbered = tuple(replace(node, index=place) for place, node in enumerate(nodes))
    return replace(graph, tensors=tuple(tensors), nodes=numbered)


def _mean_of(node: Node, tensors: list[Tensor]) -> list[Node]:
    if node.op != "AVERAGE_POOL_2D":
        return [node]
    plane = tensors[node.inputs[0]].shape[1:3]
    window = (node.options.get("filter_height"), node.options.get("filter_width"))
    whole = window == plane and tensors[node.outputs[0]].shape[1:3] == (1, 1)
    if not whole or node.options.get("fused_activation_function", "NONE") != "NONE":
        return [node]
    axes = _add_constant(tensors, f"{tensors[node.outputs[0]].name}_axes", _AXES)
    options = {"keep_dims": True}
    return [Node(node.index, "MEAN", 1, (node.inputs[0], axes), node.outputs, options)]


def _pool_of(node: Node, tensors: list[Tensor]) -> list[Node]:
    data = tensors[node.inputs[0]] if node.op == "MEAN" else None
    axes = tensors[node.inputs[1]].data if node.op == "MEAN" else None
    if data is None or axes is None or len(data.shape) != 4 or data.dtype != "float32":
        return [node]
    if tuple(sorted(int(axis) % 4 for axis in axes.reshape(-1))) != _AXES:
        return [node]
    height, width = data.shape[1:3]
    sizes = {"filter_height": height, "filter_width": width, "stride_h": 1, "stride_w": 1}
    options: dict[str, OptionValue] = {
        **sizes,
        "padding": "VALID",
        "fused_activation_function": "NONE",
    }
    result = tensors[node.outputs[0]]
    if len(result.shape) == 4:
        return [Node(node.index, "AVERAGE_POOL_2D", 1, (data.index,), node.outputs, options)]
    shape = (data.shape[0], 1, 1, data.shape[3])
    pooled = Tensor(len(tensors), f"{result.name}_pooled", shape, "float32")
    tensors.append(pooled)
    wanted = _add_constant(tensors, f"{result.name}_shape", result.shape)
    reshape = (pooled.index, wanted)
    return [
        Node(node.index, "AVERAGE_POOL_2D", 1, (data.index,), (pooled.index,), options),
        Node(node.index, "RESHAPE", 1, reshape, node.outputs, {"new_shape": result.shape}),
    ]


def _add_constant(tensors: list[Tensor], name: str, values: tuple[int, ...]) -> int:
    data = frozen(np.array(values, np.int32))
    tensors.append(Tensor(len(tensors), name, data.shape, "int32", data=data))
    return len(tensors) - 1
