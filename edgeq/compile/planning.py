"""The plan of a library: what it is made of, what lies where, what each layer costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

import edgeq
from edgeq.compile.arrangement import Arrangement
from edgeq.compile.layer import Constant
from edgeq.compile.memory.packing import Buffer
from edgeq.compile.memory.planner import lower_bound
from edgeq.compile.passes import total_macs
from edgeq.compile.source import port_record
from edgeq.compile.state import constant_bytes, find_states
from edgeq.compile.target import Target
from edgeq.core.records import PassRecord, Plan, PlannedLayer, PlannedTensor
from edgeq.graph.ir import Graph, Tensor
from edgeq.graph.ops import macs as node_macs


def make_plan(
    graph: Graph,
    made: Arrangement,
    target: Target,
    constants: Mapping[str, Constant],
    fast: Mapping[str, int],
    *,
    name: str,
    macs: int,
    passes: tuple[PassRecord, ...],
) -> Plan:
    """Return the plan of a library: of `graph` as the `passes` left it.

    `fast` has the bytes of the arrays for fast memory; `macs` are those of the model in its file.
    """
    places = made.places
    arrays = sum(c.data.nbytes for c in constants.values())
    return Plan(
        name=name,
        model_sha256=graph.sha256,
        model_bytes=graph.file_bytes,
        edgeq_version=edgeq.__version__,
        core=target.core,
        macs=macs,
        arena_bytes=made.arena,
        arena_lower_bound=lower_bound(tuple(made.buffers.values()), made.permits),
        constant_bytes=arrays + constant_bytes(find_states(graph, places)),
        inputs=tuple(port_record(graph.tensor(t), places[t]) for t in graph.inputs),
        outputs=tuple(port_record(graph.tensor(t), places[t]) for t in graph.outputs),
        tensors=_planned_tensors(graph, made),
        layers=_planned_layers(graph, made),
        fast_bytes=sum(fast.values()),
        notes=made.notes,
        options=target.options,
        passes=passes,
        computed_macs=total_macs(graph),
    )


def layer_macs(graph: Graph, made: Arrangement) -> list[int]:
    """Return the multiply-accumulates of each layer."""
    return [sum(node_macs(graph, n) for n in nodes) for nodes in made.computed]


def plan_json(plan: Plan) -> str:
    """Return the plan as it is written beside the C."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode() + "\n"


def find_constants(graph: Graph, made: Arrangement) -> dict[str, Constant]:
    """Return every constant array by its C name, in order of first use."""
    found: dict[str, Constant] = {}
    for index, layer in enumerate(made.layers):
        for c in layer.constants:
            name = c.ref.in_layer(index)
            if name not in found or c.data.size > found[name].data.size:
                found[name] = c
        for tensor in dict.fromkeys(
            made.storage[t] for call in layer.calls for t in call.operands if t >= 0
        ):
            data = graph.tensor(tensor).data
            if data is not None:
                name = _constant_name(tensor)
                found[name] = Constant(name, _stored(data).reshape(-1))
    return found


def _stored(data: NDArray[Any]) -> NDArray[Any]:
    return data.view(np.int8) if data.dtype == np.bool_ else data


def unit_places(made: Arrangement) -> dict[int, int | str]:
    """Return the place of each tensor and scratch key: an offset in the arena, or an array."""
    scratch = {key: offset for key, offset in made.offsets.items() if key < 0}
    return {t: _constant_name(root) for t, root in made.storage.items()} | made.places | scratch


def _constant_name(tensor: int) -> str:
    return f"tensor{tensor}"


def _planned_tensors(graph: Graph, made: Arrangement) -> tuple[PlannedTensor, ...]:
    return tuple(
        _planned_tensor(graph.tensor(t), buffer, made.offsets[t])
        for t, buffer in made.buffers.items()
        if t >= 0
    )


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


def _planned_layers(graph: Graph, made: Arrangement) -> tuple[PlannedLayer, ...]:
    places, work = made.places, layer_macs(graph, made)
    return tuple(_planned_layer(graph, made, i, places, macs) for i, macs in enumerate(work))


def _planned_layer(
    graph: Graph, made: Arrangement, index: int, places: Mapping[int, int], macs: int
) -> PlannedLayer:
    node, layer = made.nodes[index], made.layers[index]
    output = graph.tensor(node.outputs[0])
    return PlannedLayer(
        index=index,
        op=node.op,
        name=output.name,
        nodes=tuple(n.index for n in made.computed[index]),
        kernel=layer.kernels[-1] if layer.kernels else layer.calls[-1].kernel,
        inputs=tuple(t for t in node.inputs if t in places),
        output=output.index,
        output_offset=places[output.index],
        output_bytes=output.bytes,
        output_shape=output.shape,
        macs=macs,
        constant_bytes=sum(c.data.nbytes for c in layer.constants if not c.shared),
        scratch_bytes=layer.scratch,
        kernels=layer.kernels,
        weight_bits=max((c.bits for c in layer.codings), default=None),
        weight_values=max((c.values for c in layer.codings), default=None),
        saved_bytes=sum(c.saved for c in layer.codings),
    )
