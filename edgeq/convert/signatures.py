"""Child side: the names and the order of a .tflite's inputs and outputs, changed in the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from edgeq.core.units import short_name

INPUT, OUTPUT = "x", "output_"
# UNIDIRECTIONAL_SEQUENCE_LSTM in the schema, and the place of its cell's state among its inputs.
LSTM, CELL, FINEST = 44, 19, 2.0**-15


class Names(NamedTuple):
    """What a model calls its inputs and outputs, in its own order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def input_labels(count: int) -> list[str]:
    """Return the names of a traced function's inputs: x, or x0, x1 and so on."""
    return [INPUT] if count == 1 else [f"{INPUT}{i}" for i in range(count)]


def output_labels(count: int) -> list[str]:
    """Return the names of a traced function's outputs, which sort as they are numbered."""
    return [f"{OUTPUT}{i:03}" for i in range(count)]


def sign_ports(data: bytes, names: Names) -> bytes:
    """Return a .tflite of a traced function with a signature of the source's names, in its order.

    Tensors keep the first of the names that the converter joined: the others would cost flash. Of
    an exported SavedModel the converter orders ports as it likes; its signature knows which is
    which. Tensors of several inputs, or of several outputs, are named by the source, too.
    """
    model = _unpack(data)
    graph = model.subgraphs[0]
    for signature in model.signatureDefs or ():
        graph.inputs = _arrange(signature.inputs, input_labels(len(names.inputs)))
        graph.outputs = _arrange(signature.outputs, output_labels(len(names.outputs)))
    _shorten_names(graph)
    for tensors, ports in ((graph.inputs, names.inputs), (graph.outputs, names.outputs)):
        if len(ports) > 1:
            for tensor, name in zip(tensors, ports, strict=True):
                graph.tensors[tensor].name = name.encode()
    return _pack(_sign(model, names), len(data))


def _shorten_names(graph: Any) -> None:
    """Give each tensor the first of its names, with a number where others have it before."""
    computed = [int(index) for op in graph.operators or () for index in op.outputs]
    seen: Counter[str] = Counter()
    for index in dict.fromkeys((*computed, *range(len(graph.tensors)))):
        tensor = graph.tensors[index]
        name = short_name(tensor.name.decode())
        tensor.name = f"{name};{seen[name]}".encode() if seen[name] else name.encode()
        seen[name] += 1


def _arrange(ports: Sequence[Any], labels: Sequence[str]) -> list[int]:
    """Return the tensors that a signature gives the labels to."""
    known = {port.name.decode(): int(port.tensorIndex) for port in ports}
    return [known[label] for label in labels]


def sign_model(data: bytes) -> bytes:
    """Return a .tflite that has a signature, as ai-edge-quantizer needs: its own or a new one."""
    model = _unpack(data)
    if model.signatureDefs:
        return data
    graph = model.subgraphs[0]
    names = Names(
        tuple(f"{INPUT}{i}" for i in range(len(graph.inputs))),
        tuple(f"{OUTPUT}{i}" for i in range(len(graph.outputs))),
    )
    return _pack(_sign(model, names), len(data))


def _sign(model: Any, names: Names) -> Any:
    """Give a model the signature `names`; return it."""
    from ai_edge_litert import schema_py_generated as schema

    graph, signature = model.subgraphs[0], schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs = _ports(names.inputs, graph.inputs)
    signature.outputs = _ports(names.outputs, graph.outputs)
    model.signatureDefs = [signature]
    return model


def _ports(names: Sequence[str], tensors: Sequence[int]) -> list[Any]:
    from ai_edge_litert import schema_py_generated as schema

    ports = []
    for name, tensor in zip(names, tensors, strict=True):
        port = schema.TensorMapT()
        port.name, port.tensorIndex = name.encode(), int(tensor)
        ports.append(port)
    return ports


def widen_cells(data: bytes) -> bytes:
    """Return a .tflite whose LSTM cells have no scale below 2^-15, the finest that kernels take.

    A cell that stays within 0.5 is given 2^-16 by the converter. Nothing else in the file rests on
    that scale: kernels derive their multipliers from it.
    """
    model = _unpack(data)
    codes = [code.builtinCode for code in model.operatorCodes]
    cells = [
        graph.tensors[op.inputs[CELL]].quantization
        for graph in model.subgraphs
        for op in graph.operators or ()
        if codes[op.opcodeIndex] == LSTM
    ]
    narrow = [q for q in cells if q is not None and q.scale is not None and q.scale[0] < FINEST]
    for quantization in narrow:
        quantization.scale = [FINEST]
    return _pack(model, len(data)) if narrow else data


def signature_inputs(data: bytes) -> list[str]:
    """Return what a .tflite's signature calls its inputs, in the order of the graph's."""
    model = _unpack(data)
    named = {int(p.tensorIndex): p.name.decode() for p in model.signatureDefs[0].inputs}
    return [named[int(tensor)] for tensor in model.subgraphs[0].inputs]


def _unpack(data: bytes) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(data, 0)


def _pack(model: Any, size: int) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(size)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
