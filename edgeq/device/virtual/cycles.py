"""Modelled cycles: a static table a core, summed over the blocks that ran. Always `estimated`.

cycles = sum over executed instructions of base + each * registers,
         minus one for a load or store right behind another one where the core pipelines them,
         plus `refill` for each taken branch.

Zero wait states, no caches, no bus contention, predicated-off instructions cost as if executed.
A variable cost stands at one value: divides at 6, refills at 1 (the manuals' range: 1 to 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgeq.core.errors import InternalError
from edgeq.device.virtual.thumb import Instruction

# (base, for each register); a kind that is not in a table costs (1, 0).
Costs = Mapping[str, tuple[int, int]]
_PIPELINED = frozenset({"load", "store", "fpu_load", "fpu_store"})


@dataclass(frozen=True, slots=True)
class CycleTable:
    """Costs of one core; `source` says what they rest on."""

    core: str
    source: str
    costs: Costs
    refill: int
    pipelines_loads: bool


_M0PLUS: Costs = {
    "load": (2, 0), "store": (2, 0), "load_multiple": (1, 1), "store_multiple": (1, 1),
    "pop_pc": (2, 1), "call": (2, 0), "barrier": (3, 0), "system": (3, 0),
}  # fmt: skip
_M3: Costs = {
    "mla": (2, 0), "long_mul": (4, 0), "long_mla": (5, 0), "div": (6, 0),
    "load": (2, 0), "store": (1, 0), "load_dual": (1, 1), "store_dual": (1, 1),
    "load_multiple": (1, 1), "store_multiple": (1, 1), "pop_pc": (1, 1),
    "table_branch": (2, 0), "barrier": (2, 0), "system": (2, 0),
}  # fmt: skip
_M4: Costs = {
    **_M3, "mla": (1, 0), "long_mul": (1, 0), "long_mla": (1, 0),
    "fpu_mla": (3, 0), "fpu_div": (14, 0), "fpu_load": (2, 0), "fpu_store": (2, 0),
    "fpu_load_multiple": (1, 1), "fpu_store_multiple": (1, 1),
}  # fmt: skip
_M7: Costs = {
    "div": (6, 0), "fpu_div": (14, 0), "fpu_mla": (3, 0), "load_multiple": (0, 1),
    "store_multiple": (0, 1), "pop_pc": (1, 1), "barrier": (2, 0), "system": (2, 0),
}  # fmt: skip
_RV32: Costs = {"load": (2, 0), "div": (16, 0), "barrier": (3, 0), "system": (3, 0)}
_RV32_SOURCE = (
    "guessed: loads 2, divide 16, taken branch 2 more, all else 1 (Espressif publishes no table"
    " for the ESP32-C3)"
)

_TABLES = (
    CycleTable(
        "cortex-m0plus",
        "Arm DDI 0484C, Cortex-M0+ TRM, table 3-1 (single-cycle multiplier), zero wait states",
        _M0PLUS, refill=1, pipelines_loads=False,
    ),
    CycleTable(
        "cortex-m3",
        "Arm DDI 0337I, Cortex-M3 TRM, table 3-1, refill 1, divide 6, zero wait states",
        _M3, refill=1, pipelines_loads=True,
    ),
    CycleTable(
        "cortex-m4",
        "Arm 100166, Cortex-M4 TRM, tables 3-1 and 7-1, refill 1, divide 6, zero wait states",
        _M4, refill=1, pipelines_loads=True,
    ),
    CycleTable(
        "cortex-m7",
        "guessed: one instruction a cycle, no dual issue, no caches (Arm publishes no table)",
        _M7, refill=0, pipelines_loads=False,
    ),
    CycleTable(
        "cortex-m33",
        "guessed: the Cortex-M4's table (Arm publishes none for the Cortex-M33)",
        _M4, refill=1, pipelines_loads=True,
    ),
    CycleTable("rv32imc", _RV32_SOURCE, _RV32, refill=2, pipelines_loads=False),
    CycleTable("rv32imac", _RV32_SOURCE, _RV32, refill=2, pipelines_loads=False),
)  # fmt: skip


def cycle_table(core: str) -> CycleTable:
    """Return the table of `core`, e.g. 'cortex-m4'; raise InternalError where there is none."""
    for table in _TABLES:
        if table.core == core:
            return table
    raise InternalError(
        f"no cycle table for core '{core}'", hint="choose a board whose core has one"
    )


def count_cycles(instructions: Iterable[Instruction], table: CycleTable) -> int:
    """Return the modelled cycles of straight-line code; a taken branch at its end costs extra."""
    total, behind_access = 0, False
    for _, kind, registers in instructions:
        base, each = table.costs.get(kind, (1, 0))
        cost = base + each * registers
        access = kind in _PIPELINED
        if access and behind_access and table.pipelines_loads:
            cost = max(1, cost - 1)
        total += cost
        behind_access = access
    return total
