"""How many models a property is held on."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings


def efforts(few: int, many: int) -> pytest.MarkDecorator:
    """Return what runs a property test with a few models, and as a slow test with many."""
    quick = settings(
        max_examples=few, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    thorough = settings(quick, max_examples=many, derandomize=False, database=None)
    return pytest.mark.parametrize(
        "effort", [quick, pytest.param(thorough, marks=pytest.mark.slow)], ids=["few", "many"]
    )
