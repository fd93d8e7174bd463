"""The reader: .tflite bytes -> a verified graph.

The order is the safety: the verifier walks the raw bytes, the schema's generated code decodes
them, then tensors, operators and their wiring are checked field by field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from edgeq.core.files import read_bytes, sha256_hex
from edgeq.graph.ir import Graph, Node, OptionValue
from edgeq.graph.ops import OPS, check
from edgeq.graph.options import decode_options, default_options, names_of, table_name
from edgeq.graph.place import Place
from edgeq.graph.tensors import Bytes, read_buffers, read_tensor
from edgeq.graph.verifier import MAX_FILE_BYTES, verify
from edgeq.graph.wiring import check_wiring

SCHEMA_VERSION = 3


class OperatorCode(NamedTuple):
    """An operator that the file uses: its name, version and, for CUSTOM, its custom name."""

    op: str
    version: int
    custom: str


def read_model(path: Path | str) -> Graph:
    """Read and verify the .tflite file at `path`.

    Raises:
        InputError: the file is missing, too large, damaged, hostile or not consistent; the cause
            names the field.
    """
    path = Path(path)
    return read_graph(read_bytes(path, what="model", limit=MAX_FILE_BYTES), path.name)


def read_graph(data: bytes, name: str) -> Graph:
    """Verify `data` and return its first subgraph, which holds the others; `name` is the file's
    name (for errors).

    Raises:
        InputError: as `read_model`.
    """
    verify(data, name)
    from ai_edge_litert.schema_py_generated import ModelT

    model = ModelT.InitFromPackedBuf(data, 0)
    place = Place(name)
    if model.version != SCHEMA_VERSION:
        place.at("version").reject(f"schema version {model.version}, not {SCHEMA_VERSION}")
    buffers = read_buffers(model, data, place)
    codes = [
        _read_code(code, place.at("operator_codes", i))
        for i, code in enumerate(model.operatorCodes or ())
    ]
    graphs = [
        _read_subgraph(raw, codes, buffers, place.at("subgraphs", i), main=i == 0)
        for i, raw in enumerate(model.subgraphs or ())
    ]
    if not graphs:
        place.at("subgraphs").reject("the model has no subgraph")
    _reject_control_flow(graphs[0], place.at("subgraphs", 0))
    _check_metadata(model, len(buffers), [len(g.tensors) for g in graphs], place)
    return replace(
        graphs[0],
        name=Path(name).stem,
        subgraphs=tuple(graphs[1:]),
        sha256=sha256_hex(data),
        file_bytes=len(data),
        description=(model.description or b"").decode(),
    )


def _read_code(raw: Any, place: Place) -> OperatorCode:
    # Codes above 126 did not fit the first field; readers take the larger (schema, OperatorCode).
    code = max(raw.deprecatedBuiltinCode, raw.builtinCode)
    op = names_of("BuiltinOperator").get(code)
    if op is None:
        place.at("builtin_code").reject(f"{code} is no BuiltinOperator")
    if raw.version < 1:
        place.at("version").reject(f"version {raw.version} is not possible")
    custom = (raw.customCode or b"").decode() if op == "CUSTOM" else ""
    if op == "CUSTOM" and not custom:
        place.at("custom_code").reject("a custom operator without a name")
    return OperatorCode(op, raw.version, custom)


def _read_subgraph(
    raw: Any,
    codes: Sequence[OperatorCode],
    buffers: Sequence[Bytes],
    place: Place,
    *,
    main: bool,
) -> Graph:
    private = _private_tensors(raw, codes)
    tensors = tuple(
        read_tensor(tensor, i, buffers, place.at("tensors", i), may_be_empty=i in private)
        for i, tensor in enumerate(raw.tensors or ())
    )
    count = len(tensors)
    graph = Graph(
        name=place.file,
        tensors=tensors,
        nodes=tuple(
            _read_node(op, i, codes, count, place.at("operators", i))
            for i, op in enumerate(raw.operators or ())
        ),
        inputs=_read_indices(raw.inputs, count, place, "inputs"),
        outputs=_read_indices(raw.outputs, count, place, "outputs"),
    )
    check_wiring(graph, place, main=main)
    for node in graph.nodes:
        check(graph, node, place.at("operators", node.index))
    return graph


def _private_tensors(raw: Any, codes: Sequence[OperatorCode]) -> frozenset[int]:
    """Return the tensors that custom operators alone read, or that are but an LSTM's
    intermediates, and that nothing else names."""
    private: set[int] = set()
    common = {*_values(raw.inputs), *_values(raw.outputs)}
    for op in raw.operators or ():
        known = 0 <= op.opcodeIndex < len(codes)
        mine = private if known and codes[op.opcodeIndex].op == "CUSTOM" else common
        mine.update(_values(op.inputs))
        common.update(_values(op.outputs))
        private.update(_values(op.intermediates))
    return frozenset(private - common)


def _values(raw: Any) -> tuple[int, ...]:
    return () if raw is None else tuple(int(i) for i in raw)


def _read_node(
    raw: Any, index: int, codes: Sequence[OperatorCode], tensors: int, place: Place
) -> Node:
    code = codes[place.at("opcode_index").indexed(raw.opcodeIndex, len(codes), "operator code")]
    _read_indices(raw.intermediates, tensors, place, "intermediates", optional=True)
    options = _read_options(raw, code.op, place)
    return Node(
        index=index,
        op=code.op,
        version=code.version,
        inputs=_read_indices(raw.inputs, tensors, place, "inputs", optional=True),
        outputs=_read_indices(raw.outputs, tensors, place, "outputs"),
        options={"custom_code": code.custom} if code.op == "CUSTOM" else options,
    )


def _read_indices(
    raw: Any, count: int, place: Place, field: str, *, optional: bool = False
) -> tuple[int, ...]:
    """Return tensor indices below `count`; -1 stands for an absent tensor where `optional`."""
    values = _values(raw)
    for i, value in enumerate(values):
        if not (optional and value == -1):
            place.at(field, i).indexed(value, count, "tensor")
    return values


def _read_options(raw: Any, op: str, place: Place) -> dict[str, OptionValue]:
    row = OPS.get(op)
    expected = row.options if row else None
    for field, union, code, value in (
        ("builtin_options", "BuiltinOptions", raw.builtinOptionsType, raw.builtinOptions),
        ("builtin_options2", "BuiltinOptions2", raw.builtinOptions2Type, raw.builtinOptions2),
    ):
        if value is None:
            continue
        table = table_name(union, code)
        if row and table != expected:
            place.at(field).reject(f"{table} cannot be the options of {op}")
        try:
            return decode_options(table, value)
        except ValueError as error:
            place.at(field).reject(str(error))
    return default_options(expected) if expected else {}


def _reject_control_flow(graph: Graph, place: Place) -> None:
    """Reject a graph that runs other subgraphs, but once: no control flow on the board."""
    for node in graph.nodes:
        for option in node.options:
            if "subgraph" in option and node.op not in ("CUSTOM", "CALL_ONCE"):
                place.at("operators", node.index).reject(
                    f"{node.op} runs other subgraphs, which is not supported",
                    hint="export the model without control flow (If, While, Call)",
                )


def _check_metadata(model: Any, buffers: int, tensors: Sequence[int], place: Place) -> None:
    """Reject metadata and signatures that refer to what is not there."""
    for i, entry in enumerate(model.metadata or ()):
        place.at("metadata", i).at("buffer").indexed(entry.buffer, buffers, "buffer")
    for i, signature in enumerate(model.signatureDefs or ()):
        at = place.at("signature_defs", i)
        subgraph = at.at("subgraph_index").indexed(
            signature.subgraphIndex, len(tensors), "subgraph"
        )
        for field, ports in (("inputs", signature.inputs), ("outputs", signature.outputs)):
            for j, port in enumerate(ports or ()):
                at.at(field, j).at("tensor_index").indexed(
                    port.tensorIndex, tensors[subgraph], "tensor"
                )
