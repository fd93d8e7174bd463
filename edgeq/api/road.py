"""The whole road, from a model to a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.api.common import Progress, quiet, refuse_port
from edgeq.deployment import Deployment, DeployRequest

if TYPE_CHECKING:
    from edgeq.report.records import ReportData


def deploy(request: DeployRequest, *, on_progress: Progress = quiet) -> Deployment:
    """Convert, evaluate, fit, compile, build, flash, validate, bench and report."""
    from edgeq.deployment import run_deployment

    refuse_port(request.port)
    return run_deployment(request, on_progress)


def report(folder: Path, *, out: Path | None = None) -> tuple[ReportData, Path]:
    """Read the record of a deploy again and write its HTML page."""
    from edgeq.deployment import rewrite_report

    return rewrite_report(folder, out)
