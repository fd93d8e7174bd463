"""What a model costs on a board: linked sizes, and a run where the board is virtual."""

from __future__ import annotations

from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.records import CompileOptions
from edgeq.tuning.records import Costs

RUNS = 1


def find_costs(
    model: Path, board: Board, folder: Path, *, options: CompileOptions, toolchain: str | None
) -> Costs:
    """Compile and link `model` for the board; run it where the board is virtual, else estimate.

    Raises:
        GateError: the model does not fit the board.
        ToolchainError: an operator that no kernel computes, or a build that failed.
    """
    from edgeq.bench.estimation import estimate_board
    from edgeq.bench.inputs import generate_input
    from edgeq.bench.preparation import prepare
    from edgeq.bench.runs import run_bench

    ready = prepare(model, board, folder, toolchain=toolchain, options=options)
    if board.kind == "virtual":
        item = generate_input(ready.compiled.plan.inputs, 1)
        result = run_bench(ready, item, runs=RUNS, warmup=0, layers=False)
        return Costs(
            flash_bytes=result.memory.flash_bytes,
            ram_bytes=result.memory.ram_bytes,
            latency_s=result.latency.median_s,
            kind=result.latency.kind,
            bit_exact=result.output.bit_exact,
        )
    record = estimate_board(ready.graph, ready.compiled, board)
    sizes = ready.image.sizes
    return Costs(
        flash_bytes=sizes.flash_bytes,
        ram_bytes=sizes.static_bytes + sizes.arena_bytes,
        latency_s=record.latency.typical_s if record.latency else None,
        kind="estimated",
    )
