"""Validation: board against oracle, byte for byte, down to the first diverging layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.bench.inputs import ModelInput, as_arrays
from edgeq.bench.measurement import read_ports, write_ports
from edgeq.bench.oracles import Outputs
from edgeq.core.records import MismatchRecord, Plan, PlannedLayer
from edgeq.device.session import BoardSession
from edgeq.graph.ir import DTYPES, Graph

EXAMPLES = 8


def run_inputs(
    session: BoardSession,
    inputs: Sequence[ModelInput],
    on_progress: Callable[[float], None] = lambda share: None,
) -> list[Outputs]:
    """Run every input on the board once and return its outputs."""
    outputs = []
    for done, item in enumerate(inputs, start=1):
        write_ports(session, item)
        session.invoke(0, 1)
        outputs.append(read_ports(session))
        on_progress(done / len(inputs))
    return outputs


def find_divergence(
    session: BoardSession,
    graph: Graph,
    plan: Plan,
    item: ModelInput,
    earlier: Sequence[ModelInput] = (),
) -> MismatchRecord | None:
    """Return the first layer whose output differs from the oracle's, None where none does.

    Layers are compared with the oracle on the graph that they compute: `graph` after the compiler's
    passes. The session must be one with a traced firmware.

    Args:
        session: of the board.
        graph: as the file has it.
        plan: of the library.
        item: the input that gave other outputs.
        earlier: the inputs before it, which a model that keeps state has to see too.
    """
    from edgeq.compile import computed_graph
    from edgeq.graph.oracle import Oracle

    graph = computed_graph(graph, plan)
    oracle = Oracle(graph)
    run_inputs(session, earlier)
    for before in earlier:
        oracle.run(as_arrays(plan.inputs, before))
    write_ports(session, item)
    traces = session.trace(with_bytes=True)
    expected = oracle.run(as_arrays(plan.inputs, item), keep=True).tensors
    for layer, trace in zip(plan.layers, traces, strict=True):
        dtype = DTYPES[graph.tensor(layer.output).dtype]
        wanted = np.ascontiguousarray(expected[layer.output], dtype).reshape(-1)
        got = np.frombuffer(trace.data or b"", dtype)
        if got.tobytes() != wanted.tobytes():
            return _mismatch(item, layer, got, wanted)
    return None


def _mismatch(
    item: ModelInput, layer: PlannedLayer, got: NDArray[Any], wanted: NDArray[Any]
) -> MismatchRecord:
    differing = np.flatnonzero(got != wanted)
    return MismatchRecord(
        input=item.name,
        layer=layer.index,
        layer_name=layer.name,
        op=layer.op,
        differing=len(differing),
        elements=wanted.size,
        examples=tuple((int(i), int(got[i]), int(wanted[i])) for i in differing[:EXAMPLES]),
    )
