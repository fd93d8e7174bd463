"""One benchmark on a Linux board: the same record as of any other board."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeq.bench.budget import add_energy, refuse_unknown_currents
from edgeq.bench.inputs import ModelInput, generate_input
from edgeq.bench.linux.layers import DELEGATE
from edgeq.bench.linux.options import LinuxOptions, check_options
from edgeq.bench.linux.outputs import Expected
from edgeq.bench.linux.power import opened_power
from edgeq.bench.linux.records import build_result
from edgeq.bench.metering import meter_board
from edgeq.bench.oracles import EDGEQ_ORACLE, compute_outputs
from edgeq.bench.requests import BatteryPlan, MeterRequest
from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, EdgeqError, InputError
from edgeq.core.files import read_bytes
from edgeq.core.records import EnergyRecord, PortRecord, Result
from edgeq.device.linux.interpreters import Interpreter, find_interpreter, parse_python
from edgeq.device.linux.machine import HeldModel, LocalMachine, Machine, Runner, ask_runner
from edgeq.device.linux.replies import Reply, decode_reply
from edgeq.device.meters.trace import Meter
from edgeq.device.ssh import SshSession, parse_target
from edgeq.graph.ir import Graph
from edgeq.graph.prefixes import find_prefixes
from edgeq.graph.reader import read_graph
from edgeq.graph.verifier import MAX_FILE_BYTES

# Each part of the model runs at least so often and so long; all of them stop after the budget.
PROFILE = {"runs": 5, "each_s": 0.02, "budget_s": 60.0}
SYSTEM_PYTHON = ("python3",)
HINTS = {
    "no-runtime": "--install puts one into a private venv on the board",
    "broken-runtime": "tflite-runtime needs numpy < 2; --python names another Python",
    "no-resolver": "leave out --no-xnnpack, or use a newer runtime",
    "model": "does the same model run here? edgeq bench MODEL --board local",
    "failed": "does the same model run here? edgeq bench MODEL --board local",
    "died": "native code crashed there; try another runtime version with --python",
}

MAX_CONFIG = 1 << 20  # bytes of an ssh_config


@dataclass(frozen=True, slots=True)
class Job:
    """One model to measure: the file, its graph and its inputs."""

    path: Path
    data: bytes
    graph: Graph
    item: ModelInput
    ports: tuple[PortRecord, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how each model is measured."""

    machine: Machine
    found: Interpreter
    options: LinuxOptions
    runs: int
    warmup: int
    layers: bool


def run_linux(
    models: Sequence[Path],
    board: Board,
    options: LinuxOptions,
    *,
    seed: int = 1,
    runs: int = 10,
    warmup: int = 1,
    layers: bool = True,
    scaling: bool = False,
    meter: MeterRequest | None = None,
    battery: BatteryPlan | None = None,
) -> list[Result]:
    """Measure each model on one board in one session.

    Args:
        seed: of the byte generator that gives the inputs.
        layers: time each operator too.
        scaling: measure with all processors too.
        meter: measure energy with it; None estimates energy from the profile's figures.
        battery: work out how long this battery lasts.

    Raises:
        UsageError: the board needs a host or takes none, or the threads are no numbers to use.
        DeviceError: the board, its Python or its interpreter failed.
        InputError: a model is damaged, or the interpreter refused it.
    """
    check_options(board, options)
    refuse_unknown_currents(battery, board, meter)
    jobs = [read_job(path, seed) for path in models]
    with contextlib.ExitStack() as stack:
        machine, python = _open(board, options, stack)
        found = find_interpreter(machine, python, install=options.install)
        everything = (found.probe.facts.cpus,) if scaling else ()
        threads = tuple(dict.fromkeys((*options.threads, *everything)))
        bench = Bench(machine, found, replace(options, threads=threads), runs, warmup, layers)
        power = stack.enter_context(opened_power(meter, machine))
        measured = [_run_job(job, board, bench, power, meter) for job in jobs]
    return [add_energy(result, board, energy, battery) for result, energy in measured]


def read_job(path: Path, seed: int) -> Job:
    """Read and verify a model, and generate its inputs."""
    data = read_bytes(path, what="model", limit=MAX_FILE_BYTES)
    graph = read_graph(data, path.name)
    ports = tuple(_port(graph, index) for index in graph.inputs)
    return Job(path, data, graph, generate_input(ports, seed), ports)


def _port(graph: Graph, index: int) -> PortRecord:
    tensor = graph.tensor(index)
    return PortRecord(
        name=tensor.name, tensor=index, shape=tensor.shape, dtype=tensor.dtype, bytes=tensor.bytes,
        offset=0,
    )  # fmt: skip


def _open(
    board: Board, options: LinuxOptions, stack: contextlib.ExitStack
) -> tuple[Machine, list[tuple[str, ...]]]:
    """Return the machine, and the Pythons to try on it."""
    given = [parse_python(options.python)] if options.python else []
    if board.link.kind != "ssh":
        local = LocalMachine()
        return local, given or [local.python]
    target = parse_target(options.host or "", config=options.ssh_config)
    if options.ssh_config is not None:  # a device would have ssh read without end
        read_bytes(options.ssh_config, what="ssh_config", limit=MAX_CONFIG)
    return stack.enter_context(SshSession(target)), given or [SYSTEM_PYTHON]


