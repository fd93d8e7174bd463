"""Whether a model fits a board, before anything is built: region by region, an estimate."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from edgeq.boards.profile import Board
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import HARNESS_RAM_BYTES
from edgeq.core.errors import GateError, UsageError
from edgeq.core.records import (
    CompiledModel,
    CompileOptions,
    FirmwareImage,
    Kind,
    Plan,
    PlannedTensor,
    Record,
    RegionUse,
)
from edgeq.core.units import format_bytes, short_name
from edgeq.graph.ir import Graph

# What the firmware needs beside the model, rounded up from images of the bare-metal template
# (3.0 to 3.4 KiB, 2.1 KiB): start-up code, link and framing; their buffers.
BASE_FLASH_BYTES = 4 << 10
# Code of the kernels for each of their files; calls and parameters for each layer. Rounded up from
# images by zig for Cortex-M cores, of 3 to 7 files (430 to 700 B each) and 5 to 30 layers.
KERNEL_BYTES = 750
LAYER_BYTES = 80
LARGEST = 5


class FitReport(Record, frozen=True, kw_only=True):
    """What a model needs of a board's regions; `largest` are the tensors alive at the peak.

    An unsupported model has problems and no regions.
    """

    board_id: str
    model_name: str
    fits: bool
    kind: Kind
    regions: tuple[RegionUse, ...]
    problems: tuple[str, ...]
    arena_bytes: int
    largest: tuple[PlannedTensor, ...]


def check_fit(graph: Graph, compiled: CompiledModel | None, board: Board) -> FitReport:
    """Estimate flash and RAM of the firmware for `board`; one without regions takes any model.

    Args:
        compiled: None where the compiler does not support the graph.
    """
    if compiled is None:
        return _report(board, graph.name, (), tuple(_unsupported(graph)), None)
    plan = compiled.plan
    needs = {"flash": _flash_bytes(compiled), "ram": _ram_bytes(plan, board)}
    regions = tuple(use for kind, used in needs.items() if (use := _use(board, kind, used)))
    problems = tuple(_shortage(r, plan) for r in regions if r.used > r.size)
    return _report(board, plan.name, regions, problems, plan)


def require_flash(image: FirmwareImage, options: CompileOptions) -> None:
    """Check that the linked model keeps to the budget of flash that was asked for.

    Raises:
        GateError: it is over.
    """
    used, budget = image.sizes.flash_bytes, options.flash_bytes
    if budget is not None and used > budget:
        raise GateError(
            f"the model takes {used:,} bytes of flash, {used - budget:,} more than asked for",
            hint="--optimize flash takes the smallest kernels",
        )


def shrink_board(board: Board, *, flash: int | None, ram: int | None) -> Board:
    """Return the board with at most so many bytes in the regions of its code and its data.

    Raises:
        UsageError: the board has no such region that a limit could be of.
    """
    sizes = {board.build.code_region: flash, board.build.data_region: ram}
    limits = {name: size for name, size in sizes.items() if size is not None}
    if not limits:
        return board
    missing = limits.keys() - {region.name for region in board.memory}
    if missing:
        raise UsageError(
            f"board {board.id} has no memory regions to limit",
            hint="leave out flash and ram, or choose a microcontroller",
        )
    memory = tuple(
        msgspec.structs.replace(region, size=min(region.size, limits.get(region.name, region.size)))
        for region in board.memory
    )
    return msgspec.structs.replace(board, memory=memory)


def _report(
    board: Board,
    name: str,
    regions: tuple[RegionUse, ...],
    problems: tuple[str, ...],
    plan: Plan | None,
) -> FitReport:
    return FitReport(
        board_id=board.id,
        model_name=name,
        fits=not problems,
        kind="estimated",
        regions=regions,
        problems=problems,
        arena_bytes=plan.arena_bytes if plan else 0,
        largest=largest_at_peak(plan) if plan else (),
    )


def _unsupported(graph: Graph) -> Iterator[str]:
    return map(str, unsupported_nodes(graph))


def _flash_bytes(compiled: CompiledModel) -> int:
    plan = compiled.plan
    code = KERNEL_BYTES * len(compiled.sources) + LAYER_BYTES * len(plan.layers)
    return BASE_FLASH_BYTES + code + plan.constant_bytes


def _ram_bytes(plan: Plan, board: Board) -> int:
    inputs = sum(p.bytes for p in plan.inputs)  # the link keeps a copy of the inputs
    return HARNESS_RAM_BYTES + board.build.stack_bytes + plan.arena_bytes + inputs


def _use(board: Board, kind: str, used: int) -> RegionUse | None:
    name = board.build.code_region if kind == "flash" else board.build.data_region
    region = next((r for r in board.memory if r.name == name), None)
    if region is None:
        return None
    return RegionUse(region=name, start=region.start, size=region.size, used=used)


def _shortage(use: RegionUse, plan: Plan) -> str:
    short = f"{use.region} is {format_bytes(use.used - use.size)} short"
    need = f"needs about {format_bytes(use.used)} of {format_bytes(use.size)}"
    largest = largest_at_peak(plan)
    if largest and use.used - plan.arena_bytes <= use.size:
        names = ", ".join(f"{short_name(t.name)} ({format_bytes(t.bytes)})" for t in largest[:2])
        return f"{short}: {need}; the largest tensors at the peak are {names}"
    return f"{short}: {need}"


def largest_at_peak(plan: Plan) -> tuple[PlannedTensor, ...]:
    """Return the tensors alive where the arena reaches highest, the biggest first."""
    alive = [tuple(t for t in plan.tensors if t.first <= i <= t.last) for i in _steps(plan)]
    peak = max(alive, key=_top, default=())
    return tuple(sorted(peak, key=lambda t: -t.bytes)[:LARGEST])


def _top(tensors: tuple[PlannedTensor, ...]) -> tuple[int, int]:
    """Return where tensors end that lie together, and their bytes."""
    return max((t.offset + t.bytes for t in tensors), default=0), sum(t.bytes for t in tensors)


def _steps(plan: Plan) -> range:
    return range(max(1, len(plan.layers)))
