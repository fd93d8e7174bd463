"""An emission for TensorFlow Lite Micro as tables: arena, problems, NPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeq.core.units import format_bytes, format_count, format_seconds
from edgeq.report.table import Table, Tables, facts, make_table

if TYPE_CHECKING:
    from edgeq.compile.arena import ArenaEstimate
    from edgeq.compile.emission import Emission
    from edgeq.compile.vela import NpuEstimate


def emission_tables(record: Emission) -> Tables:
    """The arena for each set of kernels and what it consists of; what a version does not do."""
    return tuple(_tables(record))


def _tables(record: Emission) -> Iterator[Table]:
    if record.npu is not None:
        yield _npu(record.npu)
    yield _arenas(record)
    yield _parts(record)
    if record.problems:
        rows = ((str(p.node), p.op, p.layer, p.effect, p.reason, p.source) for p in record.problems)
        columns = ">operator|name|layer|effect|reason|source"
        yield make_table(f"TensorFlow Lite Micro {record.version}", columns, rows)


def _arenas(record: Emission) -> Table:
    rows = (
        (a.kernels, a.core, f"{a.bytes:,}", f"{a.used_bytes:,}", f"{a.planning_bytes:,}", a.kind)
        for a in record.arenas
    )
    unknown = sorted({op for a in record.arenas for op in a.unknown})
    notes = [f"source: {record.arenas[0].source}"]
    if unknown:
        notes.append(f"more for what is not known: {', '.join(unknown)}")
    columns = "kernels|core|>arena, bytes|>arena_used_bytes()|>to plan|kind"
    return make_table("Tensor arena", columns, rows, notes)


def _parts(record: Emission) -> Table:
    """One row a part, one column a set of kernels."""
    names = dict.fromkeys((p.region, p.name) for a in record.arenas for p in a.parts)
    rows = (
        (region, name, *(f"{_bytes(arena, region, name):,}" for arena in record.arenas))
        for region, name in names
    )
    heads = "".join(f"|>{a.kernels}, {a.core}" for a in record.arenas)
    return make_table("What it holds, in bytes", f"end|part{heads}", rows)


def _bytes(arena: ArenaEstimate, region: str, name: str) -> int:
    return sum(p.bytes for p in arena.parts if (p.region, p.name) == (region, name))


def _npu(npu: NpuEstimate) -> Table:
    values = {
        "accelerator": npu.accelerator,
        "one inference": f"{format_seconds(npu.inference_s)} at {npu.clock_hz / 1e6:g} MHz, "
        f"{format_count(npu.cycles)} cycles ({npu.kind})",
        "system, memory": f"{npu.system}, {npu.memory_mode}",
        "SRAM, flash": f"{format_bytes(npu.sram_bytes)}, {format_bytes(npu.flash_bytes)}",
        "on the CPU": ", ".join(npu.fallback) or "nothing",
    }
    return facts("NPU", values, (f"source: {npu.source}",))
