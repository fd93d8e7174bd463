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
    """Record with a meter into an .npz file, and return what it holds.

    Args:
        meter: NAME[:PORT][,option=value...], see docs/meters.md.
        seconds: how long, up to six hours.
        out: the file to write, an .npz.

    Raises:
        UsageError: the meter's spec, the time or the file's name is wrong.
        InputError: the recording that is to be replayed is damaged.
        ToolchainError: what the meter needs is not installed.
        DeviceError: the meter is not there or does not answer. One that is lost in mid-run is no
            error: the summary has its `fault`, the file what was recorded.
    """
    from edgeq.device.meters import recording

    return recording.record(meter, seconds, out, on_progress)
