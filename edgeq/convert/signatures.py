"""Child side: the names and the order of a .tflite's inputs and outputs, changed in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

INPUT, OUTPUT = "x", "output_"
# UNIDIRECTIONAL_SEQUENCE_LSTM in the schema, and the place of its cell's state among its inputs.
LSTM, CELL, FINEST = 44, 19, 2.0**-15


class Names(NamedTuple):
    """What a model calls its inputs and outputs, in its own order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def input_labels(count: int) -> list[str]:
    """Return the names of a static export's inputs: x, or x0, x1 and so on."""
    return [INPUT] if count == 1 else [f"{INPUT}{i}" for i in range(count)]


def output_labels(count: int) -> list[str]:
    """Return the names of a static export's outputs: output_0, output_1 and so on."""
    return [f"{OUTPUT}{i}" for i in range(count)]


def arrange_ports(data: bytes, names: Names) -> bytes:
    """Return a .tflite made of a static export, its several ports in the source's order.

    The converter orders them as it likes; its signature knows which is which. Tensors and
    signature are given the source's names. What has one input and one output stays as it is.
    """
    if len(names.inputs) == 1 and len(names.outputs) == 1:
        return data
    model = _unpack(data)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    graph.inputs = _arrange(graph, signature.inputs, names.inputs, input_labels(len(names.inputs)))
    outputs = output_labels(len(names.outputs))
    graph.outputs = _arrange(graph, signature.outputs, names.outputs, outputs)
    return _pack(model, len(data))


def _arrange(graph: Any, ports: Sequence[Any], names: Sequence[str], labels: list[str]) -> Any:
    """Return the tensors of `labels` in order; name them, and the ports, by `names`."""
    known = {port.name.decode(): port for port in ports}
    tensors = []
    for label, name in zip(labels, names, strict=True):
        port = known[label]
        if len(names) > 1:
            port.name = graph.tensors[port.tensorIndex].name = name.encode()
        tensors.append(int(port.tensorIndex))
    return tensors


def sign_model(data: bytes) -> bytes:
    """Return a .tflite that has a signature, as ai-edge-quantizer needs: its own or a new one."""
    from ai_edge_litert import schema_py_generated as schema

    model = _unpack(data)
    if model.signatureDefs:
        return data
    graph, signature = model.subgraphs[0], schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    for field, role, tensors in (
        ("inputs", b"input_", graph.inputs),
        ("outputs", b"output_", graph.outputs),
    ):
        ports = []
        for place, tensor in enumerate(tensors):
            port = schema.TensorMapT()
            port.name, port.tensorIndex = role + str(place).encode(), int(tensor)
            ports.append(port)
        setattr(signature, field, ports)
    model.signatureDefs = [signature]
    return _pack(model, len(data))


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
