"""Power meters: which there are, and recording with one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.api.common import Progress, quiet

if TYPE_CHECKING:
    from edgeq.device.meters.recording import MeterListing, RecordingSummary


def list_meters() -> tuple[MeterListing, ...]:
    """Return every meter that edgeq knows, what it needs and where one is plugged in."""
    from edgeq.device.meters import recording

    return recording.list_meters()


def record_meter(
    meter: str, *, seconds: float, out: Path, on_progress: Progress = quiet
) -> RecordingSummary:
    """Record with a meter for some seconds into an .npz file.

    Args:
        meter: NAME[:PORT][,option=value...], see docs/meters.md.
    """
    from edgeq.device.meters import recording

    return recording.record(meter, seconds, out, on_progress)
