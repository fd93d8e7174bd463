"""Fit the cost table of edgeq's kernels to what the virtual boards count, and write it.

    python benchmarks/fit_costs.py [--cores cortex-m4,...] [--check DIR]

Compiles models of many small layers (benchmarks/cost_models.py), traces them on the virtual board
of each core, and finds for each kernel the non-negative coefficients with the least squares of
relative errors. Run it whenever a kernel changed. `--check DIR` then compares the estimate of the
.tflite models in DIR, none of which was fitted, with their simulated counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from cost_models import cost_models
from numpy.typing import NDArray

from edgeq import api
from edgeq.bench.costs import (
    COSTS_FILE,
    EXTENSIONS,
    CoreCosts,
    Cost,
    CostTable,
    KernelCost,
    load_costs,
    model_cost,
)
from edgeq.bench.features import MEANING, Features, layer_features
from edgeq.bench.measurement import cycle_source
from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph, computed_graph
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.core.files import write_atomic
from edgeq.core.records import LayerRecord, Plan, Result
from edgeq.graph.ir import Graph
from edgeq.graph.reader import read_model
from edgeq.graph.writer import write_graph

# The virtual board that counts for each core.
BOARDS = {
    "cortex-m0plus": "virt-m0plus",
    "cortex-m3": "virt-m3",
    "cortex-m4": "virt-m4",
    "cortex-m7": "virt-m7",
    "cortex-m33": "virt-m33",
    "cortex-m55": "qemu-an547",
    "rv32imac": "qemu-riscv32",
}
DIGITS = 5
# What a kernel of few layers is fitted to, no more of these than layers.
FEW_LAYERS = 6
CHIEF = ("macs", "single_macs", "outputs", "calls", "pixels", "rows", "border_macs")
TOLERANCE = 1e-10
ROUNDS = 30  # of the fit, for each coefficient
Array = NDArray[np.float64]


class Counted(NamedTuple):
    """One layer: its operator and kernel, its features, what it cost."""

    op: str
    kernel: str
    features: Features
    cost: LayerRecord


def count_layers(board: Board, folder: Path) -> Iterator[tuple[Result, list[Counted]]]:
    """Trace every cost model on a board."""
    for graph, options in cost_models():
        path = folder / f"{graph.name}.tflite"
        path.write_bytes(write_graph(graph))
        result = api.bench(path, board=board.id, runs=1, warmup=0, options=options)
        compiled = compile_graph(graph, name=graph.name, target=Target.on(board, options))
        yield result, _pair(graph, compiled.plan, result)


def _pair(graph: Graph, plan: Plan, result: Result) -> list[Counted]:
    computed = computed_graph(graph, plan)
    return [
        Counted(layer.op, layer.kernel, layer_features(computed, layer), cost)
        for layer, cost in zip(plan.layers, result.layers, strict=True)
        if not layer.kernels  # a streamed group has several
    ]


def fit_kernel(rows: Sequence[Counted]) -> KernelCost:
    """Fit one kernel."""
    names = _telling(rows)
    matrix = np.array([[row.features.get(name, 0.0) for name in names] for row in rows])
    instructions = np.array([row.cost.instructions or 1 for row in rows], float)
    cycles = [row.cost.cycles for row in rows]
    found = least_squares(matrix, instructions)
    return KernelCost(
        ops=tuple(sorted({row.op for row in rows})),
        layers=len(rows),
        worst=round(float(np.abs(matrix @ found / instructions - 1).max()), 3),
        instructions=_named(names, found),
        cycles=None
        if None in cycles
        else _named(names, least_squares(matrix, np.array(cycles, float))),
    )


def _telling(rows: Sequence[Counted]) -> list[str]:
    """Return the features to fit, without those in proportion to one that comes before."""
    few = len(rows) < FEW_LAYERS
    found: dict[tuple[float, ...], str] = {}
    for name in CHIEF if few else MEANING:
        column = [row.features.get(name, 0.0) for row in rows]
        if any(column):
            found.setdefault(tuple(round(x / max(column), 9) for x in column), name)
    names = list(found.values())
    return sorted(names[: len(rows)] if few else names)


def _named(names: Sequence[str], values: Array) -> dict[str, float]:
    rounded = (float(f"{value:.{DIGITS}g}") for value in values)
    return {name: value for name, value in zip(names, rounded, strict=True) if value}


def least_squares(matrix: Array, wanted: Array) -> Array:
    """Return the x >= 0 that minimises the sum of (matrix @ x / wanted - 1)^2.

    By active sets: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.
    """
    scaled = matrix / wanted[:, None]
    size = np.linalg.norm(scaled, axis=0)
    scaled, target = scaled / np.where(size, size, 1), np.ones(len(wanted))
    x, free = np.zeros(matrix.shape[1]), np.zeros(matrix.shape[1], bool)
    for _ in range(ROUNDS * len(x)):
        slope = np.where(free, -np.inf, scaled.T @ (target - scaled @ x))
        if slope.max() <= TOLERANCE:
            break
        free[slope.argmax()] = True
        while (best := _solve(scaled, target, free))[free].min(initial=1) <= 0:
            negative = free & (best <= 0)
            x += (x[negative] / (x - best)[negative]).min() * (best - x)
            free &= x > TOLERANCE
            x[~free] = 0
        x = best
    return x / np.where(size, size, 1)


def _solve(matrix: Array, wanted: Array, free: NDArray[np.bool_]) -> Array:
    """Return the least-squares solution on the free columns, noughts on the others."""
    x = np.zeros(matrix.shape[1])
    x[free] = np.linalg.lstsq(matrix[:, free], wanted, rcond=None)[0]
    return x


def fit_core(core: str, folder: Path) -> tuple[CoreCosts, str]:
    """Return the costs of a core, and the toolchain that built what was counted."""
    board, by_kernel, toolchain = find_board(BOARDS[core]), defaultdict(list), ""
    modelled = False
    for result, rows in count_layers(board, folder):
        toolchain = str(result.engine.options["toolchain"])
        modelled = result.latency.cycles is not None
        for row in rows:
            by_kernel[row.kernel].append(row)
    source = cycle_source(board, 0) if modelled else ""
    kernels = {name: fit_kernel(by_kernel[name]) for name in sorted(by_kernel)}
    extensions = tuple(name for name in EXTENSIONS if getattr(board.core, name))
    costs = CoreCosts(board=board.id, extensions=extensions, cycles_source=source, kernels=kernels)
    return costs, toolchain


def check_models(table: CostTable, folder: Path) -> dict[str, dict[str, float]]:
    """Print estimate and simulation of each model in a folder; return the errors by model."""
    errors: dict[str, dict[str, float]] = {}
    for path in sorted(folder.glob("*.tflite")):
        graph = read_model(path)
        if unsupported_nodes(graph):
            continue
        for core, costs in table.cores.items():
            target = Target.on(find_board(costs.board))
            plan = compile_graph(graph, name=path.stem, target=target).plan
            estimate = model_cost(graph, plan, costs)
            latency = api.bench(path, board=costs.board, runs=1, warmup=0, layers=False).latency
            counted = latency.instructions or 1
            error = estimate.instructions / counted - 1
            errors.setdefault(path.stem, {})[core] = round(error, 3)
            print(
                f"{path.stem:24} {core:14} {estimate.instructions:>12,} estimated "
                f"{counted:>12,} simulated {error:+.1%}{_cycle_error(estimate, latency.cycles)}",
                flush=True,
            )
    return errors


def _cycle_error(estimate: Cost, cycles: int | None) -> str:
    if estimate.cycles is None or not cycles:
        return ""
    return f", cycles {estimate.cycles / cycles - 1:+.1%}"


def main() -> int:
    """Fit, check where asked, write."""
    parser = argparse.ArgumentParser(description="Fit the cost table of edgeq's kernels.")
    parser.add_argument("--cores", default=",".join(BOARDS), help="which to fit again")
    parser.add_argument("--check", type=Path, help="a folder of .tflite models to hold it against")
    options = parser.parse_args()
    cores = dict(load_costs().cores) if COSTS_FILE.exists() else {}
    toolchain = load_costs().toolchain if COSTS_FILE.exists() else ""
    with tempfile.TemporaryDirectory() as name:
        for core in filter(None, options.cores.split(",")):
            cores[core], toolchain = fit_core(core, Path(name))
            for kernel, cost in cores[core].kernels.items():
                print(f"{core:14} {kernel:18} {cost.layers:>4} layers, worst {cost.worst:.1%}")
    table = CostTable(toolchain=toolchain, cores=dict(sorted(cores.items())))
    if options.check:
        table = msgspec.structs.replace(table, held_out=check_models(table, options.check))
    text = msgspec.json.format(msgspec.json.encode(table), indent=1).decode() + "\n"
    write_atomic(COSTS_FILE, text)
    print("written; now python benchmarks/published.py --write puts it into the page")
    return 0


if __name__ == "__main__":
    sys.exit(main())
