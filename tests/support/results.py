"""Results of benchmarks, made by hand: deterministic, noisy, with energy, on a Linux machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from edgeq.bench.gates import Subject
from edgeq.bench.latency import summarise_latency
from edgeq.core.records import (
    BoardRecord,
    EnergyRecord,
    EngineRecord,
    HostRecord,
    HostState,
    Kind,
    MemoryRecord,
    MeterRecord,
    ModelRecord,
    OutputRecord,
    Result,
    WindowRecord,
)
from edgeq.report.formats import to_json


def make_result(seconds: Sequence[float] = (1e-3,) * 10, kind: Kind = "estimated") -> Result:
    """Return a sound result whose runs took `seconds`."""
    counted = round(seconds[0] * 1e8) if kind == "estimated" else None
    return Result(
        model=ModelRecord(name="tiny", sha256="ab" * 32, bytes=1000, macs=32),
        board=BoardRecord(
            id="virt-m4", core="cortex-m4", clock_hz=120_000_000, kind="virtual",
            verified="emulated",
        ),
        engine=EngineRecord(name="aot", version="0", options={"toolchain": "zig"}),
        latency=summarise_latency(seconds, kind, instructions=counted),
        memory=MemoryRecord(
            flash_bytes=20_000, code_bytes=10_000, constant_bytes=10_000, ram_bytes=6000,
            arena_bytes=5000, static_bytes=500, stack_bytes=500, image_bytes=40_000,
        ),
        energy=None,
        output=OutputRecord(crc32="0badcafe", bit_exact=True, oracle="edgeq oracle"),
        layers=(),
    )  # fmt: skip


def with_memory(result: Result, **sizes: int) -> Result:
    """Return the result with other sizes."""
    return changed(result, memory=msgspec.structs.replace(result.memory, **sizes))


def changed(result: Result, **fields: Any) -> Result:
    """Return the result with other fields."""
    return msgspec.structs.replace(result, **fields)


def make_energy(joules: Sequence[float], *, complete: bool = True) -> EnergyRecord:
    """Return measured energy of one inference a window."""
    middle = sorted(joules)[len(joules) // 2]
    windows = tuple(
        WindowRecord(
            start_s=float(i), duration_s=1.0, inferences=100, energy_j=100 * j, charge_c=0.0
        )
        for i, j in enumerate(joules)
    )
    meter = MeterRecord(
        name="replay", sample_rate_hz=1e5, samples=1000, lost_samples=0, clipped_samples=0, gaps=0
    )
    return EnergyRecord(
        kind="measured", per_inference_j=middle, average_w=0.01, source="replay", meter=meter,
        windows=windows, complete=complete,
    )  # fmt: skip


def make_host(*, valid: bool) -> HostRecord:
    """Return a Raspberry Pi that throttled, or did not."""
    return HostRecord(
        machine="aarch64", cpu="Cortex-A72", cpus=4, kernel="6", python="3.11",
        runtime="ai-edge-litert", runtime_version="2", threads=1, xnnpack=True, cold_start_s=1.0,
        load_s=0.1, first_inference_s=0.1, before=HostState(), after=HostState(), valid=valid,
    )  # fmt: skip


def subject_of(result: Result, file: str = "result.json") -> Subject:
    """Return what a gate judges."""
    return Subject(file, result)


def save(result: Result, path: Path) -> Path:
    """Write the result as `edgeq bench --format json` prints it."""
    path.write_bytes(to_json(result))
    return path
