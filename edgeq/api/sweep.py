"""Models x schemes x boards x options from one TOML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.api.common import Progress, quiet

if TYPE_CHECKING:
    from edgeq.sweep.sweeping import SweepPreview, SweepReport


def sweep(
    manifest: Path,
    *,
    out: Path | None = None,
    jobs: int | None = None,
    fresh: bool = False,
    retry_failed: bool = False,
    scheduler: str | None = None,
    on_progress: Progress = quiet,
) -> SweepReport:
    """Do every cell of a sweep that its folder has not, and write its table and page.

    Args:
        out: the folder [default: runs/sweep-NAME].
        jobs: child processes at once [default: one a processor].
        fresh: forget what the folder has.
        retry_failed: do again what failed before.
        scheduler: of a Dask cluster that does the work, tcp://HOST:PORT.
    """
    from edgeq.sweep.sweeping import SweepRequest, run_sweep

    request = SweepRequest(manifest, out, jobs, fresh, retry_failed, scheduler)
    return run_sweep(request, on_progress)


def preview_sweep(
    manifest: Path, *, out: Path | None = None, fresh: bool = False, retry_failed: bool = False
) -> SweepPreview:
    """Say what a sweep would do; nothing is written."""
    from edgeq.sweep.sweeping import SweepRequest
    from edgeq.sweep.sweeping import preview_sweep as preview

    return preview(SweepRequest(manifest, out, fresh=fresh, retry_failed=retry_failed))
