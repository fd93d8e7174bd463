"""The `aot` compiler: an int8 graph in, a standalone C library out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

import edgeq
from edgeq.compile.identifiers import c_identifier
from edgeq.compile.layer import Constant, Layer
from edgeq.compile.memory.lifetimes import (
    computing_nodes,
    find_lifetimes,
    find_storage,
    scratch_key,
)
from edgeq.compile.memory.planner import Buffer, arena_bytes, check_plan, lower_bound, plan_arena
from edgeq.compile.passes import run_passes, total_macs
from edgeq.compile.source import Unit, arena_place, library_files, port_record
from edgeq.compile.support import lower, require_supported
from edgeq.compile.target import NATIVE, Target
from edgeq.core.records import CompiledModel, Plan, PlannedLayer, PlannedTensor
from edgeq.graph.ir import Graph, Node, Tensor
from edgeq.graph.ops import macs


def compile_graph(graph: Graph, *, name: str, target: Target = NATIVE) -> CompiledModel:
    """Compile `graph` to C.

    Args:
        name: of the model; it becomes a C identifier of at most 31 characters.
        target: the processor that the library is for, and what is asked of it.

    Raises:
        InputError: an operator of the graph is not supported.
        UsageError: there is no pass of an omitted name.
    """
    require_supported(graph)
    nominal = total_macs(graph)
    graph, passes = run_passes(graph, target.options.omitted_passes)
    storage = find_storage(graph)
    nodes = computing_nodes(graph)
    layers = tuple(lower(graph, n, target) for n in nodes)
    buffers = find_lifetimes(graph, nodes, storage)
    scratch = {scratch_key(i): Buffer(x.scratch, i, i) for i, x in enumerate(layers) if x.scratch}
    buffers |= scratch
    offsets = dict(zip(buffers, plan_arena(tuple(buffers.values())), strict=True))
    constants = _collect(graph, layers, storage)
    at = {t: offsets[root] for t, root in storage.items() if root in offsets}
    plan = Plan(
        name=c_identifier(name),
        model_sha256=graph.sha256,
        model_bytes=graph.file_bytes,
        edgeq_version=edgeq.__version__,
        core=target.core,
        macs=nominal,
        arena_bytes=_checked_arena(buffers, offsets),
        arena_lower_bound=lower_bound(tuple(buffers.values())),
        constant_bytes=sum(c.data.nbytes for c in constants.values()),
        inputs=tuple(port_record(graph.tensor(t), at[t]) for t in graph.inputs),
        outputs=tuple(port_record(graph.tensor(t), at[t]) for t in graph.outputs),
        tensors=tuple(
            _planned_tensor(graph.tensor(t), b, offsets[t])
            for t, b in buffers.items()
            if t not in scratch
        ),
        layers=tuple(
            _planned_layer(graph, i, n, layer, at)
            for i, (n, layer) in enumerate(zip(nodes, layers, strict=True))
        ),
        options=target.options,
        passes=passes,
        computed_macs=total_macs(graph),
    )
    places = {t: arena_place(at[t]) if t in at else _constant_name(storage[t]) for t in storage}
    places |= {key: arena_place(offsets[key]) for key in scratch}
    files, sources, hot = library_files(Unit(graph, plan, layers, constants, places))
    files[f"{plan.name}.json"] = plan_json(plan)
    return CompiledModel(name=plan.name, plan=plan, files=files, sources=sources, hot_sources=hot)


def computed_graph(graph: Graph, plan: Plan) -> Graph:
    """Return the graph that the layers of `plan` compute: `graph` after the passes of the plan."""
    return run_passes(graph, plan.options.omitted_passes)[0]


def _checked_arena(buffers: Mapping[int, Buffer], offsets: Mapping[int, int]) -> int:
    """Return the arena's size, after an independent check that nothing overlaps in it."""
    sizes, places = tuple(buffers.values()), tuple(offsets.values())
    size = arena_bytes(sizes, places)
    check_plan(sizes, places, size)
    return size


def plan_json(plan: Plan) -> str:
    """Return the plan as it is written beside the C."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode() + "\n"


def _collect(
    graph: Graph, layers: Sequence[Layer], storage: Mapping[int, int]
) -> dict[str, Constant]:
    """Return every constant array by its C name, in order of first use."""
    found: dict[str, Constant] = {}
    for index, layer in enumerate(layers):
        for c in layer.constants:
            name = c.ref.in_layer(index)
            if name not in found or c.data.size > found[name].data.size:
                found[name] = c
        for tensor in dict.fromkeys(
            storage[t] for call in layer.calls for t in call.operands if t >= 0
        ):
            data = graph.tensor(tensor).data
            if data is not None:
                name = _constant_name(tensor)
                found[name] = Constant(name, data.reshape(-1))
    return found


def _constant_name(tensor: int) -> str:
    return f"tensor{tensor}"


def _planned_tensor(tensor: Tensor, buffer: Buffer, offset: int) -> PlannedTensor:
    q = tensor.quantization
    return PlannedTensor(
        index=tensor.index,
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        bytes=buffer.size,
        offset=offset,
        first=buffer.first,
        last=buffer.last,
        scale=q.scale if q else None,
        zero_point=q.zero_point if q else None,
    )


def _planned_layer(
    graph: Graph, index: int, node: Node, layer: Layer, at: Mapping[int, int]
) -> PlannedLayer:
    output = graph.tensor(node.outputs[0])
    return PlannedLayer(
        index=index,
        op=node.op,
        name=output.name,
        nodes=(node.index,),
        kernel=layer.calls[-1].kernel,
        inputs=tuple(t for t in node.inputs if t in at),
        output=output.index,
        output_offset=at[output.index],
        output_bytes=output.bytes,
        output_shape=output.shape,
        macs=macs(graph, node),
        constant_bytes=sum(c.data.nbytes for c in layer.constants if not c.shared),
        scratch_bytes=layer.scratch,
    )
