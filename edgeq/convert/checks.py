"""What a quantised model must be after its conversion, read from the file itself."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.convert.quantization.rules import bias_input, filter_input
from edgeq.convert.quantization.scheme import LayerScheme, Scheme
from edgeq.core.errors import ToolchainError
from edgeq.graph.ir import Graph, Node, Tensor

VARIABLE_OPS = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"})
PLAIN = ("int32", "int64", "bool")
EDGE_OPS = frozenset({"QUANTIZE", "DEQUANTIZE"})
# Indices, sizes and conditions, which no scheme is about.
_DISCRETE = ("int32", "int64", "bool")


def check_float(graph: Graph) -> None:
    """Refuse a float model whose weights are variables: the converter lost their values.

    Raises:
        ToolchainError: naming the operator.
    """
    for node in graph.nodes:
        if node.op in VARIABLE_OPS:
            raise ToolchainError(
                f"{graph.name}: operator {node.index} is {node.op}: its weights were lost",
                hint="save the model as .keras and convert that",
            )


def check_int8(graph: Graph, *, input_dtype: str, output_dtype: str) -> None:
    """Refuse a model that is not full-integer with the input and output dtypes asked for.

    Ports that are integers by nature, as ids and places are, keep their dtype. A QUANTIZE or
    DEQUANTIZE is fine where it turns the input's or the output's dtype, and a QUANTIZE from int8
    to int8 rescales; every other float tensor is a float island.

    Raises:
        ToolchainError: naming the tensor or the operator.
    """
    check_float(graph)
    for what, ports, dtype in (
        ("input", graph.inputs, input_dtype),
        ("output", graph.outputs, output_dtype),
    ):
        for index in ports:
            if graph.tensor(index).dtype not in (dtype, *PLAIN):
                raise ToolchainError(
                    f"{graph.name}: its {what} is {graph.tensor(index).dtype}, not {dtype}",
                    hint="choose the tflite backend, or the dtype that the file has",
                )
    edges = {*graph.inputs, *graph.outputs}
    for node in graph.nodes:
        for index in (*node.inputs, *node.outputs):
            if index < 0 or not graph.tensor(index).dtype.startswith("float"):
                continue
            if not (node.op in EDGE_OPS and index in edges):
                raise ToolchainError(
                    f"{graph.name}: {node.op} at operator {node.index} stays float "
                    f"(tensor {graph.tensor(index).name})",
                    hint="replace this layer by one that quantises (ReLU for ELU, for example)",
                )


def check_scheme(graph: Graph, scheme: Scheme, layers: Mapping[str, str]) -> None:
    """Refuse a model of which any tensor has another type than its layer's scheme asks for.

    QUANTIZE and DEQUANTIZE only turn types, so what every other operator reads and gives decides.

    Args:
        layers: tensor name -> name of the layer that gives it; others are called as the tensor.

    Raises:
        ToolchainError: naming the layer, the tensor and both types.
    """
    check_float(graph)
    for what, ports, dtype in (
        ("input", graph.inputs, scheme.input_dtype),
        ("output", graph.outputs, scheme.output_dtype),
    ):
        for index in ports:
            if graph.tensor(index).dtype not in (dtype, *_DISCRETE):
                _refuse(graph, f"its {what}", graph.tensor(index), (dtype,))
    narrow = {n.outputs[0]: graph.tensor(n.inputs[0]) for n in graph.nodes if n.op == "DEQUANTIZE"}
    for node in graph.nodes:
        if node.op not in EDGE_OPS and node.outputs:
            name = graph.tensor(node.outputs[0]).name
            layer = layers.get(name, name)
            _check_layer(graph, node, layer, scheme.of(layer), narrow)


def _check_layer(
    graph: Graph, node: Node, layer: str, scheme: LayerScheme, narrow: Mapping[int, Tensor]
) -> None:
    weights, bias = filter_input(node), bias_input(node)
    for place, index in enumerate(node.inputs):
        if index < 0 or place in (weights, bias):
            continue
        _expect(graph, layer, graph.tensor(index), (scheme.activations, *_DISCRETE))
    for index in node.outputs:
        _expect(graph, layer, graph.tensor(index), (scheme.activations, *_DISCRETE))
    if weights is not None:
        index = node.inputs[weights]
        kept = narrow.get(index, graph.tensor(index))
        _expect(graph, layer, kept, (scheme.weights,))


def _expect(graph: Graph, layer: str, tensor: Tensor, dtypes: tuple[str, ...]) -> None:
    if tensor.dtype not in dtypes:
        _refuse(graph, f"layer {layer}", tensor, dtypes)


def _refuse(graph: Graph, what: str, tensor: Tensor, dtypes: tuple[str, ...]) -> None:
    raise ToolchainError(
        f"{graph.name}: {what} has {tensor.name} of {tensor.dtype}, not {dtypes[0]}",
        hint="give this layer another scheme (--per-layer 'LAYER=float32'), or replace it",
    )
