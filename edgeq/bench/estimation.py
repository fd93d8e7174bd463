"""What a model would take on a board, without building it and without the board.

Fit and sizes are the compiler's plan plus a base (`edgeq.firmware.fit`). Latency is

    seconds = instructions * cycles an instruction / clock

with instructions from the cost table (`edgeq.bench.costs`) and a range of cycles an instruction
from published results (`edgeq.bench.calibration`). docs/estimate.md says how far to trust it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from edgeq.bench.budget import add_battery, estimate_energy
from edgeq.bench.calibration import CoreCalibration, load_calibration
from edgeq.bench.costs import CoreCosts, Cost, UnknownKernelError, load_costs, model_cost
from edgeq.bench.requests import BatteryPlan
from edgeq.boards.profile import Board, Memory
from edgeq.compile import compile_graph
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.convert.child import Progress, quiet
from edgeq.convert.sketch import SKETCH_NOTE, is_source, sketch_model
from edgeq.core.errors import UsageError
from edgeq.core.records import (
    DEFAULT,
    BatteryRecord,
    CompiledModel,
    CompileOptions,
    Kind,
    Record,
    RegionUse,
)
from edgeq.firmware.fit import check_fit
from edgeq.graph.ir import Graph
from edgeq.graph.reader import read_model

# Two Thumb instructions of 16 bits share a fetch of 32 bits.
FETCHES_AN_INSTRUCTION = 0.5


class LatencyRange(Record, frozen=True, kw_only=True):
    """Seconds per inference: low <= typical <= high. `source` is what the range rests on."""

    low_s: float
    typical_s: float
    high_s: float
    source: str


class EnergyRange(Record, frozen=True, kw_only=True):
    """Joules per inference: low <= typical <= high. `source` is what the power rests on."""

    low_j: float
    typical_j: float
    high_j: float
    source: str


class EstimateRecord(Record, frozen=True, kw_only=True):
    """A model on a board, estimated.

    `flash` and `ram` are the regions of code and of data, how full the firmware would make them;
    None where the board has no such region or the model is not supported. `cycles` are modelled
    at zero wait states. `energy` is None where the profile has no supply current.
    """

    board_id: str
    core: str
    clock_hz: int
    model_name: str
    kind: Kind = "estimated"
    fits: bool
    problems: tuple[str, ...]
    flash: RegionUse | None = None
    ram: RegionUse | None = None
    instructions: int | None = None
    cycles: int | None = None
    latency: LatencyRange | None = None
    energy: EnergyRange | None = None
    battery: BatteryRecord | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cycles:
    """A range of cycles, and what is to be said about it."""

    low: float
    typical: float
    high: float
    source: str
    notes: tuple[str, ...] = ()

    def at(self, hertz: int) -> LatencyRange:
        """Return the seconds at a clock."""
        return LatencyRange(
            low_s=self.low / hertz,
            typical_s=self.typical / hertz,
            high_s=self.high / hertz,
            source=self.source,
        )


def estimate_model(
    model: Path,
    boards: Sequence[Board],
    *,
    battery: BatteryPlan | None = None,
    on_progress: Progress = quiet,
    options: CompileOptions = DEFAULT,
) -> tuple[EstimateRecord, ...]:
    """Estimate a model file on every board, and how long a battery would last there.

    A .tflite is taken as it is. A .keras, an .h5 and a SavedModel, trained or not, are quantised
    with noise first, in a child process.
    """
    source = is_source(model)
    graph = sketch_model(model, on_progress=on_progress) if source else read_model(model)
    records = estimate_boards(graph, boards, (SKETCH_NOTE,) if source else (), options)
    return tuple(_add_energy(r, b, battery) for r, b in zip(records, boards, strict=True))


def estimate_boards(
    graph: Graph,
    boards: Sequence[Board],
    notes: Sequence[str] = (),
    options: CompileOptions = DEFAULT,
) -> tuple[EstimateRecord, ...]:
    """Estimate a model on every board; it is compiled once for each core."""
    supported = not unsupported_nodes(graph)
    targets = {board.core: Target.of(board.core, options) for board in boards}
    compiled = {
        target: compile_graph(graph, name=graph.name, target=target)
        for target in set(targets.values())
        if supported
    }
    return tuple(estimate_board(graph, compiled.get(targets[b.core]), b, notes) for b in boards)


def estimate_board(
    graph: Graph, compiled: CompiledModel | None, board: Board, notes: Sequence[str] = ()
) -> EstimateRecord:
    """Estimate one model on one board.

    Args:
        compiled: for the board's core; None where the compiler does not support the graph.
        notes: what is to be said beside the estimate's own notes.
    """
    verdict = check_fit(graph, compiled, board)
    cost, why = (None, ()) if compiled is None else find_cost(graph, compiled, board)
    cycles = None if cost is None else board_cycles(cost, board)
    return EstimateRecord(
        board_id=board.id,
        core=board.core.arch,
        clock_hz=board.clock_hz,
        model_name=verdict.model_name,
        fits=verdict.fits,
        problems=verdict.problems,
        flash=_find_use(verdict.regions, board.build.code_region),
        ram=_find_use(verdict.regions[::-1], board.build.data_region),
        instructions=cost.instructions if cost else None,
        cycles=cost.cycles if cost else None,
        latency=cycles.at(board.clock_hz) if cycles else None,
        notes=(*notes, *_left_out(board), *why, *(cycles.notes if cycles else ())),
    )


def _add_energy(record: EstimateRecord, board: Board, plan: BatteryPlan | None) -> EstimateRecord:
    """Return the estimate with its energy and battery life, or with why there is none."""
    seconds = record.latency
    energy = estimate_energy(board, seconds.typical_s) if seconds else None
    if seconds is None or energy is None:
        note = "battery life unknown: the latency or the profile's supply current is not known"
        return replace(record, notes=(*record.notes, note)) if plan else record
    joules = EnergyRange(
        low_j=energy.average_w * seconds.low_s,
        typical_j=energy.per_inference_j,
        high_j=energy.average_w * seconds.high_s,
        source=energy.source,
    )
    record = replace(record, energy=joules)
    if plan is None:
        return record
    try:
        life = add_battery(energy, board, plan, seconds.typical_s)
    except UsageError as error:
        return replace(record, notes=(*record.notes, f"battery life unknown: {error.cause}"))
    return replace(record, battery=life.battery, notes=(*record.notes, *life.warnings))


def _find_use(regions: Sequence[RegionUse], name: str) -> RegionUse | None:
    return next((use for use in regions if use.region == name), None)


def _left_out(board: Board) -> tuple[str, ...]:
    sdk = board.kind == "mcu" and not board.build.template
    return (
        *(("flash and RAM without what the maker's SDK takes",) if sdk else ()),
        *((f"latency of the core without its {board.core.npu}",) if board.core.npu else ()),
    )


def find_cost(
    graph: Graph, compiled: CompiledModel, board: Board
) -> tuple[Cost | None, tuple[str, ...]]:
    """Return the cost on the board's core, or None and why it is not known."""
    arch = board.core.arch
    if board.clock_hz <= 0:
        return None, ("latency unknown: the profile states no clock",)
    known = load_calibration().cores.get(arch)
    costs = load_costs().cores.get(known.counts) if known else None
    if costs is None:
        return None, (f"latency unknown: no table for {arch}",)
    if missing := [name for name in costs.extensions if not getattr(board.core, name)]:
        return None, (f"latency unknown: no table for {arch} without {', '.join(missing)}",)
    try:
        cost = model_cost(graph, compiled.plan, costs)
    except UnknownKernelError as error:
        return None, (f"latency unknown: the cost table has no kernel {error}",)
    note = "counted like other kernels of their operators, so the range is wide: "
    return cost, (note + ", ".join(cost.guessed),) if cost.guessed else ()


