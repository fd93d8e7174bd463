"""Float graphs as the quantiser takes them: constants of float32, a bias for all weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.convert.quantization.rules import bias_input, filter_input
from edgeq.convert.quantization.weights import spread
from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph, Node, Tensor, frozen
from edgeq.graph.ops import OPS

_NARROW = ("float16", "int8", "int4")


def restore_floats(graph: Graph) -> Graph:
    """Return a float graph whose constants of float16, int8 or int4 are float32 again.

    A DEQUANTIZE of a constant is computed, and the filters of hybrid operators get their real
    values: what dynamic-range and weight-only conversions left. Operators with weights get a bias.

    Raises:
        InputError: the graph computes in integers already; naming the operator.
    """
    tensors = {tensor.index: tensor for tensor in graph.tensors}
    kept = []
    for node in graph.nodes:
        source = tensors[node.inputs[0]] if node.inputs and node.inputs[0] >= 0 else None
        if node.op == "DEQUANTIZE" and source is not None and source.is_constant:
            result = tensors[node.outputs[0]]
            tensors[result.index] = replace(result, data=_real(source))
        else:
            kept.append(node)
        for place, index in enumerate(node.inputs):
            if index >= 0 and place == filter_input(node) and tensors[index].dtype in _NARROW:
                tensors[index] = _restored(tensors[index])
    for node in kept:
        _check_float(graph, node, tensors)
    kept = [_with_bias(node, tensors) for node in kept]
    return replace(graph, tensors=tuple(tensors.values()), nodes=tuple(kept))


def _with_bias(node: Node, tensors: dict[int, Tensor]) -> Node:
    """Give an operator with weights a bias of noughts where it has none: recovery fills it."""
    place = filter_input(node)
    if place is None or bias_input(node) is not None:
        return node
    where, index = OPS[node.op].roles.index("bias"), len(tensors)
    data = frozen(np.zeros(tensors[node.outputs[0]].shape[-1], np.float32))
    name = f"{tensors[node.inputs[place]].name}_bias"
    tensors[index] = Tensor(index, name, data.shape, "float32", data=data)
    return replace(node, inputs=(*node.inputs[:where], index, *node.inputs[where + 1 :]))


def _check_float(graph: Graph, node: Node, tensors: dict[int, Tensor]) -> None:
    for index in (*node.inputs, *node.outputs):
        tensor = tensors[index] if index >= 0 else None
        if tensor is not None and tensor.quantization is not None:
            raise InputError(
                f"{graph.name}: {node.op} at operator {node.index} computes in {tensor.dtype}: "
                "the model is quantised already",
                hint="convert the float model",
            )


def _restored(tensor: Tensor) -> Tensor:
    if not tensor.is_constant:
        return tensor
    return replace(tensor, dtype="float32", quantization=None, data=_real(tensor))


def _real(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    assert tensor.data is not None
    values = np.asarray(tensor.data, np.float64)
    if tensor.quantization is not None:
        rank, axis = values.ndim, tensor.quantization.axis
        zeros = np.asarray(tensor.quantization.zero_points, np.float64)
        scales = np.asarray(tensor.quantization.scales, np.float64)
        values = (values - spread(zeros, rank, axis)) * spread(scales, rank, axis)
    return frozen(values.astype(np.float32))
