"""What an int8 model must be after its conversion, read from the file itself."""

from __future__ import annotations

from edgeq.core.errors import ToolchainError
from edgeq.graph.ir import Graph

VARIABLE_OPS = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"})
EDGE_OPS = frozenset({"QUANTIZE", "DEQUANTIZE"})


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

    A QUANTIZE or DEQUANTIZE is fine where it turns the input's or the output's dtype, and a
    QUANTIZE from int8 to int8 rescales; every other float tensor is a float island.

    Raises:
        ToolchainError: naming the tensor or the operator.
    """
    check_float(graph)
    for what, ports, dtype in (
        ("input", graph.inputs, input_dtype),
        ("output", graph.outputs, output_dtype),
    ):
        for index in ports:
            if graph.tensor(index).dtype != dtype:
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
