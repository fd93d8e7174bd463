"""Measure one model on one board over its link: the record that every board gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from edgeq import __version__
from edgeq.bench.inputs import ModelInput
from edgeq.bench.latency import explain_latency, summarise_latency
from edgeq.bench.oracles import Outputs, checksum
from edgeq.bench.statistics import count_warmup
from edgeq.boards.profile import Board
from edgeq.core.records import (
    BoardRecord,
    EngineRecord,
    FirmwareImage,
    Kind,
    LatencyRecord,
    LayerRecord,
    MemoryRecord,
    ModelRecord,
    OutputRecord,
    Plan,
    Result,
    SizeRecord,
)
from edgeq.device.session import BoardSession, Counters
from edgeq.device.virtual.launch import qemu_instructions

# Which counter gives the time, most direct first.
TIME_COUNTERS = ("ns", "ticks", "cycles", "instructions")


@dataclass(frozen=True, slots=True)
class Measurement:
    """Raw numbers of one board session: one `Counters` a run, the outputs, the stack mark."""

    samples: tuple[Counters, ...]
    overhead: Counters
    outputs: Outputs
    stack_bytes: int


def measure(session: BoardSession, item: ModelInput, *, runs: int, warmup: int) -> Measurement:
    """Run `item` on the board: `warmup` unmeasured inferences, then `runs` measured ones."""
    write_ports(session, item)
    session.reset_stack()
    samples = session.invoke(warmup, runs)
    stats = session.stats()
    return Measurement(
        samples=tuple(samples),
        overhead=stats.overhead,
        outputs=read_ports(session),
        stack_bytes=stats.stack_high_water,
    )


def write_ports(session: BoardSession, item: ModelInput) -> None:
    """Write every input of the model."""
    for port, raw in enumerate(item.ports):
        session.write_input(port, raw)


def read_ports(session: BoardSession) -> Outputs:
    """Read every output of the model."""
    return tuple(session.read_output(port) for port in range(len(session.hello.output_bytes)))


def net_counts(board: Board, sample: Counters, overhead: Counters) -> Counters:
    """Return the counters of one run without the cost of reading them.

    QEMU's clock goes a fixed time forward for each instruction, so its ticks are instructions.
    """
    counts = {name: max(0, value - overhead.get(name, 0)) for name, value in sample.items()}
    if board.flash.method == "qemu" and board.timer is not None:
        (ticks,) = counts.values()
        return {"instructions": qemu_instructions(ticks, board.timer.hz)}
    return counts


def seconds_of(board: Board, counts: Counters, frequency_hz: int) -> float:
    """Return how long `counts` took, by the most direct counter that there is.

    Args:
        frequency_hz: of the board's own timer.
    """
    counter = next(n for n in TIME_COUNTERS if n in counts)
    hertz = board.clock_hz if counter in ("cycles", "instructions") else frequency_hz
    return counts[counter] / hertz


def latency_record(measured: Measurement, board: Board, frequency_hz: int) -> LatencyRecord:
    """Turn raw counters into seconds, and say what kind of number they are.

    A virtual board counts instructions exactly; its seconds are `estimated`, from modelled cycles
    at the profile's clock, or from one cycle an instruction where no cycles are modelled.
    """
    samples = net_samples(measured, board)
    seconds = [seconds_of(board, s, frequency_hz) for s in samples]
    steady = samples[count_warmup(seconds) :]
    kind: Kind = "estimated" if board.kind == "virtual" else "measured"

    def median_of(name: str) -> int | None:
        return round(median(s[name] for s in steady)) if name in steady[0] else None

    cycles = median_of("cycles")
    return summarise_latency(
        seconds,
        kind,
        instructions=median_of("instructions"),
        cycles=cycles,
        cycles_source=None if kind == "measured" else cycle_source(board, cycles),
    )


def net_samples(measured: Measurement, board: Board) -> list[Counters]:
    """Return the counters of each run without the cost of reading them."""
    return [net_counts(board, sample, measured.overhead) for sample in measured.samples]


def cycle_source(board: Board, cycles: int | None) -> str:
    """Return what a virtual board's seconds rest on: its core's table, or instructions alone."""
    from edgeq.device.virtual.cycles import cycle_table

    return "one cycle an instruction" if cycles is None else cycle_table(board.core.arch).source


def layer_records(
    plan: Plan, board: Board, traced: Sequence[Counters], overhead: Counters, frequency_hz: int
) -> tuple[LayerRecord, ...]:
    """Return the cost of each layer from the counters of a traced run."""
    counts = [net_counts(board, t, overhead) for t in traced]
    return tuple(
        LayerRecord(
            index=layer.index,
            op=layer.op,
            name=layer.name,
            macs=layer.macs,
            instructions=cost.get("instructions"),
            cycles=cost.get("cycles"),
            time_s=seconds_of(board, cost, frequency_hz),
        )
        for layer, cost in zip(plan.layers, counts, strict=True)
    )


def build_result(
    *,
    plan: Plan,
    board: Board,
    image: FirmwareImage,
    measured: Measurement,
    frequency_hz: int,
    layers: tuple[LayerRecord, ...],
    expected: Outputs | None,
    oracle: str,
) -> Result:
    """Put the record of one benchmark together."""
    seconds = [seconds_of(board, s, frequency_hz) for s in net_samples(measured, board)]
    return Result(
        model=ModelRecord(
            name=plan.name, sha256=plan.model_sha256, bytes=plan.model_bytes, macs=plan.macs
        ),
        board=BoardRecord(
            id=board.id,
            core=board.core.arch,
            clock_hz=board.clock_hz,
            kind=board.kind,
            verified=board.verified,
        ),
        engine=EngineRecord(
            name="aot", version=__version__, options={"toolchain": image.toolchain}
        ),
        latency=latency_record(measured, board, frequency_hz),
        memory=_memory_record(image.sizes, measured.stack_bytes),
        energy=None,
        output=OutputRecord(
            crc32=checksum(measured.outputs),
            bit_exact=None if expected is None else measured.outputs == expected,
            oracle=oracle if expected is not None else None,
        ),
        layers=layers,
        warnings=explain_latency(seconds),
    )


def _memory_record(sizes: SizeRecord, stack_bytes: int) -> MemoryRecord:
    return MemoryRecord(
        flash_bytes=sizes.flash_bytes,
        code_bytes=sizes.code_bytes,
        constant_bytes=sizes.constant_bytes,
        ram_bytes=sizes.arena_bytes + sizes.static_bytes + stack_bytes,
        arena_bytes=sizes.arena_bytes,
        static_bytes=sizes.static_bytes,
        stack_bytes=stack_bytes,
        image_bytes=sizes.image_bytes,
    )
