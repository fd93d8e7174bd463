"""Oracles: what computes the bytes that a board must give. One row each."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq.bench.inputs import ModelInput, as_arrays
from edgeq.core.errors import InputError, UsageError
from edgeq.core.installation import require
from edgeq.core.processes import python_argv, run
from edgeq.core.records import Plan, PortRecord
from edgeq.graph.ir import Graph

EDGEQ_ORACLE = "edgeq oracle (double rounding)"

Outputs = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Oracle:
    """`compute` returns, for each input, the bytes of each output of the model."""

    name: str
    compute: Callable[[Path, Graph, Plan, Sequence[ModelInput]], list[Outputs]]


def checksum(outputs: Outputs) -> str:
    """Return the CRC-32 (zlib) of all outputs one after the other, 8 hex digits."""
    return f"{zlib.crc32(b''.join(outputs)):08x}"


def compute_outputs(
    graph: Graph, ports: Sequence[PortRecord], inputs: Sequence[ModelInput]
) -> list[Outputs]:
    """Return what edgeq's own oracle gives for each input of a model with these `ports`."""
    from edgeq.graph.oracle import Oracle as Interpreter

    interpreter = Interpreter(graph)
    return [
        tuple(array.tobytes() for array in interpreter.run(as_arrays(ports, item)).outputs)
        for item in inputs
    ]


def _run_edgeq(path: Path, graph: Graph, plan: Plan, inputs: Sequence[ModelInput]) -> list[Outputs]:
    return compute_outputs(graph, plan.inputs, inputs)


def _run_tflite_micro(
    path: Path, graph: Graph, plan: Plan, inputs: Sequence[ModelInput]
) -> list[Outputs]:
    require("tflite-micro")
    job = {
        "model": str(path),
        "arena_bytes": 4 * sum(t.bytes for t in graph.tensors if not t.is_constant) + (1 << 20),
        "ports": [[list(p.shape), p.dtype] for p in plan.inputs],
        "outputs": len(plan.outputs),
        "inputs": [[base64.b64encode(raw).decode() for raw in item.ports] for item in inputs],
    }
    done = run(
        python_argv("edgeq.bench.tflite_micro_worker"),
        timeout_s=600,
        memory_bytes=8 << 30,
        stdin=json.dumps(job).encode(),
    )
    if done.returncode != 0:
        raise InputError(
            f"TensorFlow Lite Micro refused {path}: {done.stderr.strip().splitlines()[-1:]}",
            hint="compare with --oracle edgeq, which names the operator",
        )
    return [
        tuple(base64.b64decode(raw) for raw in outputs)
        for outputs in json.loads(done.stdout.splitlines()[-1])
    ]


ORACLES: dict[str, Oracle] = {
    "edgeq": Oracle(EDGEQ_ORACLE, _run_edgeq),
    "tflite-micro": Oracle("tflite_micro", _run_tflite_micro),
}


def find_oracle(name: str) -> Oracle:
    """Return the oracle called `name`; raise UsageError where there is none."""
    if name not in ORACLES:
        raise UsageError(f"no oracle {name!r}", hint=f"choose one of {', '.join(ORACLES)}")
    return ORACLES[name]
