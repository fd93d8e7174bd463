"""The `aot` compiler: an int8 graph in, a standalone C library out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

import edgeq
from edgeq.compile.arrangement import Arrangement, arrange
from edgeq.compile.identifiers import c_identifier
from edgeq.compile.layer import Constant, Layer
from edgeq.compile.memory.packing import Buffer
from edgeq.compile.memory.planner import lower_bound
from edgeq.compile.passes import repeat_passes, run_passes, total_macs
from edgeq.compile.placement import fast_constants
from edgeq.compile.source import Unit, library_files, port_record
from edgeq.compile.state import constant_bytes, find_states
from edgeq.compile.support import check_nodes, require_supported
from edgeq.compile.target import NATIVE, Target
from edgeq.core.errors import GateError
from edgeq.core.records import CompiledModel, Plan, PlannedLayer, PlannedTensor
from edgeq.core.units import short_name
from edgeq.graph.ir import Graph, Tensor
from edgeq.graph.ops import macs


def compile_graph(graph: Graph, *, name: str, target: Target = NATIVE) -> CompiledModel:
    """Compile `graph` to C.

    Args:
        name: of the model; it becomes a C identifier of at most 31 characters.
        target: the processor that the library is for, and what is asked of it.

    Raises:
        InputError: an operator of the graph is not supported.
        UsageError: there is no pass of an omitted name.
        GateError: a budget of RAM or flash that was asked for cannot be kept.
    """
    check_nodes(graph)
    nominal = total_macs(graph)
    graph, passes = run_passes(graph, target.options.omitted_passes, target)
    require_supported(graph)
    made = arrange(graph, target)
    layers, buffers, offsets = made.layers, made.buffers, made.offsets
    constants = _collect(graph, layers, made.storage)
    at = {t: offsets[root] for t, root in made.storage.items() if root in offsets}
    work = [sum(macs(graph, n) for n in nodes) for nodes in made.computed]
    taken = made.arena + sum(graph.tensor(t).bytes for t in graph.inputs)
    fast = fast_constants(layers, work, target, taken)
    plan = Plan(
        name=c_identifier(name),
        model_sha256=graph.sha256,
        model_bytes=graph.file_bytes,
        edgeq_version=edgeq.__version__,
        core=target.core,
        macs=nominal,
        arena_bytes=made.arena,
        arena_lower_bound=lower_bound(tuple(buffers.values()), made.permits),
        constant_bytes=sum(c.data.nbytes for c in constants.values())
        + constant_bytes(find_states(graph, at)),
        inputs=tuple(port_record(graph.tensor(t), at[t]) for t in graph.inputs),
        outputs=tuple(port_record(graph.tensor(t), at[t]) for t in graph.outputs),
        tensors=tuple(
            _planned_tensor(graph.tensor(t), b, offsets[t]) for t, b in buffers.items() if t >= 0
        ),
        layers=tuple(_planned_layer(graph, i, made, at) for i in range(len(layers))),
        fast_bytes=sum(fast.values()),
        notes=made.notes,
        options=target.options,
        passes=passes,
        computed_macs=total_macs(graph),
    )
    places: dict[int, int | str] = {t: _constant_name(root) for t, root in made.storage.items()}
    places |= at | {key: offset for key, offset in offsets.items() if key < 0}
    require_budget(plan)
    files, sources, hot = library_files(
        Unit(graph, plan, layers, constants, places, frozenset(fast))
    )
    files[f"{plan.name}.json"] = plan_json(plan)
    return CompiledModel(name=plan.name, plan=plan, files=files, sources=sources, hot_sources=hot)


def computed_graph(graph: Graph, plan: Plan) -> Graph:
    """Return the graph that the layers of `plan` compute: `graph` after the passes of the plan."""
    return repeat_passes(graph, plan.passes)


def require_budget(plan: Plan) -> None:
    """Check a plan against the budgets that were asked for.

    Raises:
        GateError: the arena is over, or the constants alone are.
    """
    options = plan.options
    if options.ram_bytes is not None and plan.arena_bytes > options.ram_bytes:
        raise GateError(
            f"the arena needs {plan.arena_bytes:,} bytes, {plan.arena_bytes - options.ram_bytes:,} "
            f"more than asked for; {_peak_words(plan)}",
            hint="make these tensors smaller in the model, or give it more RAM",
        )
    if options.flash_bytes is not None and plan.constant_bytes > options.flash_bytes:
        over = plan.constant_bytes - options.flash_bytes
        raise GateError(
            f"the constants take {plan.constant_bytes:,} bytes, {over:,} more than asked for",
            hint="use fewer weights, or give the model more flash",
        )


def _peak_words(plan: Plan) -> str:
    """Return which layer needs most, and the largest tensors that are alive there."""
    alive = {
        layer.index: [t for t in plan.tensors if t.first <= layer.index <= t.last]
        for layer in plan.layers
    }
    top = max(plan.layers, key=lambda x: x.scratch_bytes + sum(t.bytes for t in alive[x.index]))
    largest = sorted(alive[top.index], key=lambda t: -t.bytes)[:2]
    names = " and ".join(f"{short_name(t.name)} ({t.bytes:,} bytes)" for t in largest)
    return f"most at layer {top.index} ({top.op}), whose largest tensors are {names}"


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
                found[name] = Constant(name, _stored(data).reshape(-1))
    return found


def _stored(data: NDArray[Any]) -> NDArray[Any]:
    return data.view(np.int8) if data.dtype == np.bool_ else data


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
    graph: Graph, index: int, made: Arrangement, at: Mapping[int, int]
) -> PlannedLayer:
    node, layer = made.nodes[index], made.layers[index]
    output = graph.tensor(node.outputs[0])
    return PlannedLayer(
        index=index,
        op=node.op,
        name=output.name,
        nodes=tuple(n.index for n in made.computed[index]),
        kernel=layer.kernels[-1] if layer.kernels else layer.calls[-1].kernel,
        inputs=tuple(t for t in node.inputs if t in at),
        output=output.index,
        output_offset=at[output.index],
        output_bytes=output.bytes,
        output_shape=output.shape,
        macs=sum(macs(graph, n) for n in made.computed[index]),
        constant_bytes=sum(c.data.nbytes for c in layer.constants if not c.shared),
        scratch_bytes=layer.scratch,
        kernels=layer.kernels,
    )
