"""What a search is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeq.core.records import DEFAULT, CompileOptions
from edgeq.core.records.base import Record


class TuneLimits(Record, frozen=True, kw_only=True):
    """What the model must meet: points of accuracy lost at most (of an error: per cent grown),
    bytes of the compiled model and its kernels, seconds; None: no limit.
    """

    max_drop: float = 1.0
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    latency_s: float | None = None


NO_LIMITS = TuneLimits()


@dataclass(frozen=True, slots=True)
class TuneRequest:
    """What to search. `minutes`: no trial of this run starts later; `jobs`: trials at once.

    `out` is by default runs/tune-MODEL-BOARD; `fresh` forgets what it has.
    """

    model: Path
    data: str
    board: str
    limits: TuneLimits = NO_LIMITS
    trials: int = 24
    minutes: float = 10.0
    jobs: int | None = None
    out: Path | None = None
    fresh: bool = False
    seed: int = 0
    toolchain: str | None = None
    data_root: Path | None = None
    options: CompileOptions = DEFAULT
