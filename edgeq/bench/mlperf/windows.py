"""The window rules: exactly five windows, each at least ten seconds; the median counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from edgeq.core.records.mlperf import MlperfWindow, RuleRecord

if TYPE_CHECKING:
    from edgeq.bench.mlperf.execution import Taken

WINDOWS = 5
MINIMUM_S = 10.0
# A window is aimed this much longer, so that no spread of the clock makes it short.
MARGIN = 1.02
MAX_INFERENCES = 1_000_000_000


def enlarge(inferences: int, duration_s: float, minimum_s: float = MINIMUM_S) -> int:
    """Return how many inferences fill a window, from the time that `inferences` took.

    Never fewer than asked for; 0 s tells nothing, so that ten times as many are tried.
    """
    if duration_s <= 0:
        return min(10 * inferences, MAX_INFERENCES)
    if duration_s >= minimum_s:
        return inferences
    return min(math.ceil(inferences * minimum_s * MARGIN / duration_s), MAX_INFERENCES)


def check_windows(
    windows: Sequence[MlperfWindow], *, where: str, minimum_s: float = MINIMUM_S
) -> tuple[RuleRecord, ...]:
    """Return the window rules and whether they hold."""
    short = [f"window {i + 1} {w.duration_s:.3f} s" for i, w in enumerate(windows)
             if w.duration_s < minimum_s]  # fmt: skip
    shortest = min((w.duration_s for w in windows), default=0.0)
    return (
        RuleRecord(
            where=where,
            rule=f"exactly {WINDOWS} windows",
            passed=len(windows) == WINDOWS,
            found=f"{len(windows)}",
        ),
        RuleRecord(
            where=where,
            rule=f"each window lasts at least {minimum_s:g} s",
            passed=bool(windows) and not short,
            found=", ".join(short) or f"the shortest {shortest:.3f} s",
        ),
    )


def make_window(taken: Taken, duration_s: float) -> MlperfWindow:
    """Return the window of an inference that took `duration_s` between its two stamps or edges."""
    return MlperfWindow(
        file=taken.sample.file,
        inferences=taken.inference.inferences,
        warmups=taken.inference.warmups,
        duration_s=duration_s,
        host_s=taken.inference.host_s,
        answer_s=taken.inference.answer_s,
    )


def median_throughput(windows: Sequence[MlperfWindow]) -> float | None:
    """Return the median of inferences a second, None where there are no windows."""
    return float(median(w.throughput for w in windows)) if windows else None


def median_energy(windows: Sequence[MlperfWindow]) -> float | None:
    """Return the median of joules an inference, None where no window has an energy."""
    found = [e for w in windows if (e := w.energy_per_inference_j) is not None]
    return float(median(found)) if found else None
