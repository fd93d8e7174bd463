"""The writer: a graph -> .tflite bytes that TFLite Micro and LiteRT load."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.core.errors import UsageError
from edgeq.graph.ir import Graph, Node, Quantization, Tensor
from edgeq.graph.ops import OPS
from edgeq.graph.options import encode_options, values_of
from edgeq.graph.tensors import pack_int4
from edgeq.graph.verifier import FILE_IDENTIFIER

# `Buffer.data` is force_align: 16 in the schema.
_BUFFER_ALIGN = 16
# Operator codes above this one stand in `builtin_code` alone (schema, OperatorCode).
_LAST_SHORT_CODE = 127


def write_graph(graph: Graph) -> bytes:
    """Return `graph` as a .tflite file, its subgraphs behind it; constants are 16-byte aligned.

    Raises:
        UsageError: an operator or option that the schema or the op table does not know.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    codes: dict[tuple[str, int, str], int] = {}
    buffers = [schema.BufferT()]
    graphs = (graph, *graph.subgraphs)
    subgraphs = [_subgraph(g, codes, buffers, schema) for g in graphs]
    model = schema.ModelT(
        version=3,
        operatorCodes=[_operator_code(*code, schema) for code in codes],
        subgraphs=subgraphs,
        description=graph.description,
        buffers=buffers,
    )
    constants = sum(t.bytes for g in graphs for t in g.tensors if t.is_constant)
    builder = flatbuffers.Builder(1024 + constants)
    builder.Finish(model.Pack(builder), file_identifier=FILE_IDENTIFIER)
    return bytes(builder.Output())


def _subgraph(
    graph: Graph, codes: dict[tuple[str, int, str], int], buffers: list[Any], schema: Any
) -> Any:
    main = len(buffers) == 1 and not codes
    return schema.SubGraphT(
        operators=[_operator(node, codes, schema) for node in graph.nodes],
        tensors=[_tensor(tensor, buffers, schema) for tensor in graph.tensors],
        inputs=list(graph.inputs),
        outputs=list(graph.outputs),
        name="main" if main else graph.name,
    )


class _Constant:
    """A buffer whose data is aligned, which the generated `BufferT.Pack` does not do."""

    def __init__(self, data: bytes, schema: Any) -> None:
        self.data = data
        self.schema = schema

    def Pack(self, builder: Any) -> int:
        """Write the buffer; called by the generated `ModelT.Pack`."""
        builder.Prep(_BUFFER_ALIGN, len(self.data))
        data = builder.CreateByteVector(self.data)
        self.schema.BufferStart(builder)
        self.schema.BufferAddData(builder, data)
        return int(self.schema.BufferEnd(builder))


def _tensor(tensor: Tensor, buffers: list[Any], schema: Any) -> Any:
    index = 0
    if tensor.data is not None:
        index = len(buffers)
        packed = pack_int4(tensor.data) if tensor.dtype == "int4" else tensor.data
        buffers.append(_Constant(np.ascontiguousarray(packed).tobytes(), schema))
    return schema.TensorT(
        shape=list(tensor.shape),
        type=values_of("TensorType")[tensor.dtype.upper()],
        buffer=index,
        name=tensor.name,
        quantization=_quantization(tensor.quantization, schema),
        isVariable=tensor.is_variable,
        hasRank=True,
    )


def _quantization(quantization: Quantization | None, schema: Any) -> Any:
    if quantization is None:
        return None
    return schema.QuantizationParametersT(
        scale=list(quantization.scales),
        zeroPoint=list(quantization.zero_points),
        quantizedDimension=quantization.axis,
    )


def _operator(node: Node, codes: dict[tuple[str, int, str], int], schema: Any) -> Any:
    custom = str(node.options.get("custom_code", "")) if node.op == "CUSTOM" else ""
    code = codes.setdefault((node.op, node.version, custom), len(codes))
    operator = schema.OperatorT(
        opcodeIndex=code, inputs=list(node.inputs), outputs=list(node.outputs)
    )
    row = OPS.get(node.op)
    table = row.options if row else None
    if table is not None:
        try:
            operator.builtinOptions = encode_options(table, node.options)
        except ValueError as error:
            raise UsageError(
                f"operators[{node.index}] ({node.op}): {error}", hint="fix the options of the node"
            ) from error
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
    elif node.options and not custom:
        raise UsageError(
            f"operators[{node.index}]: the options of {node.op} cannot be written",
            hint="the op table (edgeq/graph/ops.py) does not know this operator",
        )
    return operator


def _operator_code(op: str, version: int, custom: str, schema: Any) -> Any:
    code = values_of("BuiltinOperator").get(op)
    if code is None:
        raise UsageError(f"{op} is no operator of the schema", hint="check its spelling")
    return schema.OperatorCodeT(
        deprecatedBuiltinCode=min(code, _LAST_SHORT_CODE),
        builtinCode=code,
        version=version,
        customCode=custom or None,
    )
