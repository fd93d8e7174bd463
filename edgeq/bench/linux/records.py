"""The runner's answer as the record that every board gives."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.bench.latency import explain_latency, summarise_latency
from edgeq.bench.linux.layers import layer_records
from edgeq.bench.linux.outputs import Expected, compare_outputs
from edgeq.bench.linux.processors import describe_processor
from edgeq.bench.linux.throttling import find_throttling, host_state
from edgeq.boards.profile import Board
from edgeq.core.records import (
    BoardRecord,
    EngineRecord,
    HostRecord,
    LayerRecord,
    MemoryRecord,
    ModelRecord,
    OutputRecord,
    Result,
    ScalingRecord,
)
from edgeq.device.linux.replies import Facts, Reply, Timing
from edgeq.graph.ir import Graph

ARM = ("aarch64", "arm")
STEADY = "performance"


def build_result(
    *,
    graph: Graph,
    board: Board,
    reply: Reply,
    expected: Sequence[Expected],
    xnnpack: bool,
    layers: bool,
) -> Result:
    """Put the record of one benchmark together."""
    operators = layer_records(graph, reply)
    output = compare_outputs(graph, reply.output_bytes(), expected)
    host = host_record(reply, operators, xnnpack=xnnpack)
    seconds = reply.timings[0].seconds
    return Result(
        model=ModelRecord(
            name=graph.name,
            sha256=graph.sha256,
            bytes=graph.file_bytes,
            macs=sum(layer.macs for layer in operators),
        ),
        board=_board_record(board, reply.facts),
        engine=EngineRecord(
            name=reply.runtime,
            version=reply.runtime_version,
            options={"threads": host.threads, "xnnpack": xnnpack},
        ),
        latency=summarise_latency(seconds, "measured"),
        memory=_memory_record(graph, reply),
        energy=None,
        output=output,
        layers=operators if layers else (),
        host=host,
        warnings=(*_warnings(board, reply, host, output, layers), *explain_latency(seconds)),
    )


def host_record(reply: Reply, operators: Sequence[LayerRecord], *, xnnpack: bool) -> HostRecord:
    """Return the machine, its settings and its state."""
    facts, processor = reply.facts, describe_processor(reply.facts)
    flags = [layer.delegated for layer in operators if layer.delegated is not None]
    return HostRecord(
        machine=" ".join(filter(None, (facts.model, facts.machine))),
        cpu=processor.name,
        features=processor.features,
        cpus=facts.cpus,
        kernel=facts.kernel,
        python=facts.python,
        runtime=reply.runtime,
        runtime_version=reply.runtime_version,
        threads=reply.timings[0].threads,
        xnnpack=xnnpack,
        cold_start_s=reply.cold_start_s,
        load_s=reply.load_s,
        first_inference_s=reply.first_inference_s,
        before=host_state(reply.before),
        after=host_state(reply.after),
        valid=not find_throttling(reply.before, reply.after),
        operators=len(operators),
        delegated=None if reply.nodes is None else sum(flags),
        scaling=tuple(_scaling(timing) for timing in reply.timings),
    )


def _scaling(timing: Timing) -> ScalingRecord:
    latency = summarise_latency(timing.seconds, "measured")
    return ScalingRecord(threads=timing.threads, median_s=latency.median_s, p95_s=latency.p95_s)


def _board_record(board: Board, facts: Facts) -> BoardRecord:
    local = board.core.arch == "native"
    return BoardRecord(
        id=board.id,
        core=facts.machine if local else board.core.arch,
        clock_hz=(describe_processor(facts).clock_hz if local else None) or board.clock_hz,
        kind="linux",
        verified=board.verified,
    )


def _memory_record(graph: Graph, reply: Reply) -> MemoryRecord:
    """Return what the model costs there: its file, and how much the process grew by running it."""
    constants = sum(tensor.bytes for tensor in graph.tensors if tensor.is_constant)
    peak, before = reply.peak_rss_bytes, reply.resident_bytes
    return MemoryRecord(
        flash_bytes=graph.file_bytes,
        code_bytes=0,
        constant_bytes=constants,
        ram_bytes=max(0, peak - before) if peak is not None and before is not None else 0,
        arena_bytes=0,
        static_bytes=0,
        stack_bytes=0,
        image_bytes=graph.file_bytes,
        peak_rss_bytes=peak,
    )


def _warnings(
    board: Board, reply: Reply, host: HostRecord, output: OutputRecord, layers: bool
) -> tuple[str, ...]:
    facts, notes = reply.facts, []
    reasons = find_throttling(reply.before, reply.after)
    if reasons:
        notes.append(f"INVALID: the machine was slowed during the runs: {', '.join(reasons)}")
    if facts.model and board.core.arch != "native" and not _is_model(board.name, facts.model):
        notes.append(f"the machine calls itself {facts.model!r}, not {board.name!r}")
    if board.core.arch.startswith("cortex-a") and not facts.machine.startswith(ARM):
        notes.append(f"the machine is {facts.machine}, no {board.core.arch}: is it emulated?")
    if host.before.governor not in (None, STEADY):
        notes.append(
            f"the governor is {host.before.governor!r}: the clock may change between runs; "
            "'performance' is steady"
        )
    if host.xnnpack and host.delegated == 0:
        notes.append("XNNPACK runs none of the operators: all of them are built-in kernels")
    if layers and reply.prefixes is None:
        notes.append("the operators were not timed: that would have taken too long")
    if reply.timings[0].batch > 1:
        notes.append(f"each run is the mean of {reply.timings[0].batch} inferences back to back")
    notes += [
        f"{gap.differing} of {gap.elements} output elements differ from {gap.oracle}, "
        f"by at most {gap.maximum:g}"
        for gap in output.differences
        if gap.differing
    ]
    return tuple(notes)


def _is_model(board: str, model: str) -> bool:
    """Whether every word of the board's name stands in what the machine calls itself."""
    said = model.lower().split()
    return all(word in said for word in board.lower().split())