def _run_job(
    job: Job, board: Board, bench: Bench, power: Meter | None, meter: MeterRequest | None
) -> tuple[Result, EnergyRecord | None]:
    """Measure a model, and then its energy where there is a meter."""
    path = bench.machine.put(job.path, "model.tflite")
    result = _measure(job, board, bench, path)
    energy = _meter(job, board, bench, path, power, meter) if meter and power else None
    return result, energy


def _measure(job: Job, board: Board, bench: Bench, path: str) -> Result:
    options = bench.options
    request = _request(job, bench.found, path)
    request |= {"runs": bench.runs, "warmup": bench.warmup, "threads": list(options.threads)}
    request |= {"xnnpack": options.xnnpack}
    if bench.layers and job.graph.nodes:
        cut = find_prefixes(job.data, job.graph)._asdict()
        request["cut"] = cut | PROFILE
    reply = _ask(bench.machine, bench.found, request, job, options.timeout_s)
    return build_result(
        graph=job.graph,
        board=board,
        reply=reply,
        expected=_expect(job, reply, board, options.timeout_s),
        xnnpack=options.xnnpack,
        layers=bench.layers,
    )


def _meter(
    job: Job, board: Board, bench: Bench, path: str, power: Meter, asked: MeterRequest
) -> EnergyRecord:
    """Measure the energy of the model, which stays loaded for it."""
    request = _request(job, bench.found, path) | {"verb": "hold"}
    request |= {"threads": list(bench.options.threads[:1]), "xnnpack": bench.options.xnnpack}
    with Runner(bench.machine, bench.found.argv) as runner:
        runner.ask(request, timeout_s=bench.options.timeout_s)
        return meter_board(HeldModel(runner), power, asked, board)


def _request(job: Job, found: Interpreter, path: str) -> dict[str, Any]:
    inputs = [base64.b64encode(raw).decode() for raw in job.item.ports]
    return {
        "verb": "bench",
        "python": list(found.python),
        "model": path,
        "inputs": inputs,
        "cut": None,
    }


def _ask(
    machine: Machine, found: Interpreter, request: dict[str, Any], job: Job, timeout_s: float
) -> Reply:
    reply = decode_reply(ask_runner(machine, found.argv, request, timeout_s=timeout_s))
    if isinstance(reply, Reply):
        _check_reply(reply, request, job, machine)
        return reply
    cause = f"{machine.name}, {found.probe.runtime} {found.probe.runtime_version}: {reply.detail}"
    hint = HINTS.get(reply.refused, "run it again")
    if reply.refused == "model":
        raise InputError(f"{job.path.name}: {cause}", hint=hint)
    raise DeviceError(cause, hint=hint)


def _check_reply(reply: Reply, request: dict[str, Any], job: Job, machine: Machine) -> None:
    """Raise DeviceError where the answer is not to this request."""
    sizes = [job.graph.tensor(index).bytes for index in job.graph.outputs]
    asked = [request["threads"], [request["runs"]] * len(reply.timings), sizes]
    given = [
        [t.threads for t in reply.timings],
        [len(t.spans_ns) for t in reply.timings],
        [len(raw) for raw in reply.output_bytes()],
    ]
    if asked != given:
        raise DeviceError(
            f"{machine.name}: the answer does not fit what was asked",
            hint="is another program in the place of its Python?",
        )


def _expect(job: Job, reply: Reply, board: Board, timeout_s: float) -> list[Expected]:
    """Return what this computer's interpreter and edgeq's own oracle give for the same inputs.

    The interpreter here runs the kernels that ran there, or on this computer the other ones.
    """
    delegated = any(node.op == DELEGATE for node in reply.nodes or ())
    xnnpack = delegated if board.link.kind == "ssh" else not delegated
    expected = []
    # Not every operator is everywhere: what cannot be computed is not compared.
    with contextlib.suppress(EdgeqError):
        expected.append(_run_here(job, xnnpack, timeout_s))
    with contextlib.suppress(EdgeqError):
        expected.append(_run_oracle(job))
    return expected


def _run_here(job: Job, xnnpack: bool, timeout_s: float) -> Expected:
    machine = LocalMachine()
    found = find_interpreter(machine, [machine.python])
    request = _request(job, found, machine.put(job.path, job.path.name))
    request |= {"runs": 1, "warmup": 0, "threads": [1], "xnnpack": xnnpack}
    reply = _ask(machine, found, request, job, timeout_s)
    kernels = "XNNPACK" if xnnpack else "built-in kernels"
    return Expected(
        f"{reply.runtime} {reply.runtime_version} on this computer, {kernels}",
        reply.output_bytes(),
    )


def _run_oracle(job: Job) -> Expected:
    return Expected(EDGEQ_ORACLE, compute_outputs(job.graph, job.ports, [job.item])[0])
