"""The `aot` compiler: an int8 graph in, a standalone C library out."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from edgeq.compile.arrangement import Arrangement, arrange
from edgeq.compile.identifiers import c_identifier
from edgeq.compile.lower.codes import NAME as CODEBOOKS
from edgeq.compile.passes import repeat_passes, run_passes, total_macs
from edgeq.compile.placement import fast_constants
from edgeq.compile.planning import find_constants, layer_macs, make_plan, plan_json, unit_places
from edgeq.compile.source import Unit, library_files
from edgeq.compile.support import check_nodes, require_supported
from edgeq.compile.target import NATIVE, Target
from edgeq.core.errors import GateError
from edgeq.core.records import CompiledModel, Plan
from edgeq.core.units import short_name
from edgeq.graph.ir import Graph


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
    made = _arrange_within(graph, target)
    constants = find_constants(graph, made)
    taken = made.arena + sum(graph.tensor(t).bytes for t in graph.inputs)
    fast = fast_constants(made.layers, layer_macs(graph, made), target, taken)
    plan = make_plan(
        graph, made, target, constants, fast,
        name=c_identifier(name), macs=nominal, passes=passes,
    )  # fmt: skip
    require_budget(plan)
    unit = Unit(graph, plan, made.layers, constants, unit_places(made), frozenset(fast))
    files, sources, hot = library_files(unit)
    files[f"{plan.name}.json"] = plan_json(plan)
    return CompiledModel(name=plan.name, plan=plan, files=files, sources=sources, hot_sources=hot)


def _arrange_within(graph: Graph, target: Target) -> Arrangement:
    """Return the arrangement; without codes of weights where decoding them breaks the budget."""
    made, options = arrange(graph, target), target.options
    room = target.room if options.ram_bytes is None else options.ram_bytes
    coded = any(layer.codings for layer in made.layers)
    if room is None or made.arena <= room or not coded:
        return made
    omitted = msgspec.structs.replace(options, omitted_passes=(*options.omitted_passes, CODEBOOKS))
    return min(made, arrange(graph, replace(target, options=omitted)), key=lambda a: a.arena)


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