def board_cycles(cost: Cost, board: Board) -> Cycles:
    """Return the cycles of an inference on a board of a core that the calibration knows."""
    known = load_calibration().cores[board.core.arch]
    costs = load_costs().cores[known.counts]
    if board.kind == "virtual":
        return _virtual_cycles(cost, board, costs)
    code = next((r for r in board.memory if r.name == board.build.code_region), None)
    return silicon_cycles(cost, known, code, _floor(cost, costs))


def _virtual_cycles(cost: Cost, board: Board, costs: CoreCosts) -> Cycles:
    """A virtual board's time is its own modelled cycles, or, in QEMU, its instructions."""
    modelled = cost.cycles if board.flash.method != "qemu" else None
    count = cost.instructions if modelled is None else modelled
    source = "one cycle an instruction" if modelled is None else costs.cycles_source
    margin = 1 + cost.tolerance
    return Cycles(count / margin, count, count * margin, source)


def _floor(cost: Cost, costs: CoreCosts) -> float:
    """Return the least cycles that the core's manual allows; 0 where Arm publishes no table."""
    published = costs.cycles_source.startswith("Arm")
    return float(cost.cycles) if published and cost.cycles is not None else 0.0


def silicon_cycles(
    cost: Cost, known: CoreCalibration, code: Memory | None, floor: float = 0.0
) -> Cycles:
    """Return the range of cycles of `cost` on a core, its code in the region `code`.

    The range of the published rows is widened by what the count itself may be off. It never goes
    below `floor`. Code in flash that is not cached may wait for every fetch: then the upper end
    is at least one wait for each fetch, and the typical value the geometric middle.
    """
    count, margin = cost.instructions, 1 + cost.tolerance
    low = max(known.low * count, floor) / margin
    typical = max(known.typical * count, floor)
    high = max(known.high * count, floor) * margin
    notes = []
    if typical == floor:
        notes.append("the modelled zero-wait-state cycles: the published ratio would be below them")
    waits = code.wait_states if code else 0
    bare = typical + waits * FETCHES_AN_INSTRUCTION * count
    if waits and code is not None and not code.cached:
        notes.append(f"code in flash with {waits} wait states and no cache: the range is wide")
        typical, high = math.sqrt(typical * bare), max(high, bare)
    if known.basis == "proxy":
        high = max(high, bare)
        notes.append("no engine of known code is published for this core")
    if known.basis == "assumed":
        notes.append("no published result for this core: the range is wide")
    return Cycles(low, typical, high, f"{known.basis}: {known.source}", tuple(notes))
