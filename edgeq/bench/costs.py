"""The cost table: what edgeq's own kernels execute, core by core, without running anything.

A kernel's cost is a sum of non-negative coefficients times the features of its layer
(`edgeq.bench.features`). The coefficients in costs.json are fitted by benchmarks/fit_costs.py to
exact counts of the virtual boards, and describe the kernels of the edgeq that they ship with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from edgeq.bench.calibration import COUNT_TOLERANCE
from edgeq.bench.coded import TOLERANCE, base_kernels, decoding_cost
from edgeq.bench.features import Features, layer_features
from edgeq.compile import computed_graph
from edgeq.core.records import Plan, PlannedLayer, Record
from edgeq.graph.ir import Graph

# A kernel without a row: an operator's kernels differ by less than this factor, less one.
GUESS_TOLERANCE = 4.0
COSTS_FILE = Path(__file__).with_name("costs.json")
# Cycles of an instruction that decodes, mostly loads.
_DECODING_CYCLES = 1.3
# Fields of a board's core that say which instructions a kernel may use.
EXTENSIONS = ("dsp", "mve")

Coefficients = Mapping[str, float]


class KernelCost(Record, frozen=True, kw_only=True):
    """Coefficients by feature. `cycles` are modelled at zero wait states, None where no model is.

    `layers` of the operators `ops` were fitted; `worst` is the largest relative error of their
    instructions.
    """

    ops: tuple[str, ...]
    layers: int
    worst: float
    instructions: dict[str, float]
    cycles: dict[str, float] | None = None


class CoreCosts(Record, frozen=True, kw_only=True):
    """The kernels of one core, as counted on `board`, whose core has these `extensions`.

    `cycles_source` is the cycle model's, empty where there is none.
    """

    board: str
    extensions: tuple[str, ...]
    cycles_source: str
    kernels: dict[str, KernelCost]


class CostTable(Record, frozen=True, kw_only=True):
    """The costs of every core that a virtual board counts.

    `held_out` is, by model and core, the relative error of the estimated instructions of models
    that nothing was fitted on; empty where none were at hand.
    """

    schema: Literal["edgeq.costs/1"] = "edgeq.costs/1"
    toolchain: str
    cores: dict[str, CoreCosts]
    held_out: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)


class Cost(Record, frozen=True, kw_only=True):
    """Instructions and modelled zero-wait-state cycles of one inference.

    The count may be off by the factor 1 + `tolerance`, either way; `guessed` are the kernels
    without a row, which were taken for others of their operators.
    """

    instructions: int
    cycles: int | None
    tolerance: float = COUNT_TOLERANCE
    guessed: tuple[str, ...] = ()


class UnknownKernelError(LookupError):
    """The table has no row for a kernel, nor for another of its operator."""


@cache
def load_costs() -> CostTable:
    """Return the table that ships with edgeq."""
    return msgspec.json.decode(COSTS_FILE.read_bytes(), type=CostTable)


def sum_features(coefficients: Coefficients, features: Features) -> float:
    """Return the cost of one layer; a feature without coefficient costs nothing."""
    return sum(coefficients.get(name, 0.0) * value for name, value in features.items())


def model_cost(graph: Graph, plan: Plan, costs: CoreCosts) -> Cost:
    """Return the cost of one inference of a compiled graph.

    A kernel without a row costs what its operator's most fitted one would, and is named.

    Raises:
        UnknownKernelError: the table knows no kernel of a layer's operator.
    """
    computed = computed_graph(graph, plan)
    ops = {node.index: node.op for node in computed.nodes}
    instructions, doubt, cycles, modelled = 0.0, 0.0, 0.0, True
    guessed: dict[str, None] = {}
    for layer in (part for whole in plan.layers for part in whole.parts):
        features, decoding = layer_features(computed, layer), 0.0
        kernel, off = costs.kernels.get(layer.kernel), 0.0
        base = next(filter(None, map(costs.kernels.get, _bases(computed, layer))), None)
        if kernel is None and base is not None:
            kernel, decoding, off = base, decoding_cost(computed, layer), TOLERANCE
        elif kernel is None:
            kernel, off = _nearest(costs, layer, ops[layer.nodes[-1]]), GUESS_TOLERANCE
        count = sum_features(kernel.instructions, features) + decoding
        if off:
            guessed[layer.kernel] = None
            doubt += count * max(0.0, off - COUNT_TOLERANCE)
        instructions += count
        modelled = modelled and kernel.cycles is not None
        cycles += sum_features(kernel.cycles or {}, features) + _DECODING_CYCLES * decoding
    return Cost(
        instructions=round(instructions),
        cycles=round(cycles) if modelled else None,
        tolerance=COUNT_TOLERANCE + (doubt / instructions if instructions else 0.0),
        guessed=tuple(guessed),
    )


def _bases(graph: Graph, layer: PlannedLayer) -> tuple[str, ...]:
    return base_kernels(graph, layer) if layer.kernel.startswith("eq_coded") else ()


def _nearest(costs: CoreCosts, layer: PlannedLayer, op: str) -> KernelCost:
    """Return the row of another kernel of the operator: the one that most layers were fitted on."""
    rows = [kernel for kernel in costs.kernels.values() if op in kernel.ops]
    if not rows:
        raise UnknownKernelError(layer.kernel)
    return max(rows, key=lambda kernel: kernel.layers)
