"""edgeq meters list, record"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.cli import options as opt


def list_meters(form: opt.OutputFormat = opt.Format.text) -> None:
    """Every power meter that edgeq knows, what it needs, and where one is plugged in."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.meters import meters_tables

    meters = api.list_meters()
    show(meters, lambda: meters_tables(meters), form)


def record_meter(
    meter: Annotated[
        str, typer.Argument(help="The meter: ppk2:/dev/ttyACM0,voltage=3.0", show_default=False)
    ],
    seconds: Annotated[float, typer.Option("--seconds", "-s", help="How long to record.")] = 10.0,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path(
        "trace.npz"
    ),
    form: opt.OutputFormat = opt.Format.text,
) -> None:
    """Record with a power meter into a file; a meter lost in mid-run keeps what it recorded."""
    from edgeq import api
    from edgeq.cli.console import Progress, say, show
    from edgeq.core.errors import DeviceError
    from edgeq.report.meters import recording_tables

    progress = Progress()
    try:
        summary = api.record_meter(meter, seconds=seconds, out=out, on_progress=progress)
    finally:
        progress.close()
    show(summary, lambda: recording_tables(summary), form)
    if summary.fault:
        # The record is on stdout already; what is wrong with it goes to stderr, as errors do.
        say(f"error: the recording is incomplete: {summary.fault}")
        say(f"hint: what was recorded is in {out}; check the meter's cable and record again")
        raise typer.Exit(DeviceError.exit_code)
