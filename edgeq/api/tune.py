"""The cheapest model that meets the limits of a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeq.api.common import Progress, quiet
from edgeq.tuning.request import TuneRequest

if TYPE_CHECKING:
    from edgeq.tuning.choice import Choice


def tune(request: TuneRequest, *, on_progress: Progress = quiet) -> Choice:
    """Search schemes, calibrations, bits of layers and compression for a board.

    Finished trials are kept in the folder: the same call goes on after an interruption. Where no
    model meets the limits, the choice has no model and its record says which one comes closest.
    """
    from edgeq.tuning.tuning import run_tune

    return run_tune(request, on_progress)
